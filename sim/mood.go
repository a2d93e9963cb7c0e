package sim

import (
	"time"

	"torc/cluster"
)

// drawMood gives a swarm run a character; a script says itself what is to happen. Everything in moderation finds what hangs on no one thing; the
// rest hides until many clients want one key while its leader is hurt every second, or until so
// little goes wrong that what is done for nothing stands out.
func (s *Settings) drawMood(seed uint64) {
	s.drawAdmin(seed)
	s.drawReads(seed)
	stream := NewStream(seed, "settings, mood")
	r := &stream
	switch roll := r.IntN(100); {
	case roll < 30:
		s.hot(r)
	case roll < 41:
		s.calm(r)
	case roll < 50:
		s.crowded(r)
	case roll < 77:
		s.stormy(r)
	case roll < 84:
		s.grave(r)
	case roll < 92:
		s.restless(r)
	}
}

// drawAdmin lets some runs have operators, with a node to spare or without.
func (s *Settings) drawAdmin(seed uint64) {
	r := NewStream(seed, "settings, admin")
	s.Faults.Drain, s.Faults.Weigh = r.Chance(3000), r.Chance(2500)
	if s.Faults.Drain && r.Bool() {
		s.spare()
	}
}

// drawReads lets nodes make reads safe by leases, by asking a quorum, or some so and some so, as while
// a cluster's configuration is changed.
func (s *Settings) drawReads(seed uint64) {
	r := NewStream(seed, "settings, reads")
	s.Reads, s.Mixed = cluster.ReadLease, false
	switch roll := r.IntN(100); {
	case roll < 40:
		s.Reads = cluster.ReadIndex
	case roll < 55:
		s.Mixed = true
	}
	s.Faults.WildRates = s.Faults.WildRates && !s.leases()
	if r.Chance(2500) || s.Reads == cluster.ReadIndex && r.Chance(8000) {
		s.Links.Tail, s.Links.TailDelay = 500+r.IntN(1000), r.Neat(40*time.Millisecond, 150*time.Millisecond) // followers lag
	}
}

// growing runs have a node that joins, so that replicas move away from nodes that live; plain
// clients go on asking those.
func (s *Settings) growing() {
	s.spare()
	s.Absent, s.Shards, s.Plain = 1, max(s.Shards, 2), max(s.Plain, 4)
}

// spare gives the cluster a node more than a shard has replicas, if it has none.
func (s *Settings) spare() {
	if s.Nodes == s.Replicas {
		s.Nodes = s.Replicas + 1
		s.Lanes = append(s.Lanes, 1)
	}
}

// hot runs put everybody on a few keys of a shard or two, and hurt often and briefly.
func (s *Settings) hot(r *Stream) {
	s.Shards = 1 + r.IntN(2)
	s.Registers, s.Models, s.Counters, s.Appends, s.Expiring = 1+r.IntN(2), 3, 1, 1, 6
	s.Think = r.Neat(5*time.Millisecond, 20*time.Millisecond)
	s.FaultEvery, s.FaultFor = r.Neat(time.Second, 3*time.Second), r.Neat(time.Second, 3*time.Second)
	f := &s.Faults
	often := func(on *bool) { *on = *on || r.Chance(6000) }
	if r.Bool() { // or the checkers must forgive what leaders do to expiry
		s.Skew /= 20
	}
	often(&f.Isolate)
	often(&f.Pause)
	f.Pause = f.Pause || r.Bool()
	often(&f.Lossy)
	often(&f.OneWay)
	if r.Chance(7000) { // clients give up and ask again while leaders are still away
		s.Timeout = r.Neat(500*time.Millisecond, 1200*time.Millisecond)
	}
	if r.Bool() { // nothing but what hurts leaders
		*f = Faults{Isolate: f.Isolate, Pause: true, Lossy: f.Lossy, OneWay: f.OneWay, Drain: f.Drain, Weigh: f.Weigh}
	}
}

// calm runs have few faults: work that is done again and again for nothing shows.
func (s *Settings) calm(r *Stream) {
	s.FaultEvery = r.Neat(15*time.Second, 40*time.Second)
	if r.Chance(7000) {
		s.Grace = r.Neat(2*time.Second, 4*time.Second)
		s.Swim.FalseAlarm = 100 + r.IntN(300)
		s.spare()
	}
	if r.Bool() {
		s.Links.Drop = 300 + r.IntN(700)
		s.Think = r.Neat(5*time.Millisecond, 20*time.Millisecond)
	}
	if r.Chance(4000) { // all nodes have more to do than they can: nobody is better off elsewhere
		s.TurnCost = min(r.Neat(25*time.Millisecond, 50*time.Millisecond), s.election()/10)
	}
}

// crowded runs have many calls under way when a majority is out of reach for long.
func (s *Settings) crowded(r *Stream) {
	s.Threads = 6 + r.IntN(6)
	s.Think = r.Neat(20*time.Millisecond, 60*time.Millisecond)
	s.FaultFor, s.Models = r.Neat(10*time.Second, 20*time.Second), 4 // the exhaustive checker bears few calls at a time on a key
	s.Faults.Isolate = true
}

// stormy runs lose and double packets all the time, the rest is late, and leaders are hurt every few
// seconds, with everybody on a few keys: those who lead know less than they hold, and those who follow lag.
func (s *Settings) stormy(r *Stream) {
	s.hot(r)
	s.Nodes, s.Replicas, s.Absent, s.Lanes = 3, 3, 0, []int{1, 1, 1}
	s.Shards, s.Registers, s.Core = 1, 1, false
	s.Think, s.Timeout = r.Neat(5*time.Millisecond, 12*time.Millisecond), r.Neat(500*time.Millisecond, time.Second)
	s.Clients, s.Plain, s.Threads = 3+r.IntN(2), 3+r.IntN(2), 2 // who asks without a map asks whoever led a while ago
	if s.Reads == cluster.ReadIndex && r.Chance(3000) {
		s.Reads = cluster.ReadLease // leases have more to fear from a storm
	}
	s.Storm = 1000 + r.IntN(2000)
	s.Faults = Faults{Isolate: true, Pause: true, OneWay: r.Chance(3000)}
	s.FaultEvery, s.FaultFor = r.Neat(1500*time.Millisecond, 3*time.Second), r.Neat(800*time.Millisecond, 2*time.Second)
	if r.Chance(8000) { // so little log, and so much to do in a turn, that copies are made all the time
		s.LogBytes, s.TurnCost = int64(2+r.IntN(3))<<10, r.Neat(time.Millisecond, 5*time.Millisecond)
	} else if r.Bool() {
		s.TurnCost = r.Neat(time.Millisecond, 5*time.Millisecond)
	}
}

// restless runs kill processes that come back at once, on links where some packets take seconds: what
// was said to one life, or by it, arrives in the next one.
func (s *Settings) restless(r *Stream) {
	s.hot(r)
	s.Links.Tail, s.Links.TailDelay = 300+r.IntN(1000), r.Neat(500*time.Millisecond, 3*time.Second)
	s.Faults = Faults{Crash: true, Replay: r.Bool(), Stop: r.Chance(3000), Isolate: r.Bool()}
	s.FaultEvery, s.FaultFor = r.Neat(2*time.Second, 4*time.Second), r.Neat(40*time.Millisecond, 600*time.Millisecond)
}

// grave runs have few faults that last, and nodes to spare: who is silent for longer than the grace
// must be done without, while old rumours go round that it lives.
func (s *Settings) grave(r *Stream) {
	s.spare()
	s.Grace = r.Neat(5*time.Second, 8*time.Second)
	s.Swim.SuspectFor, s.Swim.OldRumour = r.Neat(time.Second, 2*time.Second), 200+r.IntN(300)
	s.Faults = Faults{Crash: true, LongPause: true, Isolate: r.Bool(), Lies: r.Bool()}
	s.FaultEvery, s.FaultFor = r.Neat(10*time.Second, 20*time.Second), r.Neat(18*time.Second, 25*time.Second)
}

// drawChange lets most runs have a cluster that does not stay what it is: a node joins, and whole shards are lost. Of five nodes more crash at a time than a shard of three replicas
// bears, and what the cluster then declares lost may be gone, and nothing else.
func (s *Settings) drawChange(seed uint64) {
	r := NewStream(seed, "settings, ruin")
	if s.Storm > 0 || !r.Chance(9500) {
		return // storms find more in a small cluster that stays what it is, and so do some others
	}
	if r.Chance(9000) {
		s.growing()
	}
	if s.FaultFor > 20*time.Second {
		return // long faults are enough for a run
	}
	s.Nodes, s.Replicas, s.Lanes, s.Ruin = 4+r.IntN(2)+s.Absent, 3, nil, true
	s.Shards = max(s.Shards, 2) // of one, the meta group may have all nodes but the one that would do
	s.ResetGrace = r.Neat(2*time.Second, 8*time.Second)
}

// drawFounding lets some runs found their cluster while nodes come late, cannot reach each other, and
// are restarted.
func (s *Settings) drawFounding(seed uint64) {
	r := NewStream(seed, "settings, founding")
	s.Rough = r.Chance(3500)
}
