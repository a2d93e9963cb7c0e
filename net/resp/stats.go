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

	rate    atomic.Uint64 // commands a second
	sampled uint64        // commands at the last sample; the sweeper's own
}

func (s *stats) sample(every time.Duration) {
	n := s.commands.Load()
	if n < s.sampled { // RESETSTAT
		s.sampled = 0
	}
	s.rate.Store((n - s.sampled) * uint64(time.Second) / uint64(every))
	s.sampled = n
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
