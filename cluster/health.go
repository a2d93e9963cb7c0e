package cluster

import (
	"slices"
	"time"

	"torc/core/gossip"
	"torc/core/wire"
)

// Vitals is what a lane has to say about its node's health. Counters run from the lane's start.
type Vitals struct {
	Epoch     wire.Epoch
	Waiting   uint64
	Bytes     uint64 // of keys and values
	BytesMax  uint64 // of the whole node; 0: no bound
	Replicas  uint64
	Term      uint64 // the newest in which it leads
	Leads     []wire.ShardID
	Answered  uint64 // requests
	Hits      uint64 // reads that found their key
	Misses    uint64
	Slow      []wire.NodeID // nodes that answer much later than the others, this one among them (core/late)
	Refusals  Refusals
	Strangers Strangers
}

// Vitals describes the lane. Call it on the lane's thread.
func (l *Lane) Vitals() Vitals {
	v := Vitals{Waiting: uint64(l.hall.Waiting()), Bytes: uint64(l.storeBytes()), BytesMax: uint64(max(l.cfg.MaxMemory, 0)),
		Replicas: uint64(len(l.order)), Answered: l.hall.Answered, Hits: l.hits, Misses: l.misses, Slow: l.judge.AllSlow(), Refusals: l.refusals, Strangers: l.strangers}
	if l.m != nil {
		v.Epoch = l.m.Epoch
	}
	for _, g := range l.order {
		if g.member.Leads() {
			v.Leads, v.Term = append(v.Leads, g.shard), max(v.Term, g.member.Term())
		}
	}
	return v
}

// Pulse makes a node's digest of what its lanes say, time and again. The zero Pulse is ready.
type Pulse struct {
	at                     time.Duration
	answered, hits, misses uint64
}

// Beat is the node's health now; rates are since the beat before. uptime is the node's own
// monotonic clock.
func (p *Pulse) Beat(uptime time.Duration, lanes []Vitals) gossip.Health {
	h := gossip.Health{Uptime: uptime.Truncate(time.Second), HitRate: gossip.HitRateUnknown}
	var answered, hits, misses uint64
	for i := range lanes {
		v := &lanes[i]
		h.Epoch, h.Term, h.MemoryMax = max(h.Epoch, v.Epoch), max(h.Term, v.Term), max(h.MemoryMax, v.BytesMax)
		h.Waiting, h.MemoryUsed, h.Replicas = h.Waiting+v.Waiting, h.MemoryUsed+v.Bytes, h.Replicas+v.Replicas
		h.Leads = append(h.Leads, v.Leads...)
		answered, hits, misses = answered+v.Answered, hits+v.Hits, misses+v.Misses
	}
	slices.Sort(h.Leads)
	h.LeadCount = uint64(len(h.Leads))
	if passed := uptime - p.at; passed > 0 {
		h.RequestRate = (answered - p.answered) * uint64(time.Second) / uint64(passed)
	}
	if read := hits - p.hits + misses - p.misses; read > 0 {
		h.HitRate = int((hits - p.hits) * 1000 / read)
	}
	*p = Pulse{at: uptime, answered: answered, hits: hits, misses: misses}
	return h
}

// countReads counts reads that look for one key, for the hit rate.
func (l *Lane) countReads(commands []wire.Command, results []wire.Result) {
	for i := range commands {
		if commands[i].Op == wire.OpGet {
			l.countRead(&results[i])
		}
	}
}

func (l *Lane) countRead(r *wire.Result) {
	if r.Kind == wire.KindNil {
		l.misses++
	} else {
		l.hits++
	}
}

// Beliefs is what gossip says of the other nodes, by node. Call it on the lane's thread.
func (l *Lane) Beliefs() []gossip.Event { return l.view.All() }
