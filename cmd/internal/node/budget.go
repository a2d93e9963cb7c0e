package node

import "torc/cmd/internal/config"

// budget divides --max-memory among all that a node holds. It depends on --max-memory alone, so that operators can
// compute it, and nodes with the same setting have the same room for keys.
//
//	stores    what is left: 13/16     keys, values, sessions: past it keys are given up, or writes refused
//	logs      1/16                    Raft logs: cut, then proposals refused
//	requests  1/32                    requests that wait for a lane or for an answer: refused; an eighth of it copies of hot keys: dropped
//	peers     1/32                    frames to and from other nodes: the oldest dropped
//	clients   1/32                    commands in flight and replies of Redis clients: reading stops
//	copies    1/32                    what snapshots under way keep: the greediest given up
//
// The smaller parts have floors and ceilings; below the floors (--max-memory under 128 MiB or so) they come on top.
type budget struct {
	Stores, Logs, Requests, Peers, Clients, Copies int64 // bytes; 0: no bound
}

const (
	mib        = 1 << 20
	logsPart   = 16
	otherParts = 32
)

func budgetOf(maxMemory int64) budget {
	if maxMemory <= 0 {
		return budget{}
	}
	part := func(of int64, least, most int64) (bound int64) { return min(max(maxMemory/of, least), most) }
	b := budget{
		Logs:     part(logsPart, 2*mib, 1024*mib),
		Requests: part(otherParts, 4*mib, 512*mib),
		Peers:    part(otherParts, 4*mib, 512*mib),
		Clients:  part(otherParts, 4*mib, 512*mib),
		Copies:   part(otherParts, 1*mib, 1024*mib),
	}
	// Never 0, which would be no bound: --max-memory 1 is rather a gibibyte that was meant than none.
	b.Stores = max(1, maxMemory*13/16, maxMemory-b.Logs-b.Requests-b.Peers-b.Clients-b.Copies)
	return b
}

// memoryPlan is the node's budget.
func memoryPlan(c *config.Config) budget { return budgetOf(int64(c.MaxMemory)) }

// Least lengths of single queues, whatever the budget: a frame of Raft entries has a mebibyte, and a snapshot's window as much.
const (
	frameLeast = 16 * mib
	peerParts  = 8 // of the peers' part for each queue to one of them
)

// inboxes are the bounds of one lane's inbox: requests, and frames.
func (b *budget) inboxes(lanes int) (calls, frames int) {
	if b.Requests == 0 {
		return 0, 0
	}
	return int(b.Requests) / 2 / max(lanes, 1), int(max(frameLeast, b.Peers/2/int64(max(lanes, 1))))
}

// held is the bound of copies of hot keys, and waiting that of requests in lanes.
func (b *budget) held() int64 {
	if b.Requests == 0 {
		return heldUnbounded
	}
	return b.Requests / 8
}

func (b *budget) waiting() int64 { return b.Requests/2 - b.Requests/8 }

// heldUnbounded is the former where there is no bound on all.
const heldUnbounded = 16 * mib

// peerQueue is the bound of a queue to one peer.
func (b *budget) peerQueue() int {
	if b.Peers == 0 {
		return 0
	}
	return int(max(frameLeast, b.Peers/peerParts))
}
