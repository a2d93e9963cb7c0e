package cluster

import (
	"time"

	"torc/core/env"
)

// shipsMax is how many snapshots a lane sends at a time. Each holds a copy of its shard's state as it
// was (what has changed since is kept twice), and more of them are not done sooner.
const shipsMax = 4

// pacer bounds the bytes a second that a lane's snapshots send: a bucket that fills with time up to
// what one tick or two may take, and may be overdrawn by a part, which is paid for before the next one.
type pacer struct {
	clock env.Clock
	rate  int64 // bytes a second; 0: no bound
	burst int64
	level int64
	at    time.Duration // when level was right
	ships int
	most  int // ships at a time

	sent uint64 // bytes, since the start
}

func newPacer(clock env.Clock, rate int64, tick time.Duration) *pacer {
	burst := max(rate*2*tick.Milliseconds()/1000, 1)
	return &pacer{clock: clock, rate: rate, burst: burst, level: burst, most: shipsMax}
}

// Begin is part of raft.Pace.
func (p *pacer) Begin() bool {
	if p.ships >= p.most {
		return false
	}
	p.ships++
	return true
}

// End is part of raft.Pace.
func (p *pacer) End() { p.ships-- }

// May is part of raft.Pace.
func (p *pacer) May() bool {
	if p.rate == 0 {
		return true
	}
	now := p.clock.Now()
	passed := min(now-p.at, time.Minute) // more fills any bucket, and would not fit the product
	if filled := int64(passed.Microseconds()) * p.rate / 1_000_000; filled > 0 {
		p.level, p.at = min(p.level+filled, p.burst), now
	}
	return p.level > 0
}

// Spend is part of raft.Pace.
func (p *pacer) Spend(bytes int) {
	p.sent += uint64(bytes)
	if p.rate > 0 {
		p.level -= int64(bytes)
	}
}
