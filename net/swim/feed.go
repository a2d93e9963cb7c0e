package swim

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"torc/core/gossip"
	"torc/core/wire"
)

// Feed is one node's part in the membership protocol.
type Feed struct {
	opts      Options
	transport *transport
	list      *memberlist.Memberlist
	events    *events
	digest    *digest

	changed chan struct{} // holds a token when the digest must be told
	leaving chan struct{} // closed: no more joining; close says why
	goodbye bool          // whether to say it
	once    sync.Once
	left    chan struct{} // closed: goodbye said, memberlist shut down
	workers sync.WaitGroup
}

var _ gossip.Feed = (*Feed)(nil)

// Start begins to gossip and to look for the peers that Options.Peers names.
func Start(opts Options) (*Feed, error) {
	opts = opts.withDefaults()
	f := &Feed{
		opts:      opts,
		transport: newTransport(opts.Self.PeerAddr, opts.Sender),
		events:    &events{self: opts.Self.ID, beliefs: map[wire.NodeID]belief{}},
		digest:    &digest{},
		changed:   make(chan struct{}, 1),
		leaving:   make(chan struct{}),
		left:      make(chan struct{}),
	}
	f.transport.said, f.transport.told = f.events.said, f.events.told
	list, err := memberlist.Create(f.config())
	if err != nil {
		return nil, fmt.Errorf("swim: start: %w", err)
	}
	f.list = list
	f.workers.Go(f.rejoin)
	f.workers.Go(f.tellDigest)
	go f.end()
	return f, nil
}

func (f *Feed) config() *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.Name = life{f.opts.Self.ID, f.opts.Self.Incarnation, f.opts.Self.PeerAddr}.String()
	c.Transport = f.transport
	c.Events = f.events
	c.Delegate = f.digest
	c.ProbeInterval, c.ProbeTimeout = f.opts.ProbeEvery, f.opts.ProbeWithin
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = int(f.opts.SuspectFor/f.opts.ProbeEvery), 2
	c.GossipInterval, c.PushPullInterval = f.opts.GossipEvery, f.opts.PushPullEvery
	c.TCPTimeout = f.opts.StreamWithin
	c.UDPBufferSize = 8 << 10   // frames of net/peer have no datagram's limit
	c.EnableCompression = false // small messages, and the connection's TLS sees to the rest
	c.DeadNodeReclaimTime = 0   // names are never used again
	c.GossipVerifyIncoming = false
	c.GossipVerifyOutgoing = false // encryption is the connection's
	c.LogOutput = nil
	c.Logger = slog.NewLogLogger(f.opts.Logger.Handler(), slog.LevelDebug)
	return c
}

// Receive takes a gossip message that came from a peer. It does not block.
func (f *Feed) Receive(data []byte) {
	if err := f.transport.receive(data); err != nil {
		f.opts.Logger.Debug("gossip dropped", slog.Any("error", err))
	}
}

// Subscribe tells take what is believed now and then what changes, one event at a time, on
// memberlist's goroutines: take must not block (net/host.OnGossip hands events to lane 0).
func (f *Feed) Subscribe(take func(gossip.Event)) { f.events.subscribe(take) }

// SetDigest sets what this node says about itself (gossip.Health); what is beyond 512 bytes is cut off.
func (f *Feed) SetDigest(b []byte) {
	f.digest.set(b)
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// digestPause is how long a node waits after it has told a digest, for each member: a digest is
// passed on by everybody, so what they cost each node grows with the square of their number.
const digestPause = 50 * time.Millisecond

// tellDigest spreads a digest that has changed. Changes that come meanwhile travel together.
func (f *Feed) tellDigest() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-f.leaving:
			return
		}
		select {
		case <-f.changed:
		case <-f.leaving:
			return
		}
		if err := f.list.UpdateNode(f.opts.LeaveWithin); err != nil {
			f.opts.Logger.Debug("digest not told", slog.Any("error", err))
		}
		pause.Reset(digestPause * time.Duration(f.list.NumMembers()))
	}
}

// Leave says goodbye and ends the feed. It returns at once; Close waits.
func (f *Feed) Leave() { f.stop(true) }

// Close ends the feed, without a goodbye if Leave was not called before, and waits for its
// end or ctx's.
func (f *Feed) Close(ctx context.Context) error {
	f.stop(false)
	select {
	case <-f.left:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("swim: close: %w", ctx.Err())
	}
}

func (f *Feed) stop(goodbye bool) {
	f.once.Do(func() {
		f.goodbye = goodbye
		close(f.leaving)
	})
}

// end waits for the end, says goodbye when that was asked for, and shuts memberlist down.
func (f *Feed) end() {
	defer close(f.left)
	<-f.leaving
	if f.goodbye {
		f.sayGoodbye()
	}
	if err := f.list.Shutdown(); err != nil {
		f.opts.Logger.Debug("memberlist does not end", slog.Any("error", err))
	}
	f.workers.Wait()
}

// sayGoodbye tells the others that this life leaves: first in words that the other feeds hear
// (see goodbye), then in memberlist's own. The second would push the first out of the queue,
// so it waits until the first is said.
func (f *Feed) sayGoodbye() {
	f.digest.leave()
	if err := f.list.UpdateNode(f.opts.LeaveWithin); err != nil {
		f.opts.Logger.Debug("goodbye not heard", slog.Any("error", err))
	}
	if err := f.list.Leave(f.opts.LeaveWithin); err != nil {
		f.opts.Logger.Debug("leaving not heard", slog.Any("error", err))
	}
}
