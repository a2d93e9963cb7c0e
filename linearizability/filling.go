package linearizability

import "strconv"

// triesOfFill bounds the moves that are tried in gaps.
const triesOfFill = 100_000

// filling is the attempt to fill a ladder's gaps, the lowest first, with spare moves.
type filling struct {
	gaps      []gap
	deadlines []int64 // by gap
	spare     []spares
	used      []int           // of each size
	hopeless  map[string]bool // what was used of each size before a gap that could then not be filled
	tries     int
	deepest   int // the highest gap that could not be filled
}

// from reports whether a gap of which so much is open, and all above it, can be filled; moves of a size before least
// are not tried in it any more, because the order within a gap is nobody's affair.
func (f *filling) from(g int, open int64, least int) bool {
	if open == 0 {
		if g++; g == len(f.gaps) {
			return true
		}
		key := f.key(g)
		if f.hopeless[key] {
			return false
		}
		f.hopeless[key] = !f.from(g, f.gaps[g].to-f.gaps[g].from, 0)
		return !f.hopeless[key]
	}
	f.deepest = max(f.deepest, g)
	for i := least; i < len(f.spare) && f.spare[i].size <= open; i++ {
		s := &f.spare[i]
		if f.used[i] == len(s.ops) || s.ops[f.used[i]].Call > f.deadlines[g] {
			continue
		}
		if f.tries--; f.tries <= 0 {
			return false
		}
		f.used[i]++
		if f.from(g, open-s.size, i) {
			return true
		}
		f.used[i]--
	}
	return false
}

func (f *filling) key(g int) string {
	b := strconv.AppendInt(nil, int64(g), 10)
	for _, n := range f.used {
		b = strconv.AppendInt(append(b, ' '), int64(n), 10)
	}
	return string(b)
}
