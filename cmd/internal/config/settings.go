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
	boolean(groupAddresses, "profiles", "serve profiles and traces of the process there, too: /debug/pprof/ and /debug/flight", func(c *Config) *bool { return &c.Profiles }),
	text(groupAddresses, "advertise", "HOST", "the host, without a port, by which other nodes and clients reach this one; the host of each address above if not given",
		wantHost, func(c *Config) *string { return &c.Advertise }),

	text(groupCluster, "name", "NAME", "the node's name, unique in the cluster and the same after a restart; its advertised peer address if not given",
		wantName, func(c *Config) *string { return &c.Name }),
	addresses(groupCluster, "join", "peer addresses of nodes to form or join a cluster with; this node's own may be among them",
		func(c *Config) *[]string { return &c.Join }),
	number(groupCluster, "expect", "how many nodes form a new cluster; a node that is told of others by --join and expects 1 only joins, and never forms one",
		1, 64, func(c *Config) *int { return &c.Expect }),
	number(groupCluster, "shards", "shards of a new cluster, fixed for its life", 1, 16384, func(c *Config) *int { return &c.Shards }),
	number(groupCluster, "replicas", "copies of each shard, in a new cluster", 1, 9, func(c *Config) *int { return &c.Replicas }),
	weight(groupCluster, "weight", "how much this node holds beside others: 2 is twice as much as 1", func(c *Config) *float64 { return &c.Weight }),
	duration(groupCluster, "grace", "how long a node may be silent before its replicas are made anew elsewhere",
		4*electionLeast, day, func(c *Config) *time.Duration { return &c.Grace }),
	choice(groupCluster, "on-quorum-loss", "POLICY", "reset: a shard that has lost the majority of its replicas for good is begun anew, empty, and declared lost; refuse: it stays down. That of the meta group's leader counts: give all nodes the same",
		[]string{"reset", "refuse"}, func(c *Config) *string { return &c.OnQuorumLoss }),
	duration(groupCluster, "reset-grace", "how long it must have been so before it is begun anew; what the founding node was started with at least",
		4*electionLeast, day, func(c *Config) *time.Duration { return &c.ResetGrace }),
	number(groupCluster, "lanes", "event loops, each with its share of the shards; 0 is one for every two processors, at most 4",
		0, 256, func(c *Config) *int { return &c.Lanes }),
	size(groupCluster, "rebalance-rate", "bytes a second of copies that this node sends when replicas are made or moved; 0 is no bound",
		0, math.MaxInt64, func(c *Config) *Size { return &c.RebalanceRate }),
	choice(groupCluster, "when-drained", "stay|exit", "once drained (torc drain): stay and forward requests, or end with exit code 0",
		[]string{"stay", "exit"}, func(c *Config) *string { return &c.WhenDrained }),
	choice(groupCluster, "when-slow", "yield|stay", "when the other nodes find that this one answers much later than they do: yield the shards that it leads to those that answer sooner, or stay their leader",
		[]string{"yield", "stay"}, func(c *Config) *string { return &c.WhenSlow }),
	boolean(groupCluster, "redirect", "answer Redis clients with MOVED, as Redis Cluster does, instead of forwarding", func(c *Config) *bool { return &c.Redirect }),

	choice(groupReads, "reads", "lease|readindex", "lease: leaders answer from memory, trusting clock rates; readindex: a quorum is asked, no clock is trusted",
		[]string{"lease", "readindex"}, func(c *Config) *string { return &c.Reads }),
	choice(groupReads, "hot-keys", "on|off", "on: a key of another node's that is read here a hundred times a second or more, and seldom written, is kept here for as long as its leader promises that it does not change, and answered from that; its writers wait until whoever keeps it has dropped it (--reads lease only)",
		[]string{"on", "off"}, func(c *Config) *string { return &c.HotKeys }),
	number(groupReads, "clock-drift", "thousandths by which the nodes' clock rates may differ; leases are shorter by it", 0, 200, func(c *Config) *int { return &c.ClockDrift }),
	duration(groupReads, "election-timeout", "silence of a leader after which another one is elected; best the same on all nodes",
		electionLeast, day, func(c *Config) *time.Duration { return &c.ElectionTimeout }),
	duration(groupReads, "timeout", "how long a request waits before its outcome is reported as unknown",
		10*time.Millisecond, day, func(c *Config) *time.Duration { return &c.Timeout }),
	duration(groupReads, "session-ttl", "how long an idle client's session is remembered, for its retries; fixed when the cluster is founded",
		time.Second, day, func(c *Config) *time.Duration { return &c.SessionTTL }),

	size(groupLimits, "max-key", "largest key", 1, 64<<20, func(c *Config) *Size { return &c.MaxKey }),
	size(groupLimits, "max-value", "largest value that this node takes; what a command may make of one is fixed when the cluster is founded", 1, 128<<20, func(c *Config) *Size { return &c.MaxValue }),
	sizeOrNone(groupLimits, "max-memory", "bytes that this node may hold: 13/16 of it keys, values and sessions, past which keys are given up (--maxmemory-policy), or else writes that grow are refused; the rest Raft logs, queues and copies under way; 0 is no bound",
		memoryLeast, func(c *Config) *Size { return &c.MaxMemory }),
	choice(groupLimits, "maxmemory-policy", "POLICY", "which keys are given up when memory is full, in Redis's words: "+strings.Join(evict.Names(), ", ")+
		"; CONFIG SET maxmemory-policy changes it for the whole cluster", evict.Names(), func(c *Config) *string { return &c.Policy }),

	secret("password", "asked of clients (RESP AUTH, gRPC); other users of the machine can see it here: prefer --password-file", func(c *Config) *Secret { return &c.Password }),
	secretFile("password", "a file that holds it", func(c *Config) *Secret { return &c.Password }),
	secret("cluster-secret", "asked of other nodes, the same on all; prefer --cluster-secret-file", func(c *Config) *Secret { return &c.ClusterSecret }),
	secretFile("cluster-secret", "a file that holds it", func(c *Config) *Secret { return &c.ClusterSecret }),
	secret("old-password", "the one that --password takes the place of: taken as well, while clients change over; prefer --old-password-file", func(c *Config) *Secret { return &c.OldPassword }),
	secretFile("old-password", "a file that holds it", func(c *Config) *Secret { return &c.OldPassword }),
	secret("old-cluster-secret", "the one that --cluster-secret takes the place of: shown and taken as well, while nodes change over; prefer --old-cluster-secret-file", func(c *Config) *Secret { return &c.OldClusterSecret }),
	secretFile("old-cluster-secret", "a file that holds it", func(c *Config) *Secret { return &c.OldClusterSecret }),
	text(groupSecurity, "tls-cert", "FILE", "certificate (PEM) of this node; with it every port but admin speaks TLS", anyText, func(c *Config) *string { return &c.TLSCert }),
	text(groupSecurity, "tls-key", "FILE", "its key", anyText, func(c *Config) *string { return &c.TLSKey }),
	text(groupSecurity, "tls-ca", "FILE", "authority that other nodes' certificates must be signed by", anyText, func(c *Config) *string { return &c.TLSCA }),
	boolean(groupSecurity, "insecure", "allow other machines to connect without TLS or secrets", func(c *Config) *bool { return &c.Insecure }),

	choice(groupLogs, "log-level", "LEVEL", "debug, info, warn or error", []string{"debug", "info", "warn", "error"}, func(c *Config) *string { return &c.LogLevel }),
	choice(groupLogs, "log-format", "text|json", "how lines are written to standard error", []string{"text", "json"}, func(c *Config) *string { return &c.LogFormat }),
	durationOrNone(groupLogs, "slow-request", "when a request takes this long, say so and keep an execution trace of the last seconds in --slow-dir, one a minute at most; 0 is never",
		time.Millisecond, day, func(c *Config) *time.Duration { return &c.SlowRequest }),
	text(groupLogs, "slow-dir", "DIR", "where these traces go, the last ten of them (go tool trace reads them)", anyText, func(c *Config) *string { return &c.SlowDir }),
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
