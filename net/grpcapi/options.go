package grpcapi

import (
	"log/slog"
	"time"

	"google.golang.org/grpc/credentials"

	"torc/core/wire"
)

// Backend is what the server needs of the node it stands before.
type Backend interface {
	// Submit hands requests, for one shard each, to the lanes that own them. Each call's Sink gets
	// exactly one response, possibly before Submit returns. Submit never blocks.
	//
	// The call and all it points to belong to the backend from then on. In turn, the values
	// that a response's results point to must never change once delivered; the response itself
	// and its slice of results may be used again.
	Submit(calls ...*wire.Call)
	// Looker makes what a stream reads with first.
	Looker() wire.Looker
	// Map is the latest cluster map known, nil before the node joined a cluster.
	Map() *wire.ClusterMap
	// Leader is the node that leads a shard as far as is known, or zero.
	Leader(shard wire.ShardID) wire.NodeID
	// Holds reports whether this node holds copies of keys of a shard that another node leads.
	Holds(shard wire.ShardID) bool
	// Self is this node.
	Self() wire.Member
}

// Options shapes a server. Zero fields take the defaults named beside them.
type Options struct {
	Addr     string // host:port to listen on; 127.0.0.1:7401
	Flag     string // the flag that sets Addr, for error texts; --grpc-addr
	Password string // asked for as "authorization: Bearer <password>"; empty asks for none

	OldPassword string // taken beside it while clients change over to it; empty: none

	TLS credentials.TransportCredentials // nil serves plain TCP

	MaxKey   int // bytes of a key; 64 KiB
	MaxValue int // bytes of a value; 64 MiB

	ConnectionsMax int           // connections; further ones wait to be accepted; 10000
	InFlightMax    int           // requests of one stream in flight before its reading stops; 1024
	InFlightBytes  int           // their bytes; 128 MiB
	OutputMax      int           // bytes of answers waiting for one stream before its reading stops; 64 MiB
	BuffersMax     int           // bytes of requests in flight and of answers of all streams, beyond which those with most stop reading; unary calls beyond it are refused; 0: no bound
	ManyMax        int           // keys of one GetMany or SetMany; 16384
	ManyBytes      int           // bytes of values that one GetMany answers; 256 MiB
	Timeout        time.Duration // how long a unary call without a deadline waits; 5 s

	Logger *slog.Logger // nil takes slog.Default()
}

func (o Options) withDefaults() Options {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&o.MaxKey, 64<<10)
	def(&o.MaxValue, 64<<20)
	def(&o.ConnectionsMax, 10_000)
	def(&o.InFlightMax, 1024)
	def(&o.InFlightBytes, 128<<20)
	def(&o.OutputMax, 64<<20)
	def(&o.ManyMax, 16384)
	def(&o.ManyBytes, 256<<20)
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:7401"
	}
	if o.Flag == "" {
		o.Flag = "--grpc-addr"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// messageMax is the largest message received: a value with its key, or many small ones.
func (o Options) messageMax() int { return 2*o.MaxValue + o.MaxKey + 1<<20 }
