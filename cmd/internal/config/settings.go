package config

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one thing that can be set: everywhere, under one name.
type setting struct {
	group  string
	name   string // of the flag; TORC_NAME and name in the file say the same
	value  string // what kind of value, for the usage text; empty: a switch
	help   string
	secret bool
	set    func(c *Config, text string) error
	show   func(c *Config) string
}

const (
	groupAddresses = "Addresses"
	groupCluster   = "Cluster"
	groupReads     = "Reads and time"
	groupLimits    = "Limits"
	groupSecurity  = "Security"
	groupLogs      = "Logs"
)

// settings are all there are, in the order of the usage text.
var settings = []setting{
	text(groupAddresses, "resp", "ADDR", "Redis clients connect here", func(c *Config) *string { return &c.RESP }),
	text(groupAddresses, "grpc", "ADDR", "Torc's own clients and torc connect here", func(c *Config) *string { return &c.GRPC }),
	text(groupAddresses, "peer", "ADDR", "other nodes connect here", func(c *Config) *string { return &c.Peer }),
	text(groupAddresses, "admin", "ADDR", "HTTP: /metrics /status /readyz /healthz; empty turns it off", func(c *Config) *string { return &c.Admin }),
	text(groupAddresses, "advertise", "HOST", "the host by which others reach this node, when it is not that of the addresses above", func(c *Config) *string { return &c.Advertise }),

	text(groupCluster, "name", "NAME", "the node's name, unique in the cluster and the same after a restart; its peer address if not given", func(c *Config) *string { return &c.Name }),
	list(groupCluster, "join", "ADDR,...", "peer addresses of nodes to form or join a cluster with", func(c *Config) *[]string { return &c.Join }),
	number(groupCluster, "expect", "how many nodes form a new cluster; a node that is told of others by --join and expects 1 only joins, and never forms one", func(c *Config) *int { return &c.Expect }),
	number(groupCluster, "shards", "shards of a new cluster, fixed for its life", func(c *Config) *int { return &c.Shards }),
	number(groupCluster, "replicas", "copies of each shard, in a new cluster", func(c *Config) *int { return &c.Replicas }),
	decimal(groupCluster, "weight", "how much this node holds beside others: 2 is twice as much as 1", func(c *Config) *float64 { return &c.Weight }),
	duration(groupCluster, "grace", "how long a node may be silent before its replicas are made anew elsewhere", func(c *Config) *time.Duration { return &c.Grace }),
	number(groupCluster, "lanes", "event loops, each with its share of the shards", func(c *Config) *int { return &c.Lanes }),
	boolean(groupCluster, "redirect", "answer Redis clients with MOVED, as Redis Cluster does, instead of forwarding", func(c *Config) *bool { return &c.Redirect }),

	text(groupReads, "reads", "lease|readindex", "lease: leaders answer from memory, trusting clock rates; readindex: a quorum is asked, no clock is trusted", func(c *Config) *string { return &c.Reads }),
	number(groupReads, "clock-drift", "thousandths by which the nodes' clock rates may differ; leases are shorter by it", func(c *Config) *int { return &c.ClockDrift }),
	duration(groupReads, "election-timeout", "silence of a leader after which another one is elected", func(c *Config) *time.Duration { return &c.ElectionTimeout }),
	duration(groupReads, "timeout", "how long a request waits before its outcome is reported as unknown", func(c *Config) *time.Duration { return &c.Timeout }),
	duration(groupReads, "session-ttl", "how long an idle client's session is remembered, for its retries", func(c *Config) *time.Duration { return &c.SessionTTL }),

	size(groupLimits, "max-key", "largest key", func(c *Config) *Size { return &c.MaxKey }),
	size(groupLimits, "max-value", "largest value", func(c *Config) *Size { return &c.MaxValue }),
	size(groupLimits, "max-memory", "keys and values held on this node before writes that grow are refused; 0 is no bound", func(c *Config) *Size { return &c.MaxMemory }),

	secret("password", "asked of clients (AUTH, gRPC); better in a file or the environment", func(c *Config) *Secret { return &c.Password }),
	secretFile("password", func(c *Config) *Secret { return &c.Password }),
	secret("cluster-secret", "asked of other nodes; the same on all", func(c *Config) *Secret { return &c.ClusterSecret }),
	secretFile("cluster-secret", func(c *Config) *Secret { return &c.ClusterSecret }),
	text(groupSecurity, "tls-cert", "FILE", "certificate (PEM) of this node; with it every port but admin speaks TLS", func(c *Config) *string { return &c.TLSCert }),
	text(groupSecurity, "tls-key", "FILE", "its key", func(c *Config) *string { return &c.TLSKey }),
	text(groupSecurity, "tls-ca", "FILE", "authority that other nodes' certificates must be signed by", func(c *Config) *string { return &c.TLSCA }),
	boolean(groupSecurity, "insecure", "allow other machines to connect without TLS or secrets", func(c *Config) *bool { return &c.Insecure }),

	text(groupLogs, "log-level", "LEVEL", "debug, info, warn or error", func(c *Config) *string { return &c.LogLevel }),
	text(groupLogs, "log-format", "text|json", "how lines are written to standard error", func(c *Config) *string { return &c.LogFormat }),
}

func find(name string) *setting {
	if i := slices.IndexFunc(settings, func(s setting) bool { return s.name == name }); i >= 0 {
		return &settings[i]
	}
	return nil
}

func text(group, name, value, help string, at func(*Config) *string) setting {
	return setting{group: group, name: name, value: value, help: help,
		set:  func(c *Config, t string) error { *at(c) = t; return nil },
		show: func(c *Config) string { return *at(c) }}
}

func list(group, name, value, help string, at func(*Config) *[]string) setting {
	return setting{group: group, name: name, value: value, help: help,
		set: func(c *Config, t string) error {
			*at(c) = nil
			for part := range strings.SplitSeq(t, ",") {
				if part = strings.TrimSpace(part); part != "" {
					*at(c) = append(*at(c), part)
				}
			}
			return nil
		},
		show: func(c *Config) string { return strings.Join(*at(c), ",") }}
}

func number(group, name, help string, at func(*Config) *int) setting {
	return setting{group: group, name: name, value: "N", help: help,
		set: func(c *Config, t string) (err error) {
			if *at(c), err = strconv.Atoi(t); err != nil {
				return fmt.Errorf("want a whole number")
			}
			return nil
		},
		show: func(c *Config) string { return strconv.Itoa(*at(c)) }}
}

func decimal(group, name, help string, at func(*Config) *float64) setting {
	return setting{group: group, name: name, value: "X", help: help,
		set: func(c *Config, t string) (err error) {
			if *at(c), err = strconv.ParseFloat(t, 64); err != nil {
				return fmt.Errorf("want a number")
			}
			return nil
		},
		show: func(c *Config) string { return strconv.FormatFloat(*at(c), 'g', -1, 64) }}
}

func boolean(group, name, help string, at func(*Config) *bool) setting {
	return setting{group: group, name: name, help: help,
		set: func(c *Config, t string) (err error) {
			if *at(c), err = strconv.ParseBool(t); err != nil {
				return fmt.Errorf("want true or false")
			}
			return nil
		},
		show: func(c *Config) string { return strconv.FormatBool(*at(c)) }}
}

func duration(group, name, help string, at func(*Config) *time.Duration) setting {
	return setting{group: group, name: name, value: "TIME", help: help,
		set: func(c *Config, t string) (err error) {
			if *at(c), err = time.ParseDuration(t); err != nil {
				return fmt.Errorf("want a time such as 500ms, 10s or 5m")
			}
			return nil
		},
		show: func(c *Config) string { return (*at(c)).String() }}
}

func size(group, name, help string, at func(*Config) *Size) setting {
	return setting{group: group, name: name, value: "SIZE", help: help,
		set: func(c *Config, t string) (err error) {
			*at(c), err = ParseSize(t)
			return err
		},
		show: func(c *Config) string { return (*at(c)).String() }}
}

func secret(name, help string, at func(*Config) *Secret) setting {
	return setting{group: groupSecurity, name: name, value: "TEXT", help: help, secret: true,
		set:  func(c *Config, t string) error { *at(c) = Secret(t); return nil },
		show: func(*Config) string { return "" }}
}

// secretFile reads a secret from a file, without the line's end.
func secretFile(of string, at func(*Config) *Secret) setting {
	return setting{group: groupSecurity, name: of + "-file", value: "FILE", help: "a file that holds it",
		set: func(c *Config, t string) error {
			content, err := os.ReadFile(t)
			if err != nil {
				return fmt.Errorf("read the secret: %w", err)
			}
			*at(c) = Secret(strings.TrimRight(string(content), "\r\n"))
			if *at(c) == "" {
				return fmt.Errorf("the file is empty")
			}
			return nil
		},
		show: func(*Config) string { return "" }}
}
