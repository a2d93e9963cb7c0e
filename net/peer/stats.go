package peer

import "sync/atomic"

// Stats are counters since Listen, and what stands now.
type Stats struct {
	FramesSent     uint64
	BytesSent      uint64 // of frames in their binary form
	PacketsSent    uint64 // frames that wait together share one
	FramesReceived uint64
	BytesReceived  uint64
	Dropped        uint64 // frames thrown away: a queue was full or there was no connection
	Undecodable    uint64 // frames received that did not decode
	Refused        uint64 // streams refused because their secret was wrong
	Connects       uint64 // outgoing streams opened
	Failures       uint64 // outgoing streams that could not be opened or broke

	Peers     int // addresses that have queues now
	Connected int // outgoing streams that are open now; two to each peer
	Queued    int // bytes waiting in all queues now
}

type stats struct {
	framesSent, bytesSent, packetsSent, framesReceived, bytesReceived atomic.Uint64
	dropped, undecodable, refused, turnedAway, connects, failures     atomic.Uint64
	otherElection                                                     atomic.Uint64
	connected                                                         atomic.Int64
}

// Stats returns the counters.
func (n *Network) Stats() Stats {
	c := &n.stats
	s := Stats{
		FramesSent: c.framesSent.Load(), BytesSent: c.bytesSent.Load(), PacketsSent: c.packetsSent.Load(),
		FramesReceived: c.framesReceived.Load(), BytesReceived: c.bytesReceived.Load(),
		Dropped: c.dropped.Load(), Undecodable: c.undecodable.Load(), Refused: c.refused.Load(),
		Connects: c.connects.Load(), Failures: c.failures.Load(), Connected: int(c.connected.Load()),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Peers = len(n.links)
	for _, l := range n.links {
		s.Queued += l.urgent.queue.size() + l.data.queue.size()
	}
	return s
}
