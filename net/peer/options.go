package peer

import (
	"log/slog"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Options shapes a node's side of the peers' network. Zero fields take the defaults named
// beside them.
type Options struct {
	Addr   string // host:port to listen on; 127.0.0.1:7400
	Flag   string // the flag that sets Addr, for error texts; --peer-addr
	Secret string // every node of the cluster must have the same; empty asks for none

	OldSecret string // shown and taken beside it while it takes this one's place; empty: none

	Election time.Duration // election timeout, which every node must have the same; 0 is not compared

	// Credentials for TLS, for the listening side and the calling side. For mutual TLS make the
	// server's ask for a client certificate. Nil speaks plain TCP.
	ServerTLS credentials.TransportCredentials
	ClientTLS credentials.TransportCredentials

	QueueMax int // bytes waiting for one peer, in each of its two queues; 64 MiB
	FrameMax int // bytes of one frame received: a Raft entry may hold a value of 64 MiB, and a frame some of these; 256 MiB
	PeersMax int // addresses spoken to at a time; 1024

	IdleAfter  time.Duration // an address nothing was sent to for so long is hung up on; 5 min
	RetryMin   time.Duration // first pause after a failed connection; 50 ms
	RetryMax   time.Duration // longest pause; 250 ms
	DialWithin time.Duration // one try to reach the other machine (TCP); 500 ms
	OpenWithin time.Duration // and to agree on TLS and HTTP/2 as well; 3 s
	PingAfter  time.Duration // a connection without traffic is tried after this (gRPC's least is 10 s); 10 s
	PingWithin time.Duration // a connection is closed when what was sent, or tried, is not acknowledged for this; 1.5 s

	Logger *slog.Logger // nil takes slog.Default()
}

func (o Options) withDefaults() Options {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	wait := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&o.QueueMax, 64<<20)
	def(&o.FrameMax, 256<<20)
	def(&o.PeersMax, 1024)
	wait(&o.IdleAfter, 5*time.Minute)
	wait(&o.RetryMin, 50*time.Millisecond)
	wait(&o.RetryMax, 250*time.Millisecond)
	wait(&o.DialWithin, 500*time.Millisecond)
	wait(&o.OpenWithin, 3*time.Second)
	wait(&o.PingAfter, 10*time.Second)
	wait(&o.PingWithin, 1500*time.Millisecond)
	if o.Addr == "" {
		o.Addr = "127.0.0.1:7400"
	}
	if o.Flag == "" {
		o.Flag = "--peer-addr"
	}
	if o.ClientTLS == nil {
		o.ClientTLS = insecure.NewCredentials()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
