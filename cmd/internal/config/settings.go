package config

import (
	"math"
	"slices"
	"strings"
	"time"

	"torc/core/evict"
)

// setting is one thing that can be set: everywhere, under one name. kinds.go makes them.
type setting struct {
	group string
	name  string // of the flag; TORC_NAME and name in the file say the same
	value string // what kind of value, for the usage text; empty: a switch
	help  string

	secret bool   // its text is never shown
	list   bool   // the file may give an array
	holds  string // the value names a file that holds the text of this other setting

	set  func(c *Config, text string) error // an error says what is wanted, not where it stands
	show func(c *Config) string             // as set reads it back; secrets show nothing
}

const (
	groupAddresses = "Addresses"
	groupCluster   = "Cluster"
	groupReads     = "Reads and time"
	groupLimits    = "Limits"
	groupSecurity  = "Security"
	groupLogs      = "Logs and traces"
)

// day is more than any of the times can sensibly be.
const day = 24 * time.Hour

// settings are all there are, in the order of the usage text.
var settings = []setting{
	address(groupAddresses, "resp", "Redis clients connect here", must, func(c *Config) *string { return &c.RESP }),
	address(groupAddresses, "grpc", "Torc's own clients and torc connect here", must, func(c *Config) *string { return &c.GRPC }),
	address(groupAddresses, "peer", "other nodes connect here", must, func(c *Config) *string { return &c.Peer }),
	address(groupAddresses, "admin", "HTTP: /metrics /status /readyz /healthz; empty turns it off", mayBeEmpty, func(c *Config) *string { return &c.Admin }),
	boolean(groupAddresses, "profiles", "also serve profiles and traces of the process there: /debug/pprof/ and /debug/flight", func(c *Config) *bool { return &c.Profiles }),
	text(groupAddresses, "advertise", "HOST", "the host, without a port, under which other nodes and clients reach this one; by default the host of each address above",
		wantHost, func(c *Config) *string { return &c.Advertise }),

	text(groupCluster, "name", "NAME", "the node's name, unique in the cluster and the same after a restart; by default its advertised peer address",
		wantName, func(c *Config) *string { return &c.Name }),
	addresses(groupCluster, "join", "peer addresses of nodes to form or join a cluster with; this node's own may be among them",
		func(c *Config) *[]string { return &c.Join }),
	number(groupCluster, "expect", "how many nodes form a new cluster; with --join naming other nodes and --expect 1, this node joins an existing cluster and never forms one",
		1, 64, func(c *Config) *int { return &c.Expect }),
	number(groupCluster, "shards", "number of shards of a new cluster; cannot be changed later", 1, 16384, func(c *Config) *int { return &c.Shards }),
	number(groupCluster, "replicas", "copies of each shard in a new cluster", 1, 9, func(c *Config) *int { return &c.Replicas }),
	weight(groupCluster, "weight", "how much this node holds relative to others: 2 is twice as much as 1", func(c *Config) *float64 { return &c.Weight }),
	duration(groupCluster, "grace", "how long a node may be silent before its replicas are rebuilt on other nodes",
		4*electionLeast, day, func(c *Config) *time.Duration { return &c.Grace }),
	choice(groupCluster, "on-quorum-loss", "POLICY", "reset: a shard that has lost the majority of its replicas for good is recreated, empty, and its loss is reported; refuse: it stays down. The setting of the meta group's leader applies: give all nodes the same",
		[]string{"reset", "refuse"}, func(c *Config) *string { return &c.OnQuorumLoss }),
	duration(groupCluster, "reset-grace", "how long the majority must have been lost before the shard is recreated; at least the value that the founding node was started with",
		4*electionLeast, day, func(c *Config) *time.Duration { return &c.ResetGrace }),
	number(groupCluster, "lanes", "event loops, each serving some of the shards; 0 means one for every two processors, at most 4",
		0, 256, func(c *Config) *int { return &c.Lanes }),
	size(groupCluster, "rebalance-rate", "bytes per second that this node sends when replicas are created or moved; 0 means no limit",
		0, math.MaxInt64, func(c *Config) *Size { return &c.RebalanceRate }),
	choice(groupCluster, "when-drained", "stay|exit", "once drained (torc drain): stay and forward requests, or exit with code 0",
		[]string{"stay", "exit"}, func(c *Config) *string { return &c.WhenDrained }),
	choice(groupCluster, "when-slow", "yield|stay", "when the other nodes find that this one answers much later than they do: yield its leaderships to faster nodes, or stay the leader",
		[]string{"yield", "stay"}, func(c *Config) *string { return &c.WhenSlow }),
	boolean(groupCluster, "redirect", "answer Redis clients with MOVED, as Redis Cluster does, instead of forwarding", func(c *Config) *bool { return &c.Redirect }),
	boolean(groupCluster, "split-transactions", "let a Redis client's MULTI have keys of several hash slots if it watches none: each shard does its part as one, but not all shards at one instant; for libraries that use MULTI only to send many commands at once. Without effect with --redirect", func(c *Config) *bool { return &c.SplitTransactions }),

	choice(groupReads, "reads", "lease|readindex", "lease: leaders answer from memory, and rely on --clock-drift; readindex: each batch of reads asks a quorum, and no clock is trusted",
		[]string{"lease", "readindex"}, func(c *Config) *string { return &c.Reads }),
	choice(groupReads, "hot-keys", "on|off", "on: if a key that another node leads is read here a hundred times a second or more, and seldom written, this node answers from a copy while the leader promises that the key does not change; a write to it waits until all copies are dropped (--reads lease only)",
		[]string{"on", "off"}, func(c *Config) *string { return &c.HotKeys }),
	number(groupReads, "clock-drift", "how much the nodes' clock rates may differ, in thousandths; leases are shortened by this", 0, 200, func(c *Config) *int { return &c.ClockDrift }),
	duration(groupReads, "election-timeout", "how long a leader may be silent before another one is elected; give all nodes the same",
		electionLeast, day, func(c *Config) *time.Duration { return &c.ElectionTimeout }),
	duration(groupReads, "timeout", "how long a request waits before its outcome is reported as unknown",
		10*time.Millisecond, day, func(c *Config) *time.Duration { return &c.Timeout }),
	duration(groupReads, "session-ttl", "how long an idle client's session is remembered, so that retries are applied once; fixed when the cluster is founded",
		time.Second, day, func(c *Config) *time.Duration { return &c.SessionTTL }),

	size(groupLimits, "max-key", "largest key", 1, 64<<20, func(c *Config) *Size { return &c.MaxKey }),
	size(groupLimits, "max-value", "largest value that this node accepts; the size to which commands may grow a value is fixed when the cluster is founded", 1, 128<<20, func(c *Config) *Size { return &c.MaxValue }),
	sizeOrNone(groupLimits, "max-memory", "memory limit of this node. 13/16 of it is for keys, values and sessions: beyond that keys are evicted (--maxmemory-policy), or writes that need room are refused. The rest is for Raft logs, queues and copies in transit. 0 means no limit",
		memoryLeast, func(c *Config) *Size { return &c.MaxMemory }),
	choice(groupLimits, "maxmemory-policy", "POLICY", "which keys are evicted when memory is full, named as in Redis: "+strings.Join(evict.Names(), ", ")+
		"; CONFIG SET maxmemory-policy changes it for the whole cluster", evict.Names(), func(c *Config) *string { return &c.Policy }),

	secret("password", "the password that clients must give (RESP AUTH, gRPC); other users of the machine can see it on the command line: prefer --password-file", func(c *Config) *Secret { return &c.Password }),
	secretFile("password", "a file that contains it", func(c *Config) *Secret { return &c.Password }),
	secret("cluster-secret", "the secret that other nodes must present, the same on all nodes; prefer --cluster-secret-file", func(c *Config) *Secret { return &c.ClusterSecret }),
	secretFile("cluster-secret", "a file that contains it", func(c *Config) *Secret { return &c.ClusterSecret }),
	secret("old-password", "the previous password, also accepted while clients change to the new one; prefer --old-password-file", func(c *Config) *Secret { return &c.OldPassword }),
	secretFile("old-password", "a file that contains it", func(c *Config) *Secret { return &c.OldPassword }),
	secret("old-cluster-secret", "the previous secret, also presented and accepted while nodes change to the new one; prefer --old-cluster-secret-file", func(c *Config) *Secret { return &c.OldClusterSecret }),
	secretFile("old-cluster-secret", "a file that contains it", func(c *Config) *Secret { return &c.OldClusterSecret }),
	text(groupSecurity, "tls-cert", "FILE", "this node's certificate (PEM); with it every port except admin speaks TLS", anyText, func(c *Config) *string { return &c.TLSCert }),
	text(groupSecurity, "tls-key", "FILE", "the certificate's private key (PEM)", anyText, func(c *Config) *string { return &c.TLSKey }),
	text(groupSecurity, "tls-ca", "FILE", "the CA (PEM) that must have signed other nodes' certificates", anyText, func(c *Config) *string { return &c.TLSCA }),
	boolean(groupSecurity, "insecure", "allow other machines to connect without TLS or secrets", func(c *Config) *bool { return &c.Insecure }),

	choice(groupLogs, "log-level", "LEVEL", "debug, info, warn or error", []string{"debug", "info", "warn", "error"}, func(c *Config) *string { return &c.LogLevel }),
	choice(groupLogs, "log-format", "text|json", "format of the log on standard error", []string{"text", "json"}, func(c *Config) *string { return &c.LogFormat }),
	durationOrNone(groupLogs, "slow-request", "when a request takes this long, log it and save an execution trace of the last seconds in --slow-dir, at most one a minute; 0 means never",
		time.Millisecond, day, func(c *Config) *time.Duration { return &c.SlowRequest }),
	text(groupLogs, "slow-dir", "DIR", "directory for these traces; the last ten are kept (read them with go tool trace)", anyText, func(c *Config) *string { return &c.SlowDir }),
}

// electionLeast keeps a raft tick, a tenth of the timeout, well above what a scheduler takes to
// wake a thread.
const electionLeast = 100 * time.Millisecond

// memoryLeast is less than anybody means: who writes --max-memory 4 has gibibytes in mind, and a node that refuses every write is no way of telling him.
const memoryLeast = 64 << 10

func find(name string) *setting {
	if i := slices.IndexFunc(settings, func(s setting) bool { return s.name == name }); i >= 0 {
		return &settings[i]
	}
	return nil
}
