package grpcapi

import "sync/atomic"

// Stats are counters since Listen, and what stands now.
type Stats struct {
	Streams  int64  // open now
	Requests uint64 // request packets and unary calls taken
	Rejected uint64 // packets that were not understood, or may not come from a client
	Denied   uint64 // calls without the password
}

type stats struct {
	streams                    atomic.Int64
	requests, rejected, denied atomic.Uint64
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	return Stats{
		Streams: s.stats.streams.Load(), Requests: s.stats.requests.Load(),
		Rejected: s.stats.rejected.Load(), Denied: s.stats.denied.Load(),
	}
}
