package config

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// check finds what cannot work together; single values were checked as they were read. It names
// settings by their flags, wherever they were set.
func (c *Config) check() error {
	for _, check := range []func() error{c.checkAddresses, c.checkCluster, c.checkTLS, c.checkSecrets, c.checkReach, c.checkSlow} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// listener is one of the node's ports.
type listener struct{ flag, addr, host string }

// listeners are those that are on.
func (c *Config) listeners() (all []listener) {
	for _, l := range []listener{{flag: "--resp", addr: c.RESP}, {flag: "--grpc", addr: c.GRPC}, {flag: "--peer", addr: c.Peer}, {flag: "--admin", addr: c.Admin}} {
		if l.addr != "" {
			l.host, _, _ = net.SplitHostPort(l.addr)
			all = append(all, l)
		}
	}
	return all
}

func (c *Config) checkAddresses() error {
	taken := map[string]string{}
	for _, l := range c.listeners() {
		if other, both := taken[l.addr]; both {
			return fmt.Errorf("%s and %s are both %s: give each a port of its own", other, l.flag, l.addr)
		}
		taken[l.addr] = l.flag
		// Nobody is sent to the admin port, so it needs no host that others know.
		if everywhere(l.host) && c.Advertise == "" && l.flag != "--admin" {
			return fmt.Errorf("%s %s listens on every address: say with --advertise by which host others reach this node", l.flag, l.addr)
		}
	}
	return nil
}

func (c *Config) checkCluster() error {
	if len(c.Join) == 0 && c.Expect > 1 {
		return fmt.Errorf("--expect %d without --join: say where the other nodes are", c.Expect)
	}
	if distinct := len(slices.Compact(slices.Sorted(slices.Values(c.Join)))); c.Expect > 1 && distinct > c.Expect {
		return fmt.Errorf("--join names %d nodes and --expect says %d: different %d of them could each found a cluster; expect all that are named, or name fewer", distinct, c.Expect, c.Expect)
	}
	if least := 4 * c.ElectionTimeout; c.Grace < least {
		return fmt.Errorf("--grace %s: want at least %s, four times --election-timeout, or replicas are moved while a leader is elected", short(c.Grace), short(least))
	}
	if least := 4 * c.ElectionTimeout; c.ResetGrace < least {
		return fmt.Errorf("--reset-grace %s: want at least %s, four times --election-timeout, or a shard is given up while a leader is elected", short(c.ResetGrace), short(least))
	}
	return nil
}

func (c *Config) checkTLS() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together: give both")
	}
	if c.TLSCA != "" && c.TLSCert == "" {
		return errors.New("--tls-ca needs --tls-cert and --tls-key")
	}
	return nil
}

// checkSecrets: an old secret alone protects nothing, although somebody meant it to.
func (c *Config) checkSecrets() error {
	switch {
	case c.OldPassword != "" && c.Password == "":
		return errors.New("--old-password-file without --password-file: the old password is taken beside the new one; give both")
	case c.OldClusterSecret != "" && c.ClusterSecret == "":
		return errors.New("--old-cluster-secret-file without --cluster-secret-file: the old secret is taken beside the new one; give both")
	case !inHeader(c.ClusterSecret), !inHeader(c.OldClusterSecret):
		return errors.New("--cluster-secret (or its file, or the old one's): want printable ASCII characters, for nodes show it to each other in a header, which takes no others")
	}
	return nil
}

func inHeader(s Secret) bool {
	return !strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r < ' ' || r > '~' })
}

func (c *Config) checkSlow() error {
	if c.SlowRequest > 0 && c.SlowDir == "" {
		return fmt.Errorf("--slow-request %s without --slow-dir: say where the traces go", short(c.SlowRequest))
	}
	return nil
}

// checkReach asks for protection on addresses that other machines can reach.
func (c *Config) checkReach() error {
	if c.Insecure {
		return nil
	}
	for _, l := range c.listeners() {
		if loopback(l.host) {
			continue
		}
		if advice := c.advice(l.flag); advice != "" {
			return fmt.Errorf("%s %s can be reached from other machines: %s; or say --insecure if the network is protected", l.flag, l.addr, advice)
		}
	}
	return nil
}

// advice is what to do before others may reach a port.
func (c *Config) advice(flag string) string {
	if flag == "--admin" {
		return "it has neither TLS nor a password: listen on 127.0.0.1 and reach it by a proxy of yours"
	}
	var lacks []string
	if c.TLSCert == "" {
		lacks = append(lacks, "--tls-cert and --tls-key")
	}
	switch {
	case flag == "--peer" && c.ClusterSecret == "" && c.TLSCA == "":
		lacks = append(lacks, "--cluster-secret-file (or --tls-ca)")
	case flag != "--peer" && c.Password == "":
		lacks = append(lacks, "--password-file")
	}
	if len(lacks) == 0 {
		return ""
	}
	return "set " + strings.Join(lacks, ", and ")
}
