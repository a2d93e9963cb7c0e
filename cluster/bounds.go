package cluster

import "slices"

// What a lane holds beside its stores is bounded here: the logs of its groups together, and what its snapshots keep.
// Requests that wait are bounded in the hall (core/router), queues to others by the world.

const (
	logLeast = 16 << 10 // of each group: a shorter one is cut more often than it helps
	keepMost = 4        // times as much log as its share a group may keep for snapshots under way
)

// logsMax is the lane's part of the bound on logs; 0: none.
func (l *Lane) logsMax() int64 { return l.cfg.MaxLogs / int64(max(l.cfg.Lanes, 1)) }

// uncommittedMax bounds what one group has proposed and not yet committed: no log can be cut before that.
func (l *Lane) uncommittedMax() int64 {
	if l.logsMax() == 0 {
		return 0
	}
	return max(logLeast, l.logsMax()/4)
}

// logShare is how long one group's log may be.
func (l *Lane) logShare() int64 {
	return min(l.cfg.LogBytes, max(logLeast, l.logsMax()/int64(max(1, len(l.order)))))
}

// fitLogs divides the lane's memory for logs among its groups. While there is some left, a group that sends a snapshot
// may keep a longer log for it.
func (l *Lane) fitLogs() {
	l.logs = 0
	for _, g := range l.order {
		l.logs += g.member.LogBytes()
	}
	if l.logsMax() == 0 {
		return
	}
	share := l.logShare()
	keep := keepMost * share
	if l.logs > l.logsMax()/2 {
		keep = share
	}
	for _, g := range l.order {
		g.member.BoundLog(share, keep)
	}
}

// logsFull reports whether the group may propose no more: the logs have no room, and its own, which cannot be cut, is
// among those that took it.
func (g *group) logsFull() bool {
	l := g.lane
	return l.logsMax() > 0 && l.logs > l.logsMax() && g.member.LogBytes() > l.logShare()
}

// fitShips gives up snapshots when what they keep has grown too much. It is the group that keeps most whose
// receivers wait for another one.
func (l *Lane) fitShips() {
	bound := l.cfg.MaxKept / int64(max(l.cfg.Lanes, 1))
	if bound == 0 {
		return
	}
	sum, most := int64(0), (*group)(nil)
	for _, g := range l.order {
		if g.store == nil {
			continue
		}
		kept := g.store.Kept()
		if sum += kept; kept > 0 && (most == nil || kept > most.store.Kept()) {
			most = g
		}
	}
	if sum > bound && most != nil {
		most.member.GiveUpShips()
	}
}

// admitCopy reports whether there is memory for a copy to come into this group now. A replica that is to be replaced stays until
// its copy is complete, so the copies under way have to find room beside everything else: not as they are now, for several that
// have just begun are small, but as they will be. One may always come, or where stores are full nothing would ever be repaired.
//
//	what is held | still to come of the others | this one  <=  bound
//
// The size of this one is guessed; once it has begun it is known, and if that was too little no other is let in. So what
// is expected is never more than the bound and one copy.
func (g *group) admitCopy() bool {
	l, bound := g.lane, g.lane.bound()
	if bound == 0 || !slices.ContainsFunc(l.order, func(g *group) bool { return g.arriving != nil }) {
		return true
	}
	held, average := l.total(), l.average()
	return held < bound-bound/8 && held+l.toCome(average)+g.copySize(average) <= bound
}

// toCome is what is still to come of the copies that are arriving.
func (l *Lane) toCome(average int64) (sum int64) {
	for _, g := range l.order {
		if g.arriving != nil {
			sum += max(0, g.copySize(average)-g.arriving.bytes())
		}
	}
	return sum
}

// copySize is about how large a copy into this group will be, by what has come of it; before that, as what it replaces, and not
// smaller than shards are on average. The meta group's does not count.
func (g *group) copySize(average int64) int64 {
	if g.store == nil {
		return 0
	}
	if size, known := g.arriving.expected(); known {
		return size
	}
	return max(average, g.store.Bytes())
}

// average is what a shard holds here, or will when its copy is there. Those that hold nothing do not count: most of them are new and
// wait for theirs. Where all are, it is as much as each may hold.
func (l *Lane) average() int64 {
	sum, shards := int64(0), int64(0)
	for _, g := range l.order {
		if size := g.copySize(0); size > 0 {
			sum += size
			shards++
		}
	}
	if shards == 0 {
		return l.share()
	}
	return sum / shards
}

// Holdings is what a lane holds, by what it is for, in bytes.
type Holdings struct {
	Keys     int64 // keys and values, as the log counts them
	Sessions int64 // sessions, results and leases that stores remember
	Logs     int64 // Raft logs
	Requests int64 // requests that wait for an answer
	Sending  int64 // snapshots: sent and not yet acknowledged,
	Kept     int64 // what those under way keep of what was replaced,
	Coming   int64 // and copies that are coming in
	Held     int64 // copies of hot keys that other nodes lead
}

// Add adds another lane's.
func (h *Holdings) Add(o Holdings) {
	h.Keys += o.Keys
	h.Sessions += o.Sessions
	h.Logs += o.Logs
	h.Requests += o.Requests
	h.Sending += o.Sending
	h.Kept += o.Kept
	h.Coming += o.Coming
	h.Held += o.Held
}

// Holdings describes what the lane holds. Call it on the lane's thread.
func (l *Lane) Holdings() (h Holdings) {
	h.Requests, h.Held = l.hall.Bytes(), l.held.bytes
	for _, g := range l.order {
		h.Logs += g.member.LogBytes()
		h.Sending += g.member.InFlight()
		h.Coming += g.arriving.bytes()
		if g.store != nil {
			h.Sessions += g.store.SessionBytes()
			h.Keys += g.store.Bytes() - g.store.SessionBytes()
			h.Kept += g.store.Kept()
		}
	}
	return h
}
