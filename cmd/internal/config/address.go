package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// wantListen checks an address to listen on; its host may be empty, which means every address of
// the machine.
func wantListen(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !plain(host) {
		return errors.New("want host:port, such as 127.0.0.1:7400")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("want a port from 1 to 65535 after the host")
	}
	return nil
}

// wantCall checks an address to call.
func wantCall(addr string) error {
	if err := wantListen(addr); err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(addr); host == "" {
		return errors.New("want a host before the port, such as 10.0.0.1:7400")
	}
	return nil
}

// wantHost checks a name or an address that stands alone.
func wantHost(host string) error {
	_, err := netip.ParseAddr(host)
	isName := err != nil
	switch {
	case host == "":
		return nil
	case !plain(host), isName && strings.ContainsAny(host, ":[]/"):
		return errors.New("want a host without a port, such as 10.0.0.1 or node-1.example")
	case everywhere(host):
		return errors.New("want an address of this machine that others can call")
	}
	return nil
}

// nameMax is in bytes. Names travel with every gossip message.
const nameMax = 255

// wantName checks the node's name, which stands between blanks in CLUSTER NODES.
func wantName(name string) error {
	if len(name) > nameMax || !plain(name) {
		return fmt.Errorf("want at most %d bytes of printable text without blanks", nameMax)
	}
	return nil
}

// plain says that a text can stand in a line of its own words.
func plain(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar }) < 0
}

// everywhere says that a host to listen on means all of the machine's addresses.
func everywhere(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "" || err == nil && addr.Unmap().IsUnspecified()
}

// loopback says that only this machine can reach what listens on host. A name other than
// localhost is not trusted to: what it means can change.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}
