package breaker

import "time"

// buckets is how finely the window slides: it forgets a tenth at a time.
const buckets = 10

// window counts outcomes over the recent past in constant space.
type window struct {
	span    time.Duration // of one bucket
	current int64         // number of the newest bucket: time divided by span
	good    [buckets]int
	bad     [buckets]int
}

func newWindow(length time.Duration) window {
	return window{span: max(length/buckets, 1)}
}

func (w *window) add(now time.Duration, failed bool) {
	w.slide(int64(now / w.span))
	if i := w.current % buckets; failed {
		w.bad[i]++
	} else {
		w.good[i]++
	}
}

// slide empties the buckets between the newest one and the one for now.
func (w *window) slide(now int64) {
	if now-w.current >= buckets {
		w.clear()
		w.current = now
		return
	}
	for w.current < now {
		w.current++
		w.good[w.current%buckets], w.bad[w.current%buckets] = 0, 0
	}
}

func (w *window) clear() {
	w.good, w.bad = [buckets]int{}, [buckets]int{}
}

func (w *window) tooMany(samples, percent int) bool {
	good, bad := 0, 0
	for i := range buckets {
		good += w.good[i]
		bad += w.bad[i]
	}
	return good+bad >= samples && bad*100 >= percent*(good+bad)
}
