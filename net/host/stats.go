package host

import "sync/atomic"

// Stats are counters since the host was made, over all lanes.
type Stats struct {
	Turns         uint64 // times a lane woke and flushed
	Events        uint64 // frames, requests and the like handled
	Timers        uint64 // timers run
	CallsRefused  uint64 // requests refused because an inbox was full
	CallsLate     uint64 // requests refused because their time was over when their turn came
	FramesDropped uint64 // frames dropped because an inbox was full
	Waiting       int    // requests in the inboxes now
}

type stats struct {
	turns, events, timers, callsRefused, callsLate, framesDropped atomic.Uint64
}

// Stats returns the counters.
func (h *Host) Stats() Stats {
	s := Stats{
		Turns: h.stats.turns.Load(), Events: h.stats.events.Load(), Timers: h.stats.timers.Load(),
		CallsRefused: h.stats.callsRefused.Load(), CallsLate: h.stats.callsLate.Load(), FramesDropped: h.stats.framesDropped.Load(),
	}
	for _, l := range h.loops {
		s.Waiting += l.inbox.waiting()
	}
	return s
}
