package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"
)

// check finds what cannot work.
func (c *Config) check() error {
	for _, check := range []func() error{c.checkAddresses, c.checkNumbers, c.checkWords, c.checkSecurity} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

type address struct{ flag, value string }

func (c *Config) listening() []address {
	return []address{{"--resp", c.RESP}, {"--grpc", c.GRPC}, {"--peer", c.Peer}, {"--admin", c.Admin}}
}

func (c *Config) checkAddresses() error {
	taken := map[string]string{}
	for _, a := range c.listening() {
		if a.value == "" && a.flag == "--admin" {
			continue
		}
		if err := checkAddress(a.value); err != nil {
			return fmt.Errorf("%s %q: %w", a.flag, a.value, err)
		}
		if other, both := taken[a.value]; both {
			return fmt.Errorf("%s and %s are both %s: give each a port of its own", other, a.flag, a.value)
		}
		taken[a.value] = a.flag
	}
	for _, addr := range c.Join {
		if err := checkAddress(addr); err != nil {
			return fmt.Errorf("--join %q: %w", addr, err)
		}
	}
	if len(c.Join) == 0 && c.Expect > 1 {
		return fmt.Errorf("--expect %d without --join: say where the other nodes are", c.Expect)
	}
	return nil
}

func checkAddress(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return errors.New("want host:port, such as 127.0.0.1:7400")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return errors.New("want a port from 1 to 65535")
	}
	return nil
}

func (c *Config) checkNumbers() error {
	for _, n := range []struct {
		flag       string
		value      int
		least, top int
	}{
		{"--expect", c.Expect, 1, 64}, {"--shards", c.Shards, 1, 16384}, {"--replicas", c.Replicas, 1, 9},
		{"--lanes", c.Lanes, 1, 256}, {"--clock-drift", c.ClockDrift, 0, 200},
		{"--max-key", int(c.MaxKey), 1, 64 << 20}, {"--max-value", int(c.MaxValue), 1, 128 << 20},
	} {
		if n.value < n.least || n.value > n.top {
			return fmt.Errorf("%s %d: want %d to %d", n.flag, n.value, n.least, n.top)
		}
	}
	for _, d := range []struct {
		flag         string
		value, least time.Duration
	}{
		{"--election-timeout", c.ElectionTimeout, 100 * time.Millisecond}, {"--timeout", c.Timeout, 10 * time.Millisecond},
		{"--session-ttl", c.SessionTTL, time.Second}, {"--grace", c.Grace, 4 * c.ElectionTimeout},
	} {
		if d.value < d.least || d.value > 24*time.Hour {
			return fmt.Errorf("%s %v: want %v to 24h", d.flag, d.value, d.least)
		}
	}
	if !(c.Weight >= 0.01 && c.Weight <= 100) {
		return fmt.Errorf("--weight %v: want 0.01 to 100", c.Weight)
	}
	return nil
}

func (c *Config) checkWords() error {
	if c.Reads != "lease" && c.Reads != "readindex" {
		return fmt.Errorf("--reads %q: want lease or readindex", c.Reads)
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return fmt.Errorf("--log-format %q: want text or json", c.LogFormat)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return fmt.Errorf("--log-level %q: want debug, info, warn or error", c.LogLevel)
	}
	return nil
}

// checkSecurity asks for protection on addresses that other machines can reach.
func (c *Config) checkSecurity() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if c.TLSCA != "" && c.TLSCert == "" {
		return errors.New("--tls-ca needs --tls-cert and --tls-key")
	}
	if c.Insecure {
		return nil
	}
	for _, a := range c.listening() {
		if a.value == "" || loopback(a.value) {
			continue
		}
		missing := ""
		switch {
		case a.flag == "--admin":
			missing = "HTTP has no password: listen on 127.0.0.1 and reach it by a proxy of yours"
		case c.TLSCert == "":
			missing = "set --tls-cert and --tls-key"
		case a.flag == "--peer" && c.ClusterSecret == "" && c.TLSCA == "":
			missing = "set --cluster-secret-file or --tls-ca"
		case a.flag != "--peer" && c.Password == "":
			missing = "set --password-file"
		default:
			continue
		}
		return fmt.Errorf("%s %s can be reached from other machines: %s; or say --insecure if the network is protected", a.flag, a.value, missing)
	}
	return nil
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
