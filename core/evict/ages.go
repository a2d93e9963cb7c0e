package evict

import "math/bits"

// Ages are counted in uses of all keys, and sorted into classes: one for each below eight, then four for
// each doubling. So a class is at most a quarter wider than its youngest age.
const ages = 8 + (lastBits-3)*4

// ageClass is the class of an age.
func ageClass(age uint32) int {
	if age < 8 {
		return int(age)
	}
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

// octave is an age class in doublings.
func octave(class int) int {
	if class < 8 {
		return bits.Len32(uint32(class))
	}
	return (class-8)/4 + 4
}
