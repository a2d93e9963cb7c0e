package client

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// Options say how to reach a cluster. Only Seeds must be given.
type Options struct {
	// Seeds are gRPC addresses (host:port) of some nodes. One that answers is enough; the
	// others are learned from it. When all nodes have been started anew they are another cluster, which is believed by a seed's word only.
	Seeds []string
	// Password is shown to the nodes, when it is not empty. Use it with TLS: it travels as it is.
	Password string
	// TLS turns TLS on. The same configuration is used for every node.
	TLS *tls.Config
	// AwaitNodes has New wait for nodes that are yet to start, for as long as ctx and Timeout let it. Without it New fails as soon as every
	// seed has turned the connection away or has no such host: as a rule the address is wrong, or nobody runs there.
	AwaitNodes bool
	// Timeout bounds every call whose context has no earlier deadline. Default 5 s.
	Timeout time.Duration
	// AttemptTimeout is how long one attempt waits before another node is tried. Default 1 s.
	AttemptTimeout time.Duration
	// Connections is how many gRPC connections are made to each node. Default 2.
	Connections int
	// Hedge has reads that take long asked a second time, of another node. Off by default.
	Hedge Hedge
	// Cache keeps what Get has read in the client's own memory. Off by default.
	Cache Cache
	// MaxInFlight bounds the requests under way; more are refused. A call makes one request
	// per shard. One node is given half of them at most. A call on many keys that makes more than half of them by itself makes them in
	// turns. Default 4096.
	MaxInFlight int
	// MaxMessage bounds the size of one answer in bytes. Default 256 MiB. A read whose answer is longer is ErrInvalid, at once; read
	// fewer keys at a time, or raise it.
	MaxMessage int
	// Logger takes what an operator should know. Default slog.Default().
	Logger *slog.Logger
	// Observer is told of every call, for traces and metrics. Package torc/client/torcotel has one for OpenTelemetry.
	Observer Observer
	// DialOptions are added to the client's own.
	DialOptions []grpc.DialOption
}

// Hedge shapes hedged reads: the answer that comes first counts, and reads have no effect, so asking twice is safe. A slow
// connection, or a leader that is gone, then costs a read little more than After. There is one hedge for ten reads at
// most. Every node answers or forwards to the shard's leader, so a leader that is itself slow is not got round; with
// --reads readindex on the nodes it is.
type Hedge struct {
	On    bool
	After time.Duration // how long a read waits before it is asked again; 0: longer than 95 of 100 reads took lately
}

// Cache shapes the cache in the client. What Get and GetInto have read of a key is kept, and the next Get of it is answered from the process's
// own memory, while the cluster promises that it does not change: for a second or so, or until somebody wants to write the key. Then the
// cluster asks this client to drop it first, and the write waits for that. So a Get is never older than any write that was
// acknowledged before it began, wherever that was; and a write to a key that clients keep takes a round trip more, or up to a second when one of
// them is gone or hangs. It is for keys that are read far more often than they are written.
type Cache struct {
	On       bool
	MaxBytes int64 // of keys, values and what is around them; default 64 MiB. What was not used for the longest time goes first.
}

func (c Cache) bytes() int64 {
	switch {
	case !c.On:
		return 0
	case c.MaxBytes <= 0:
		return 64 << 20
	}
	return c.MaxBytes
}

func (o Options) defaults() (Options, error) {
	if !slices.ContainsFunc(o.Seeds, func(addr string) bool { return addr != "" }) { // one empty string is what Split makes of a setting that is not there
		return o, fmt.Errorf("client: no seeds: give the gRPC address (host:port) of at least one node")
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Connections <= 0 {
		o.Connections = 2
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = 4096
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = 256 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, nil
}

// silenceMax is for how long a node may take nothing from a connection. On Linux gRPC has the kernel break the connection then (TCP_USER_TIMEOUT), also one whose
// other end is well and has no room: a node that is short of memory leaves connections unread until others' messages have come whole, for which those have
// 10 s (net/grpcapi, arrivals.go). Calls do not wait for it: they try another node after AttemptTimeout.
const silenceMax = 15 * time.Second

// dialOptions are what every connection is made with. gRPC's own pauses between attempts to
// connect are kept short: the brain has breakers and backoff of its own.
func (o *Options) dialOptions() []grpc.DialOption {
	creds := insecure.NewCredentials()
	if o.TLS != nil {
		creds = credentials.NewTLS(o.TLS)
	}
	return append([]grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(o.MaxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 2 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: silenceMax}),
	}, o.DialOptions...)
}

// SetOption refines a Set.
type SetOption func(*set)

// WithTTL makes the key expire after d (milliseconds count; at least 1 ms).
func WithTTL(d time.Duration) SetOption { return func(s *set) { s.ttl, s.hasTTL = d, true } }

// KeepTTL leaves the key's expiry as it is. Without WithTTL and KeepTTL a Set takes it away.
func KeepTTL() SetOption { return func(s *set) { s.keepTTL = true } }

// IfAbsent sets only when the key is absent; otherwise the error is ErrConflict.
func IfAbsent() SetOption { return func(s *set) { s.absent = true } }

// IfPresent sets only when the key is present; otherwise the error is ErrConflict.
func IfPresent() SetOption { return func(s *set) { s.present = true } }

// IfVersion sets only when the key's version (see Value) is this one, 0 meaning absent;
// otherwise the error is ErrConflict. Read, change, set with the version read: that is a
// compare and set.
func IfVersion(version uint64) SetOption {
	return func(s *set) { s.version, s.hasVersion = version, true }
}

// NoCopy makes the client send the value as it is, without the copy that Set makes of it. The caller must never
// change the value again: even when the call has returned, the client may still be sending it.
func NoCopy() SetOption { return func(s *set) { s.noCopy = true } }

type set struct {
	noCopy          bool
	ttl             time.Duration
	version         uint64
	hasTTL, keepTTL bool
	absent, present bool
	hasVersion      bool
}
