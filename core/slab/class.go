package slab

import "math/bits"

// Cell sizes: every 8 bytes from 32 to 256, then 16 to a doubling, so that what a cell
// wastes is 3% of it on average at most.
const (
	cellMin  = 32
	cellFine = 256
	// CellMax is the longest cell of a class; a longer one is an extent.
	CellMax = 32 << 10

	fineStep  = 8
	fineCount = (cellFine-cellMin)/fineStep + 1
	stepBits  = 4
	fineBits  = 8                       // 2^fineBits = cellFine
	classes   = fineCount + 7<<stepBits // seven doublings, from 256 to 32 KiB
	extents   = classes                 // counts as the last class
)

// classOf is the class of the smallest cells that hold n bytes.
func classOf(n int) int {
	switch {
	case n <= cellMin:
		return 0
	case n <= cellFine:
		return (n - cellMin + fineStep - 1) / fineStep
	case n > CellMax:
		return extents
	}
	double := bits.Len(uint(n-1)) - 1 // 2^double < n <= 2^(double+1)
	step := double - stepBits
	return fineCount + (double-fineBits)<<stepBits + (n-1-1<<double)>>step
}

// sizeOf is how long the cells of a class are.
func sizeOf(class int) int {
	if class < fineCount {
		return cellMin + class*fineStep
	}
	coarse := class - fineCount
	double := fineBits + coarse>>stepBits
	return 1<<double + (coarse&(1<<stepBits-1)+1)<<(double-stepBits)
}

const (
	pageMax   = 256 << 10
	pageMin   = 4 << 10
	pageCells = 8  // a page has as many cells at least
	pageRuns  = 64 // extents of a page, that the numbers of pages suffice for terabytes of them
	pageShare = 32 // and is at most such a part of its class, unless that is less than pageMin
)

// pageOf is how long the next page of a class is that has so many bytes of pages.
func pageOf(size, reserved int) int {
	page := pageMin
	for page < pageMax && (page < pageCells*size || page*4*pageShare <= reserved) {
		page *= 4
	}
	return page
}
