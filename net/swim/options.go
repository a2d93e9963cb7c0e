package swim

import (
	"log/slog"
	"time"

	"torc/core/wire"
)

// Sender carries gossip to the node that listens at addr. It never blocks and may lose what
// it carries (net/host, over net/peer).
type Sender interface {
	SendGossip(addr string, data []byte)
}

// Options shapes a Feed. Zero fields take the defaults named beside them.
type Options struct {
	Self   wire.Member     // this life: ID, Incarnation, PeerAddr
	Sender Sender          // the way out
	Peers  func() []string // peer addresses of those who should be members, as known now; may include this node's

	ProbeEvery    time.Duration // a member is probed this often, and is suspected when the next probe is due; 250 ms
	ProbeWithin   time.Duration // it should answer in this time, or others are asked to probe it; 100 ms
	SuspectFor    time.Duration // how long a member is suspected at least before it is taken for dead; 3 s
	GossipEvery   time.Duration // news are passed on this often; 200 ms
	PushPullEvery time.Duration // the whole state is compared with another member's this often; 30 s
	RejoinEvery   time.Duration // members that are missing are looked for this often; 5 s
	StreamWithin  time.Duration // a push/pull must be through in this time; 5 s
	LeaveWithin   time.Duration // how long each of the two parts of a goodbye may take; 2 s

	Logger *slog.Logger // nil takes slog.Default(); memberlist's own words go to debug
}

func (o Options) withDefaults() Options {
	def := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&o.ProbeEvery, 250*time.Millisecond)
	def(&o.ProbeWithin, 100*time.Millisecond)
	def(&o.SuspectFor, 3*time.Second)
	def(&o.GossipEvery, 200*time.Millisecond)
	def(&o.PushPullEvery, 30*time.Second)
	def(&o.RejoinEvery, 5*time.Second)
	def(&o.StreamWithin, 5*time.Second)
	def(&o.LeaveWithin, 2*time.Second)
	if o.Peers == nil {
		o.Peers = func() []string { return nil }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
