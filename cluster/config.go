package cluster

import (
	"math"
	"time"

	"torc/core/evict"
	"torc/core/slab"
	"torc/core/store"
	"torc/core/wire"
)

// ReadMode says how a leader makes sure that it still leads before it answers a read.
type ReadMode uint8

// The read modes.
const (
	// ReadLease answers from memory under Torc's own lease (core/raft, lease.go). It trusts
	// that clocks run at rates within ClockDrift of each other, not that they agree.
	ReadLease ReadMode = iota
	// ReadIndex asks a quorum for every batch of reads and trusts no clock.
	ReadIndex
)

// Config is what one node needs to know to take part in a cluster. All lanes of a node share
// one Config. Zero fields take the defaults (see Defaults).
type Config struct {
	Self     wire.Member // this life: ID, Incarnation, Name, addresses, Weight
	Join     []string    // peer addresses to greet; may include this node's own
	Expect   int         // how many nodes form a new cluster; 1 forms one alone
	Shards   int         // data shards, when this node helps to form a new cluster
	Replicas int         // replicas per shard, likewise
	Lanes    int         // event loops of this node

	Tick           time.Duration // one raft tick
	ElectionTicks  int           // ticks without a leader before an election
	HeartbeatTicks int           // ticks between heartbeats
	ClockDrift     int           // bound on the clock rates' difference, in thousandths
	Reads          ReadMode

	MaxKey     int           // bytes
	MaxValue   int           // bytes
	MaxMemory  int64         // bytes that the stores of this node may hold; 0 = no bound
	MaxLogs    int64         // and those of its Raft logs together; 0 = LogBytes bounds each
	MaxWaiting int64         // and of requests that wait; 0 = no bound
	MaxKept    int64         // and of what snapshots under way keep; about as much may be on its way; 0 = no bound
	Seed       store.Seed    // of a cluster that this node founds, from a source that nobody can foresee; zero: keys are placed as anyone can tell
	Pages      slab.Source   // where keys and values get their memory; nil = Go's heap
	Policy     evict.Kind    // what is given up when that is reached, unless the cluster map says otherwise
	LogBytes   int64         // a group's log is truncated when it is longer than this; for snapshots under way up to four times as much is kept
	InboxMax   int           // requests a lane keeps waiting before it refuses
	Timeout    time.Duration // how long a request waits when its caller does not say
	SessionTTL time.Duration // how long (log time) an idle session is remembered
	Rebalance  int64         // bytes a second of snapshots that this node sends; 0 = no bound
	Grace      time.Duration // how long a node may be silent before its replicas are moved elsewhere

	// As Shards, MaxValue and SessionTTL are, these are wishes for a new cluster: part of what replicas compute from the log, so what
	// the founder wished holds for all nodes (wire.Limits).
	SessionsMax  int   // sessions that a shard remembers; 0 = core/store's default
	SessionBytes int64 // and what they take with their outcomes, in bytes; 0 likewise

	CacheLease   time.Duration // for how long a client may keep what it has read, unless it is told otherwise (promise.go); negative: it may not
	HotReads     int           // reads a second, through one lane of this node, that make a key of another node's hot (hot.go); negative: none is, and no node is promised anything
	HotLease     time.Duration // for how long another node may keep what it has read
	HotRest      time.Duration // for how long a key that is recalled again and again is not kept
	MaxHeld      int64         // bytes of all that this node keeps so
	StaySlow     bool          // this node keeps its leaderships even while it is slow (yield.go)
	OnQuorumLoss LossPolicy    // what becomes of a shard whose quorum is lost for good
	ResetGrace   time.Duration // how long that must have been so before anything is done; a wish for a new cluster, too: none of its nodes waits for less
}

// Defaults fills the zero fields.
func (c Config) Defaults() Config {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.Expect, 1)
	def(&c.Shards, 64)
	def(&c.Replicas, 3)
	def(&c.Lanes, 1)
	def(&c.ElectionTicks, 10)
	def(&c.HeartbeatTicks, 2)
	def(&c.ClockDrift, 50)
	def(&c.MaxKey, 64<<10)
	def(&c.MaxValue, 64<<20)
	def(&c.InboxMax, 16384)
	if c.Tick == 0 {
		c.Tick = 50 * time.Millisecond
	}
	if c.LogBytes == 0 {
		c.LogBytes = 2 << 20
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.SessionTTL == 0 {
		c.SessionTTL = 10 * time.Minute
	}
	if c.Grace == 0 {
		c.Grace = time.Minute
	}
	if c.ResetGrace == 0 {
		c.ResetGrace = 30 * time.Second
	}
	c.ResetGrace = max(c.ResetGrace, leaseParts*c.Tick*time.Duration(c.ElectionTicks)) // or a lease would be shorter than the promises behind it (grace.go)
	if c.CacheLease == 0 {
		c.CacheLease = time.Second
	}
	c.CacheLease = min(c.CacheLease, c.ResetGrace/cacheParts)
	if c.HotReads == 0 {
		c.HotReads = hotReads
	}
	if c.HotLease == 0 {
		c.HotLease = max(hotLease, hotLeaseTicks*c.Tick)
	}
	c.HotLease = min(c.HotLease, c.ResetGrace/cacheParts)
	if c.HotRest == 0 {
		c.HotRest = hotRest
	}
	if c.MaxHeld == 0 {
		c.MaxHeld = heldBytes
	}
	if c.Self.Weight == 0 {
		c.Self.Weight = 100
	}
	return c
}

// limits are the wishes for a new cluster.
func (c *Config) limits() wire.Limits {
	return wire.Limits{MaxValue: uint64(c.MaxValue), SessionTTL: uint64(c.SessionTTL.Milliseconds()), SessionsMax: uint32(max(c.SessionsMax, 0)), SessionBytes: uint64(max(c.SessionBytes, 0)),
		ResetGrace: uint64(c.ResetGrace.Milliseconds())}
}

// within is a limit of the map's as a store takes it; what no store could hold is as good as none.
func within(limit uint64) int { return int(min(limit, math.MaxInt)) }
