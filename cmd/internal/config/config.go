package config

import (
	"errors"
	"math"
	"runtime"
	"time"

	"torc/core/evict"
)

// ErrHelp and ErrVersion say that this is all that was asked for. Nothing has been printed.
var (
	ErrHelp    = errors.New("help was asked for")
	ErrVersion = errors.New("the version was asked for")
)

// Config is what a node is told. Addresses are host:port.
type Config struct {
	RESP      string // for Redis clients
	GRPC      string // for Torc's clients
	Peer      string // for other nodes
	Admin     string // HTTP for operators; empty: off
	Profiles  bool   // profiles and traces on Admin
	Advertise string // host by which others reach this node; empty: the host of each address

	Name     string        // empty: the advertised peer address
	Weight   float64       // share of the shards, beside other nodes' weights; two decimals
	Join     []string      // peer addresses of nodes to greet
	Expect   int           // how many nodes form a new cluster
	Shards   int           // of a new cluster
	Replicas int           // per shard, of a new cluster
	Grace    time.Duration // how long a node may be silent before its replicas are moved
	Lanes    int           // event loops; Load leaves at least one
	Redirect bool          // answer MOVED to Redis clients instead of forwarding

	SplitTransactions bool // a transaction that watches nothing may be one for each of several shards

	OnQuorumLoss string        // "reset" or "refuse"
	ResetGrace   time.Duration // how long a quorum must have been lost before a shard is begun anew

	WhenDrained   string // "stay" or "exit"
	WhenSlow      string // "yield" or "stay"
	RebalanceRate Size   // bytes a second of snapshots that this node sends; 0: no bound

	Reads           string        // "lease" or "readindex"
	ClockDrift      int           // bound on the difference of clock rates, in thousandths
	ElectionTimeout time.Duration // silence of a leader after which another is elected
	HotKeys         string        // "on" or "off"
	Timeout         time.Duration // of a request
	SessionTTL      time.Duration // how long an idle client's session is remembered

	MaxKey    Size
	MaxValue  Size
	MaxMemory Size   // bytes that this node may hold; 0: no bound
	Policy    string // what is given up when that is reached, in Redis's words

	Password      Secret // asked of clients
	ClusterSecret Secret // asked of other nodes

	OldPassword      Secret // taken beside Password; empty: none
	OldClusterSecret Secret // taken and shown beside ClusterSecret; empty: none

	TLSCert  string // file
	TLSKey   string // file
	TLSCA    string // file
	Insecure bool   // may be reached from other machines without protection

	LogLevel  string // "debug", "info", "warn" or "error"
	LogFormat string // "text" or "json"

	SlowRequest time.Duration // requests that take longer are told of, and looked into; 0: none
	SlowDir     string        // where traces of those go
}

// WeightHundredths is the weight as the ring counts it: 100 for 1.
func (c *Config) WeightHundredths() uint32 { return uint32(math.Round(c.Weight * 100)) }

func defaults() *Config {
	return &Config{
		RESP: "127.0.0.1:6379", GRPC: "127.0.0.1:7401", Peer: "127.0.0.1:7400", Admin: "127.0.0.1:7402",
		Weight: 1, Expect: 1, Shards: 64, Replicas: 3, Grace: time.Minute, WhenDrained: "stay", WhenSlow: "yield", RebalanceRate: 64 << 20,
		OnQuorumLoss: "reset", ResetGrace: 30 * time.Second,
		Reads: "lease", HotKeys: "on", ClockDrift: 50, ElectionTimeout: 500 * time.Millisecond, Timeout: 5 * time.Second, SessionTTL: 10 * time.Minute,
		MaxKey: 64 << 10, MaxValue: 64 << 20, Policy: evict.Adaptive.String(), LogLevel: "info", LogFormat: "text",
	}
}

// lanesMost is how many lanes a node has at most that was not told.
const lanesMost = 4

// fitMachine gives what was left open the value that suits this machine. GOMAXPROCS knows a
// container's share of the processors, which NumCPU does not. The other half of them is for the connections:
// and fewer lanes find more in their inboxes at a time, which is cheaper.
func (c *Config) fitMachine() {
	if c.Lanes == 0 {
		c.Lanes = min(lanesMost, (runtime.GOMAXPROCS(0)+1)/2)
	}
}
