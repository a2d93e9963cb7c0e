package pages

import "unsafe"

// Huge pages. A lookup among millions of keys waits for the tables that say where addresses lie, as well as for
// what lies there; with pages of 2 MiB those tables are short. But a huge page keeps 2 MiB resident for the 4 KiB of it
// that are in use. So:
//
//   - Only regions that are mapped when much is in use already are huge. They are filled from the lowest address on, so that
//     one huge page is in use in part.
//   - A part of one that goes back to the system makes the whole of it small (the kernel splits it, and would put it together
//     again), until all of it is free.
const (
	hugeBytes = 2 << 20
	hugeWords = hugeBytes / block / 64
	hugeFrom  = 64 << 20 // in use, when a region is mapped
	hugeCount = regionBytes / hugeBytes
)

// mapHuge maps a region of huge pages, which begin where such pages may.
func mapHuge() (raw, mem []byte) {
	raw = mapped(regionBytes + hugeBytes)
	from := -uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % hugeBytes
	mem = raw[from : from+regionBytes : from+regionBytes]
	beHuge(mem)
	return raw, mem
}

// discard gives free blocks back to the system.
func (r *region) discard(from, to int) {
	if r.huge {
		for at := from / (hugeWords * 64); at <= (to-1)/(hugeWords*64); at++ {
			r.refit(at)
		}
	}
	discard(r.mem[from*block : to*block])
}

// refit says how large the pages are to be of which some are given back: huge if nothing of them is in use.
func (r *region) refit(at int) {
	free := true
	for _, word := range r.used[at*hugeWords : (at+1)*hugeWords] {
		free = free && word == 0
	}
	mem := r.mem[at*hugeBytes : (at+1)*hugeBytes]
	switch {
	case free && r.small[at]:
		beHuge(mem)
	case !free && !r.small[at]:
		beSmall(mem)
	}
	r.small[at] = !free
}
