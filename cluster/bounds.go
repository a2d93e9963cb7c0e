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

// admitCopy reports whether there is memory for one more copy to come in. Where stores are nearly full
// copies come one after the other, for a replica that is to be replaced stays until its copy is complete.
func (l *Lane) admitCopy() bool {
	bound := l.bound()
	return bound == 0 || l.total() < bound-bound/8 || !slices.ContainsFunc(l.order, func(g *group) bool { return g.arriving != nil })
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
}

// Holdings describes what the lane holds. Call it on the lane's thread.
func (l *Lane) Holdings() (h Holdings) {
	h.Requests = l.hall.Bytes()
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
