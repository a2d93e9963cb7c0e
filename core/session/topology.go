package session

import (
	"slices"
	"time"

	"torc/core/env"
	"torc/core/ring"
	"torc/core/wire"
)

// topology is the brain's map and its search for a newer one.
type topology struct {
	cmap  *wire.ClusterMap
	view  *ring.View
	heard time.Duration // when the present cluster last answered OK, or its map was taken on

	wanted wire.Epoch // some node has spoken of this epoch
	fetch  fetch
}

// fetch is the question for the map: one at a time.
type fetch struct {
	id      uint64 // zero: none is out
	addr    string
	timer   *timer        // when the answer is late
	retry   *timer        // when the next one may be asked; nil: now
	backoff time.Duration // zero after a success
	asked   int           // how many, to go round the nodes
	inARow  int           // without success
}

// fruitlessMax is after how many fruitless questions in a row a brain that has a map stops
// to ask for a newer one, until the next sign that there is one.
const fruitlessMax = 10

// refresh looks for a map of at least the wanted epoch (zero: any that is newer than ours).
func (b *Brain) refresh(wanted wire.Epoch) {
	b.wanted = max(b.wanted, wanted)
	if b.stopped || b.fetch.id != 0 || b.fetch.retry != nil {
		return
	}
	b.ask()
}

func (b *Brain) ask() {
	b.fetch.retry = nil
	addr := b.whomToAsk()
	if addr == "" {
		b.fruitless()
		return
	}
	b.lastID++
	b.fetch.id, b.fetch.addr = b.lastID, addr
	b.fetch.timer = b.after(b.cfg.AttemptLimit, func() {
		b.failed(b.peer(addr))
		b.fetch.id = 0
		b.fruitless()
	})
	b.stats.Fetches++
	b.out.FetchMap(b.fetch.id, addr)
}

// whomToAsk goes round the members and the seeds, beginning anywhere: clients that were
// started together should not all ask the same node.
func (b *Brain) whomToAsk() string {
	var addrs []string
	if b.cmap != nil {
		for i := range b.cmap.Members {
			if m := &b.cmap.Members[i]; m.State == wire.MemberActive && b.cfg.Addr(m) != "" {
				addrs = append(addrs, b.cfg.Addr(m))
			}
		}
	}
	addrs = append(addrs, b.cfg.Seeds...)
	if len(addrs) == 0 {
		return ""
	}
	if b.fetch.asked == 0 {
		b.fetch.asked = env.IntN(b.rand, len(addrs))
	}
	for range addrs {
		b.fetch.asked++
		addr := addrs[b.fetch.asked%len(addrs)]
		if addr != "" && b.peer(addr).whole.Allow(b.clock.Now()) {
			return addr
		}
	}
	return ""
}

// endFetch forgets the question that is out.
func (b *Brain) endFetch() {
	b.fetch.id = 0
	b.stop(b.fetch.timer)
}

// fruitless waits a while before the next question: longer each time, and never less than
// needed to keep a crowd of refused requests from asking as often as they are refused.
func (b *Brain) fruitless() {
	b.fetch.inARow++
	b.fetch.backoff = min(max(2*b.fetch.backoff, b.cfg.RetryMin), b.cfg.RetryMax)
	if b.fetch.inARow >= fruitlessMax {
		b.wanted, b.fetch.inARow = 0, 0
	}
	b.fetch.retry = b.after(b.jitter(b.fetch.backoff), func() {
		b.fetch.retry = nil
		if b.cmap == nil || b.wanted > b.cmap.Epoch {
			b.ask()
		}
	})
}

// OnMap takes a node's answer to Transport.FetchMap; nil when it has no map.
func (b *Brain) OnMap(id uint64, m *wire.ClusterMap) {
	b.enter()
	defer b.leave()
	if id == 0 || id != b.fetch.id || b.stopped {
		return
	}
	b.heardFrom(b.peer(b.fetch.addr), wire.MetaShard)
	b.endFetch()
	if !b.consider(m) {
		b.fruitless()
		return
	}
	b.fetch.backoff, b.fetch.inARow = 0, 0
	if b.wanted > b.cmap.Epoch {
		b.fruitless()
	}
}

// consider takes a map on when it is better than ours, and reports whether it did.
func (b *Brain) consider(m *wire.ClusterMap) bool {
	if m == nil || m.Shards == 0 || m.Shards > wire.SlotCount || len(m.Placements) != int(m.Shards)+1 {
		return false
	}
	switch {
	case b.cmap == nil:
		b.adopt(m)
		b.shards = make([]shard, m.Shards+1)
		mapless := b.mapless
		b.mapless = nil
		for _, op := range mapless {
			b.launch(op)
		}
	case m.ClusterID == b.cmap.ClusterID && m.Shards == b.cmap.Shards:
		if m.Epoch <= b.cmap.Epoch {
			return false
		}
		b.adopt(m)
		b.hurry()
	default:
		if b.clock.Now()-b.heard < 2*b.cfg.AttemptLimit {
			return false // the cluster we know is alive: this is a stranger
		}
		if !slices.Contains(b.cfg.Seeds, b.fetch.addr) {
			return false // it has an address that was a member's: that may have been given to anybody, while our cluster is only out of reach
		}
		b.wanted = 0
		b.cache.clear()
		b.adopt(m)
		b.beginAnew()
	}
	return true
}

// adopt makes a map ours. What is known about addresses that are in use no more is dropped; who waits in line for one
// goes elsewhere.
func (b *Brain) adopt(m *wire.ClusterMap) {
	b.cmap, b.view, b.heard = m, ring.NewView(m), b.clock.Now()
	kept := map[string]*peer{}
	keep := func(addr string) {
		if old := b.peers[addr]; old != nil {
			kept[addr] = old
		}
	}
	for i := range m.Members {
		keep(b.cfg.Addr(&m.Members[i]))
	}
	for _, addr := range b.cfg.Seeds {
		keep(addr)
	}
	for _, old := range b.sorted() {
		for kept[old.addr] == nil && len(old.line) > 0 {
			p := old.line[0]
			p.leaveLine()
			b.backOff(p)
		}
	}
	b.peers = kept
}

// hurry sends again what waited for a newer map.
func (b *Brain) hurry() {
	for _, p := range append([]*part(nil), b.parts...) {
		if p.wantsMap && p.state == waiting {
			b.stats.Redirects++
			b.try(p, redirected)
		}
	}
}

// beginAnew moves everything in flight to another cluster: writes in doubt stay in doubt, for
// the new cluster cannot know; what depends on a version of the old one's is in conflict; everything else is split and sent again. The sequence numbers
// begin again too, so the client takes another name: the old cluster may yet be met again.
func (b *Brain) beginAnew() {
	b.client = newWindow(b.rand).client
	parts := b.parts
	b.parts, b.shards = nil, make([]shard, b.cmap.Shards+1)
	for _, p := range parts {
		b.forget(p)
		p.state = concluded
		switch {
		case p.write && p.inDoubt():
			b.settle(p, Item{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonSessionExpired}, nil)
		case p.op.onShard && !b.view.Has(p.shard):
			b.settle(p, Item{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotOwner}, nil)
		case p.conflict() != 0:
			b.settle(p, Item{}, slices.Repeat([]wire.Result{{Kind: wire.KindError, Code: p.conflict()}}, len(p.cmds)))
		default:
			p.op.left--
			b.run(p.op, b.divide(p.op, p.index))
		}
	}
}

// conflict is what a part is answered in another cluster if it depends on a version that the former one gave out, or zero: whatever has the same number there
// is not what its caller has seen.
func (p *part) conflict() wire.ErrorCode {
	for i := range p.cmds {
		switch c := &p.cmds[i]; {
		case c.Version == 0: // the key is to be absent, and that it may be there, too
		case c.Op == wire.OpGuard:
			return wire.CodeGuard
		case c.Flags&wire.FlagVersion != 0 && len(p.cmds) == 1:
			return wire.CodeVersion
		}
	}
	return 0
}

// jitter spreads a delay over its upper half, so that clients that failed together do not
// come back together.
func (b *Brain) jitter(d time.Duration) time.Duration {
	if d < 2 {
		return d
	}
	return d/2 + time.Duration(b.rand.Uint64()%uint64(d/2))
}
