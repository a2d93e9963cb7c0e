package sim

import "time"

// wallOrigin is the Unix time in milliseconds at which every world begins.
const wallOrigin = 1_700_000_000_000

// clock is a node's own clock: monotonic time as a piecewise linear function of the world's
// time, and a wall clock that is wrong by an offset (something disciplines it, so it does not
// drift as well; but it jumps). It belongs to the machine, not to the process: it goes on
// while the node is down or paused.
type clock struct {
	world int64 // where the present piece begins, in the world's time
	local int64 // and in this clock's
	ppm   int64 // rate: 1,000,000 is true time
	wall  int64 // offset of the wall clock in milliseconds
}

// newClock makes a clock whose monotonic part shows local when the world begins and whose
// wall part is off by skew.
func newClock(local, ppm int64, skew time.Duration) clock {
	return clock{local: local, ppm: ppm, wall: skew.Milliseconds()}
}

// at is what the clock shows at a time of the world.
func (c *clock) at(world int64) int64 { return c.local + scale(world-c.world, c.ppm, 1_000_000) }

// when is the first time of the world, from now on, at which the clock shows local or more.
func (c *clock) when(now, local int64) int64 {
	left := local - c.at(now)
	if left <= 0 {
		return now
	}
	return now + scale(left, 1_000_000, c.ppm) + 1
}

// setRate begins a new piece: what the clock shows does not jump.
func (c *clock) setRate(now, ppm int64) {
	c.local, c.world, c.ppm = c.at(now), now, ppm
}

// unix is what the wall clock shows, in milliseconds.
func (c *clock) unix(now int64) int64 { return wallOrigin + now/1_000_000 + c.wall }

// scale is n*num/den without overflow for what occurs here: num and den about a million.
func scale(n, num, den int64) int64 { return n/den*num + n%den*num/den }
