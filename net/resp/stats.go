package resp

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"
)

// stats counts what the server did, since its start or since CONFIG RESETSTAT.
type stats struct {
	connections, rejected           atomic.Uint64
	commands, errors                atomic.Uint64
	protocolErrors, authBad, cutOff atomic.Uint64
	bytesIn, bytesOut               atomic.Uint64

	commandRate, inRate, outRate rate

	memoryPeak atomic.Uint64 // used_memory at most, when it was looked
}

func (s *stats) sample(every time.Duration) {
	s.commandRate.sample(s.commands.Load(), every)
	s.inRate.sample(s.bytesIn.Load(), every)
	s.outRate.sample(s.bytesOut.Load(), every)
}

// rate is how much a counter has grown in a second.
type rate struct {
	atomic.Uint64
	sampled uint64 // the counter at the last sample; the sweeper's own
}

func (r *rate) sample(n uint64, every time.Duration) {
	if n < r.sampled { // RESETSTAT
		r.sampled = 0
	}
	r.Store((n - r.sampled) * uint64(time.Second) / uint64(every))
	r.sampled = n
}

// peak is the largest used memory that was seen, this time included.
func (s *stats) peak(used uint64) uint64 {
	for {
		before := s.memoryPeak.Load()
		if used <= before {
			return before
		}
		if s.memoryPeak.CompareAndSwap(before, used) {
			return used
		}
	}
}

func (s *stats) reset() {
	for _, n := range []*atomic.Uint64{
		&s.connections, &s.rejected, &s.commands, &s.errors,
		&s.protocolErrors, &s.authBad, &s.cutOff, &s.bytesIn, &s.bytesOut,
	} {
		n.Store(0)
	}
}

func sortConns(list []*conn) {
	slices.SortFunc(list, func(a, b *conn) int { return cmp.Compare(a.id, b.id) })
}
