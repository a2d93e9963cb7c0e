package slab

// Stats is what a heap holds.
type Stats struct {
	Cells    int64 // in use
	Used     int64 // bytes of cells in use
	Reserved int64 // bytes of pages
	Pages    int64
}

// Add adds another heap's.
func (s *Stats) Add(o Stats) {
	s.Cells += o.Cells
	s.Used += o.Used
	s.Reserved += o.Reserved
	s.Pages += o.Pages
}

// ClassStats is what a heap holds of one cell size.
type ClassStats struct {
	Size     int // 0: extents
	Cells    int // in use
	Gaps     int // cells that are free
	Reserved int // bytes of pages
}

// Stats returns what the heap holds.
func (h *Heap) Stats() Stats { return h.stats }

// Classes returns the classes that have pages.
func (h *Heap) Classes() (all []ClassStats) {
	for i := range h.classes {
		c := &h.classes[i]
		if c.reserved == 0 {
			continue
		}
		size := 0
		if i != extents {
			size = sizeOf(i)
		}
		all = append(all, ClassStats{Size: size, Cells: c.used, Gaps: c.cells - c.used, Reserved: c.reserved})
	}
	return all
}
