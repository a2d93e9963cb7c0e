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
	stream := NewStream(seed, "settings, mood")
	r := &stream
	switch roll := r.IntN(100); {
	case roll < 30:
		s.hot(r)
	case roll < 42:
		s.calm(r)
	case roll < 54:
		s.crowded(r)
	case roll < 86:
		s.stormy(r)
	case roll < 93:
		s.grave(r)
	}
	if s.Storm == 0 && r.Chance(6000) {
		s.growing()
	}
}

// drawAdmin lets some runs have operators, with a node to spare or without.
func (s *Settings) drawAdmin(seed uint64) {
	r := NewStream(seed, "settings, admin")
	s.Faults.Drain, s.Faults.Weigh = r.Chance(2500), r.Chance(1500)
	if s.Faults.Drain && r.Bool() {
		s.spare()
	}
}

// growing runs have a node that joins, so that replicas move away from nodes that live; plain
// clients go on asking those.
func (s *Settings) growing() {
	s.spare()
	s.Absent, s.Shards, s.Plain = 1, max(s.Shards, 4), max(s.Plain, 3)
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
	s.Registers, s.Models, s.Counters, s.Appends, s.Expiring = 1+r.IntN(2), 3, 1, 1, 1
	s.Think = r.Neat(5*time.Millisecond, 20*time.Millisecond)
	s.FaultEvery, s.FaultFor = r.Neat(time.Second, 3*time.Second), r.Neat(600*time.Millisecond, 3*time.Second)
	f := &s.Faults
	often := func(on *bool) { *on = *on || r.Chance(6000) }
	often(&f.Isolate)
	often(&f.Pause)
	often(&f.Lossy)
	often(&f.OneWay)
	if r.Bool() { // nothing but what hurts leaders
		f.Stop, f.Crash, f.Rack, f.Memory, f.LongPause, f.Slow = false, false, false, false, false, false
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
}

// crowded runs have many calls under way when a majority is out of reach for long.
func (s *Settings) crowded(r *Stream) {
	s.Threads = 6 + r.IntN(6)
	s.Think = r.Neat(20*time.Millisecond, 60*time.Millisecond)
	s.FaultFor, s.Models = r.Neat(10*time.Second, 20*time.Second), 4 // the exhaustive checker bears few calls at a time on a key
	s.Faults.Isolate = true
}

// stormy runs lose and double packets all the time, and hurt leaders every few seconds, with
// everybody on a few keys: those who lead know less than they hold, and those who follow lag.
func (s *Settings) stormy(r *Stream) {
	s.hot(r)
	s.Nodes, s.Replicas, s.Absent, s.Lanes = 3, 3, 0, []int{1, 1, 1}
	s.Shards, s.Registers, s.Core = 1, 1, false
	s.Think = r.Neat(5*time.Millisecond, 12*time.Millisecond)
	s.Reads = cluster.ReadLease
	if r.Bool() {
		s.Reads = cluster.ReadIndex
	}
	s.Storm = 1000 + r.IntN(2000)
	s.Faults = Faults{Isolate: true, Pause: r.Bool(), OneWay: r.Chance(3000)}
	s.FaultEvery, s.FaultFor = r.Neat(2*time.Second, 4*time.Second), r.Neat(800*time.Millisecond, 2*time.Second)
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

// drawRuin lets some runs lose whole shards: of five nodes more crash at a time than a shard of three replicas
// bears, and what the cluster then declares lost may be gone, and nothing else.
func (s *Settings) drawRuin(seed uint64) {
	r := NewStream(seed, "settings, ruin")
	if !r.Chance(3000) || s.Storm > 0 || s.FaultFor > 15*time.Second {
		return // storms and long faults are enough for a run
	}
	s.Nodes, s.Replicas, s.Lanes = 5+s.Absent, 3, nil
	s.Shards = max(s.Shards, 3+r.IntN(4))
	s.Faults.Crash, s.Faults.Rack, s.Ruin = true, true, true
	s.FaultEvery, s.FaultFor = min(s.FaultEvery, r.Neat(3*time.Second, 6*time.Second)), min(s.FaultFor, r.Neat(time.Second, 4*time.Second))
	s.ResetGrace = r.Neat(2*time.Second, 8*time.Second)
}
