package resp

import (
	"crypto/tls"
	"log/slog"
	"time"

	"torc/core/wire"
)

// Backend is what the server needs of the node it stands before.
type Backend interface {
	// Submit hands requests, for one shard each, to the lanes that own them. Each call's Sink gets
	// exactly one response, on the lane's goroutine, possibly before Submit returns. Submit
	// never blocks: when a queue is full the response is a refusal.
	//
	// A call and all it points to belong to the backend for as long as it likes. Keys and
	// values are parts of larger buffers: copy what is to be kept for long. In turn, the
	// values that a response's results point to must never change once delivered; the
	// response itself and its slice of results may be used again.
	Submit(calls ...*wire.Call)
	// Looker makes what a connection reads with first.
	Looker() wire.Looker
	// Map is the latest cluster map known, nil before the node joined a cluster.
	Map() *wire.ClusterMap
	// Leader is the node that leads a shard as far as is known, or zero.
	Leader(shard wire.ShardID) wire.NodeID
	// Holds reports whether this node holds copies of keys of a shard that another node leads.
	Holds(shard wire.ShardID) bool
	// Self is this node.
	Self() wire.Member
	// Info is what the node has to say in a section of INFO ("memory", "replication",
	// "torc", ...): lines "name:value\r\n", or nothing.
	Info(section string) string
	// SetPolicy sets the cluster's eviction policy, one of Redis's names or our own. It may take a while. An error
	// says what is wrong.
	SetPolicy(name string) error
}

// Store is a state machine that commands are done to: a script works on copies of its keys in one of its own (eval_call.go).
type Store interface {
	Apply(b *wire.Batch) []wire.Response
}

// Options shapes a server. Zero fields take the defaults named beside them.
type Options struct {
	Addr     string // host:port to listen on; the caller chooses loopback or not
	Redirect bool   // answer MOVED instead of forwarding (cluster-aware clients)

	SplitTransactions bool // a transaction that watches nothing may have keys of many slots: it is one for each shard

	Password    string      // asked for by AUTH; empty asks for none
	OldPassword string      // taken beside it while clients change over to it; empty: none
	TLS         *tls.Config // nil serves plain TCP

	MaxKey   int // bytes of a key; 64 KiB
	MaxValue int // bytes of any argument; 64 MiB

	MaxClients      int           // connections; 10000
	MaxPipeline     int           // replies owed to one connection before its reading stops; 1024
	QueryBufferMax  int           // bytes of one command, and of a connection's commands in flight; 256 MiB
	OutputBufferMax int           // bytes of replies waiting for one connection before its reading stops; 64 MiB
	BuffersMax      int           // bytes of commands in flight and of replies of all connections, beyond which those with most stop reading; 0: no bound
	IdleTimeout     time.Duration // a connection silent for longer is closed; 0 never closes one
	Timeout         time.Duration // how long one command may wait for its shards; 5 s

	NewStore func(slot uint16) Store // an empty one, for keys of a slot and values of MaxValue; nil refuses scripts

	MemoryOutside func() uint64 // bytes in use outside Go's heap, for INFO; nil: none

	Logger *slog.Logger // nil logs nothing

	clock func() int64 // monotonic, in nanoseconds; nil: the time since the start. Tests have their own
}

func (o Options) withDefaults() Options {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&o.MaxKey, 64<<10)
	def(&o.MaxValue, 64<<20)
	def(&o.MaxClients, 10000)
	def(&o.MaxPipeline, 1024)
	def(&o.QueryBufferMax, 256<<20)
	def(&o.OutputBufferMax, 64<<20)
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	// A value of the largest size must fit into one command.
	o.QueryBufferMax = max(o.QueryBufferMax, o.MaxValue+o.MaxKey+inlineMax)
	return o
}
