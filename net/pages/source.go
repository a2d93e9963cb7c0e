package pages

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"unsafe"
)

const (
	block       = 4 << 10
	regionBytes = 64 << 20
	regionWords = regionBytes / block / 64
	idleMin     = 4 << 20
	idlePart    = 128
)

// Source gives out runs of blocks. The zero Source is ready.
type Source struct {
	mu      sync.Mutex
	regions []*region // by address
	open    []*region // those that may have room, the lowest address first
	large   map[*byte]int
	used    int64
	idle    int64 // free and resident
	mapped  int64
}

// region is one mapping, and which blocks of it are in use, and which of the others are resident.
type region struct {
	mem  []byte
	raw  []byte // the mapping
	at   uintptr
	used [regionWords]uint64
	idle [regionWords]uint64
	free int // blocks
	low  int // no word before it has a free block
	fail int // no run of so many blocks was found since the last Free; 0: not known

	huge  bool // see huge.go
	small [hugeCount]bool
}

// Stats is what a Source holds, in bytes.
type Stats struct {
	Used   int64 // given out
	Idle   int64 // free, and still resident
	Mapped int64 // addresses
}

// Stats returns what the source holds.
func (s *Source) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{s.used, s.idle, s.mapped}
}

// Alloc returns n bytes, a multiple of 4 KiB. Without memory for them it panics: a node that cannot hold what
// its log says must stop.
func (s *Source) Alloc(n int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used += int64(n)
	if n > regionBytes {
		return s.allocLarge(n)
	}
	blocks := n / block
	for i, r := range s.open {
		if at := r.find(blocks); at >= 0 {
			if r.free == blocks {
				s.open = slices.Delete(s.open, i, i+1)
			}
			return s.take(r, at, blocks)
		}
	}
	r := s.addRegion()
	if r.free == blocks {
		s.open = slices.DeleteFunc(s.open, func(x *region) bool { return x == r })
	}
	return s.take(r, 0, blocks)
}

// Free takes back what Alloc returned.
func (s *Source) Free(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= int64(len(b))
	if len(b) > regionBytes {
		first := unsafe.SliceData(b)
		delete(s.large, first)
		s.mapped -= int64(len(b))
		unmap(b)
		return
	}
	r := s.regionOf(b)
	from, to := r.place(b)
	if r.free == 0 {
		s.reopen(r)
	}
	r.free += to - from
	r.low, r.fail = min(r.low, from/64), 0
	clearBits(&r.used, from, to)
	if s.idle+int64(len(b)) > s.idleMax() || !s.keep(r) {
		r.discard(from, to)
		s.trim()
	} else {
		setBits(&r.idle, from, to)
		s.idle += int64(len(b))
	}
	if r.free == len(r.mem)/block && len(s.open) > 1 {
		s.dropRegion(r)
	}
}

func (s *Source) idleMax() int64 { return max(idleMin, s.used/idlePart) }

// trim discards some of what is idle, when that is more than it may be because less is in use.
func (s *Source) trim() {
	for i := len(s.regions) - 1; i >= 0 && s.idle > s.idleMax(); i-- {
		r := s.regions[i]
		for w := range r.idle {
			for r.idle[w] != 0 && s.idle > s.idleMax() {
				from := w*64 + bits.TrailingZeros64(r.idle[w])
				to := from + bits.TrailingZeros64(^(r.idle[w] >> (from % 64)))
				s.idle -= int64(clearBits(&r.idle, from, to)) * block
				r.discard(from, to)
			}
		}
	}
}

// keep reports whether blocks of a region are worth keeping resident: those of the last one are not, it may empty.
func (s *Source) keep(r *region) bool { return len(s.regions) == 1 || r != s.regions[len(s.regions)-1] }

// Release unmaps everything. Nothing that was given out may be touched any more.
func (s *Source) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.regions {
		unmap(r.raw)
	}
	for first, n := range s.large {
		unmap(unsafe.Slice(first, n))
	}
	s.regions, s.open, s.large = nil, nil, nil
	s.used, s.idle, s.mapped = 0, 0, 0
}

func (s *Source) take(r *region, at, blocks int) []byte {
	setBits(&r.used, at, at+blocks)
	s.idle -= int64(clearBits(&r.idle, at, at+blocks)) * block
	r.free -= blocks
	return r.mem[at*block : (at+blocks)*block : (at+blocks)*block]
}

func (s *Source) allocLarge(n int) []byte {
	b := mapped(n)
	if s.large == nil {
		s.large = map[*byte]int{}
	}
	s.large[unsafe.SliceData(b)] = n
	s.mapped += int64(n)
	return b
}

func mapped(n int) []byte {
	b, err := mmap(n)
	if err != nil {
		panic(fmt.Sprintf("no memory for %d bytes of keys and values (%v): lower --max-memory, or raise the limit of this process or its container", n, err))
	}
	return b
}

func (s *Source) addRegion() *region {
	r := &region{free: regionBytes / block, huge: s.used > hugeFrom}
	if r.huge {
		r.raw, r.mem = mapHuge()
	} else {
		r.mem = mapped(regionBytes)
		r.raw = r.mem
	}
	r.at = uintptr(unsafe.Pointer(unsafe.SliceData(r.mem)))
	s.mapped += regionBytes
	s.regions = insert(s.regions, r)
	s.open = insert(s.open, r)
	return r
}

func (s *Source) reopen(r *region) { s.open = insert(s.open, r) }

// insert keeps regions by address.
func insert(all []*region, r *region) []*region {
	at, _ := slices.BinarySearchFunc(all, r.at, byAddress)
	return slices.Insert(all, at, r)
}

func byAddress(r *region, at uintptr) int {
	switch {
	case r.at < at:
		return -1
	case r.at > at:
		return 1
	}
	return 0
}

func (s *Source) dropRegion(r *region) {
	same := func(x *region) bool { return x == r }
	s.open = slices.DeleteFunc(s.open, same)
	s.regions = slices.DeleteFunc(s.regions, same)
	s.idle -= int64(clearBits(&r.idle, 0, regionBytes/block)) * block
	s.mapped -= regionBytes
	unmap(r.raw)
}

func (s *Source) regionOf(b []byte) *region {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	i, found := slices.BinarySearchFunc(s.regions, at, byAddress)
	if !found {
		i--
	}
	return s.regions[i]
}

// place is which blocks of a region a run is.
func (r *region) place(b []byte) (from, to int) {
	from = int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))-r.at) / block
	return from, from + len(b)/block
}

// find returns where the first run of so many free blocks begins; -1: there is none.
func (r *region) find(blocks int) int {
	if r.free < blocks || r.fail != 0 && blocks >= r.fail {
		return -1
	}
	run, first := 0, true
	for w := r.low; w < regionWords; w++ {
		used := r.used[w]
		if used == ^uint64(0) {
			run = 0
			continue
		}
		if first {
			r.low, first = w, false
		}
		if used == 0 && run+64 < blocks {
			run += 64
			continue
		}
		for bit := 0; bit < 64; {
			if used>>bit&1 != 0 {
				run = 0
				bit += bits.TrailingZeros64(^(used >> bit))
				continue
			}
			free := min(bits.TrailingZeros64(used>>bit), 64-bit)
			if run+free >= blocks {
				return w*64 + bit - run
			}
			run += free
			bit += free
		}
	}
	r.fail = blocks
	return -1
}

func setBits(set *[regionWords]uint64, from, to int) {
	for from < to {
		mask, next := maskOf(from, to)
		set[from/64] |= mask
		from = next
	}
}

// clearBits returns how many were set.
func clearBits(set *[regionWords]uint64, from, to int) (n int) {
	for from < to {
		mask, next := maskOf(from, to)
		n += bits.OnesCount64(set[from/64] & mask)
		set[from/64] &^= mask
		from = next
	}
	return n
}

// maskOf is the bits from one to another as far as they are in one word.
func maskOf(from, to int) (mask uint64, next int) {
	next = min(to, (from/64+1)*64)
	return ^uint64(0) >> (64 - (next - from)) << (from % 64), next
}
