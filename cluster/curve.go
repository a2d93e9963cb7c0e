package cluster

import (
	"torc/core/evict"
	"torc/core/wire"
)

// The miss-ratio curve (core/evict, curve.go) of the shards that this lane leads.

// curveTicks is after how many ticks the curve is fitted to the memory there is.
const curveTicks = 20

// fitCurve gives the shards led here their part of the lane's memory.
func (l *Lane) fitCurve() {
	if l.curve == nil {
		return
	}
	led, all := int64(0), int64(1)
	for _, g := range l.order {
		if g.store == nil {
			continue
		}
		all += g.store.Bytes()
		if g.member.IsLeader() {
			led += g.store.Bytes()
		}
	}
	const parts = 1 << 10
	bound := l.bound()
	if bound == 0 {
		bound = all // only other nodes' memory is bounded
	}
	l.curve.Fit(min(bound, 1<<50) * min(parts, led*parts/all+1) / parts)
}

// curveRead tells the curve of a reader.
func (g *group) curveRead(e *evictor, c *wire.Command, r *wire.Result) {
	if c.Op != wire.OpGet || !g.member.IsLeader() {
		return
	}
	curve := g.lane.curve
	curve.Count()
	hash := g.store.HashOf(c.Key)
	if !curve.Sampled(hash) {
		return
	}
	held, found := g.store.FindHash(hash)
	curve.Read(e.policy, hash, evict.Candidate(held), found && r.Kind == wire.KindBytes, g.store.Time())
}

// curveWrote tells the curve of a write that was applied.
func (g *group) curveWrote(e *evictor, c *wire.Command) {
	curve := g.lane.curve
	switch {
	case c.Op == wire.OpFlush:
		curve.Leave(e.policy)
		return
	case !c.Op.IsWrite() || len(c.Key) == 0:
		return
	}
	hash := g.store.HashOf(c.Key)
	if !curve.Sampled(hash) {
		return
	}
	if held, found := g.store.FindHash(hash); found {
		curve.Wrote(e.policy, evict.Candidate(held))
	} else {
		curve.Removed(hash)
	}
}

// curvePoints is the curve; all zero: nothing is known.
func (l *Lane) curvePoints() (points [len(evict.CurveSizes)]evict.Point) {
	if l.curve != nil && l.evicts() {
		points = l.curve.Points()
	}
	return points
}
