package evict

import "math/bits"

// Ages are counted in uses of all keys, and sorted into classes: one for each below eight, then four for
// each doubling. So a class is at most a quarter wider than its youngest age.
const (
	ageBits = 28
	ageMax  = 1<<ageBits - 1
	ages    = 8 + (ageBits-3)*4
)

// ageClass is the class of an age.
func ageClass(age uint32) int {
	if age < 8 {
		return int(age)
	}
	age = min(age, ageMax)
	e := bits.Len32(age) - 1
	return 8 + (e-3)*4 + int(age>>(e-2)&3)
}

// width is how many ages a class holds.
func width(class int) uint64 {
	if class < 8 {
		return 1
	}
	return 1 << ((class-8)/4 + 1)
}

// gapOf is an age in half doublings, as records keep it.
func gapOf(age uint32) uint8 {
	if age < 2 {
		return uint8(age) * 2
	}
	e := bits.Len32(age)
	return uint8(2*e) | uint8(age>>(e-2))&1
}

// octave is a gap in doublings.
func octave(gap uint8) int { return int(gap / 2) }
