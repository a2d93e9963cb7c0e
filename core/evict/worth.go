package evict

import "math/bits"

// curve is, for the start of each age class, how many uses are expected of a key before that age, and
// how long it will have waited: both as parts of one key (1<<32) that has just been used.
type curve struct{ uses, time [ages + 1]uint64 }

// expect computes the curve: of those that reach an age some are used then, the others go on. What was
// cut counts for half of the age class in which it was (Kaplan and Meier).
func (t *tally) expect() (c curve) {
	var reach [ages + 1]uint64
	for a := ages - 1; a >= 0; a-- {
		reach[a] = reach[a+1] + t.used[a] + t.cut[a]
	}
	left := uint64(1) << 32
	for a := range ages {
		used := uint64(0)
		if at := reach[a] - t.cut[a]/2; at > 0 {
			high, low := bits.Mul64(left, t.used[a])
			used, _ = bits.Div64(high, low, at) // used <= reach, so it fits
		}
		c.uses[a+1] = c.uses[a] + used
		c.time[a+1] = c.time[a] + (left-used/2)*width(a)>>4 + 1
		left -= used
	}
	return c
}

// worth is, for each age, the steepest slope from there to any later point of the curve: uses over time. From old to
// young, the points that can still be the end of a steepest slope (the upper hull) are kept on a stack.
func (t *tally) worth() (worth [ages]uint64) {
	c := t.expect()
	var hull [ages + 1]int
	top := 0
	hull[0] = ages
	for a := ages - 1; a >= 0; a-- {
		for top > 0 && !c.steeper(a, hull[top], hull[top-1]) {
			top--
		}
		worth[a] = ratio(c.uses[hull[top]]-c.uses[a], c.time[hull[top]]-c.time[a])
		top++
		hull[top] = a
	}
	return worth
}

// steeper reports whether the curve rises faster from a to b than from b to d.
func (c *curve) steeper(a, b, d int) bool {
	h1, l1 := bits.Mul64(c.uses[b]-c.uses[a], c.time[d]-c.time[b])
	h2, l2 := bits.Mul64(c.uses[d]-c.uses[b], c.time[b]-c.time[a])
	return h1 > h2 || h1 == h2 && l1 > l2
}

// ratio is y/x with 40 bits behind the point, at most 1.
func ratio(y, x uint64) uint64 {
	if y >= x {
		return 1 << 40
	}
	q, _ := bits.Div64(y>>24, y<<40, x)
	return q
}
