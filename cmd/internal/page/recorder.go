package page

import (
	"fmt"
	"hash/fnv"
	"time"

	"torc/core/trace"
	"torc/core/wire"
	"torc/sim"
	"torc/ui"
)

// clientsFrom is the first client's number in the trace; nodes count from 1.
const clientsFrom = 1001

// Recorder watches a run. Its Observe goes into sim.Options; after the run, Recording says what was
// seen.
type Recorder struct {
	events   []ui.Event
	messages []ui.Message
	flying   map[uint64][]flight // frames under way, by number
	sentAt   []int64             // by message
	hosts    map[wire.ReplicaID]wire.NodeID
	lives    map[wire.NodeID]int
	nodes    int // the greatest number seen
	clients  int
	probes   []probe
	reasons  map[int]wire.Reason // by operation's number
	moments  []sim.Moment
	asked    map[question]int // the slot that a client asks about
	evictors map[victim]int   // who was the first to give a key up
}

// victim is a key that was given up, known by its version and the instant.
type victim struct {
	version uint64
	at      int64
}

// flight is a copy of a frame that has not arrived.
type flight struct{ message int }

// question is what a client's request and the answer to it share.
type question struct {
	client int
	id     uint64
}

// probe is the beginning of a question that only the oracles ask. Some are final reads, which the
// history holds, and some are not.
type probe struct {
	event int
	at    int64
	host  wire.NodeID
	print uint64
}

// NewRecorder returns a recorder for one run.
func NewRecorder() *Recorder {
	return &Recorder{flying: map[uint64][]flight{}, hosts: map[wire.ReplicaID]wire.NodeID{}, lives: map[wire.NodeID]int{}, reasons: map[int]wire.Reason{},
		asked: map[question]int{}, evictors: map[victim]int{}}
}

// Observe takes an event. It never ends the run.
func (r *Recorder) Observe(e *trace.Event, f *wire.Frame) bool {
	r.meet(e.Node)
	r.meet(e.Peer)
	switch e.Kind {
	case trace.Send, trace.Duplicate, trace.Deliver, trace.Drop:
		r.frame(e, f)
	case trace.Invoke, trace.Return:
		r.operation(e)
	case trace.Fault:
		r.moments = append(r.moments, sim.Moment{At: time.Duration(e.At), Text: e.Note})
		r.add(e, ui.Moment, ui.Event{Text: rounded(e.Note)})
	case trace.Evict:
		if v := (victim{e.B, e.At}); e.Term == 0 {
			if _, known := r.evictors[v]; !known {
				r.evictors[v] = host(e.Node)
			}
		}
	case trace.Violation, trace.Founded, trace.Held:
	default:
		r.state(e)
	}
	return false
}

// meet counts who takes part.
func (r *Recorder) meet(id wire.NodeID) {
	if id >= clientsFrom {
		r.clients = max(r.clients, int(id)-clientsFrom+1)
	} else {
		r.nodes = max(r.nodes, int(id))
	}
}

// host numbers hosts for the time of the run, when nobody knows yet how many nodes there are: nodes
// from 0, clients from -1 down. Recording makes lanes of them.
func host(id wire.NodeID) int {
	if id >= clientsFrom {
		return -1 - int(id-clientsFrom) - 1
	}
	return int(id) - 1
}

// add writes an event down.
func (r *Recorder) add(e *trace.Event, kind ui.Kind, u ui.Event) {
	u.At, u.Kind, u.Host = e.At, kind, host(e.Node)
	r.events = append(r.events, u)
}

// frame follows a frame from its sending to its end. Each copy is a message of its own.
func (r *Recorder) frame(e *trace.Event, f *wire.Frame) {
	under := r.flying[e.B]
	switch e.Kind {
	case trace.Send:
		m := ui.Message{From: host(e.Node), To: host(e.Peer)}
		r.describe(&m, f)
		r.depart(e, m)
	case trace.Duplicate:
		m := r.messages[under[0].message]
		m.Copy = true
		r.depart(e, m)
	case trace.Deliver:
		if len(under) > 0 {
			r.land(e, ui.Arrive, under)
		}
	case trace.Drop:
		if len(under) > 0 { // a frame to an address that nobody has was never sent
			r.land(e, ui.Lost, under)
		}
	}
}

func (r *Recorder) depart(e *trace.Event, m ui.Message) {
	r.flying[e.B] = append(r.flying[e.B], flight{len(r.messages)})
	r.add(e, ui.Send, ui.Event{Ref: len(r.messages)})
	r.messages, r.sentAt = append(r.messages, m), append(r.sentAt, e.At)
}

func (r *Recorder) land(e *trace.Event, kind ui.Kind, under []flight) {
	r.add(e, kind, ui.Event{Ref: under[0].message})
	if len(under) == 1 {
		delete(r.flying, e.B)
	} else {
		r.flying[e.B] = under[1:]
	}
}

// operation takes the beginning or the end of a client's operation. The prober's questions have no
// number.
func (r *Recorder) operation(e *trace.Event) {
	if e.Kind == trace.Return {
		r.reasons[int(e.A)] = wire.Reason(e.Index)
		r.add(e, ui.Return, ui.Event{Ref: int(e.A)})
		return
	}
	if e.A == 0 {
		r.probes = append(r.probes, probe{len(r.events), e.At, e.Node, e.B})
	}
	r.add(e, ui.Invoke, ui.Event{Ref: int(e.A)})
}

// printOf is the simulator's print of a key (FNV-1a), by which a probe is known.
func printOf(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return h.Sum64()
}

// state takes an event that changes what a node is.
func (r *Recorder) state(e *trace.Event) {
	u := ui.Event{Shard: int(e.Shard), Term: e.Term, Index: e.Index, A: int64(e.A), Text: e.Note}
	if e.Replica != 0 {
		r.hosts[e.Replica] = e.Node
	}
	switch e.Kind {
	case trace.Role:
		u.B = int64(r.hosts[wire.ReplicaID(e.B)])
		r.add(e, ui.Role, u)
	case trace.Apply:
		u.A, u.Text = 0, fmt.Sprintf("%04x", e.A>>48) // the head of the digest tells two apart
		r.add(e, ui.Apply, u)
	case trace.Conf:
		u.Text = r.configuration(e.Note)
		r.add(e, ui.Conf, u)
	case trace.Lease:
		r.add(e, ui.Lease, u)
	case trace.Snapshot:
		u.B = int64(r.hosts[wire.ReplicaID(e.B)])
		r.add(e, ui.Snapshot, u)
	case trace.Map:
		r.add(e, ui.Map, u)
	case trace.Member:
		r.add(e, ui.Member, u)
	case trace.Crash, trace.Restart:
		if e.Kind == trace.Restart {
			r.lives[e.Node]++
		}
		kind := ui.Crash
		if e.Kind == trace.Restart {
			kind = ui.Restart
		}
		r.add(e, kind, ui.Event{Text: fmt.Sprintf("life %d, incarnation %d", r.lives[e.Node], e.A)})
	case trace.Pause:
		r.add(e, ui.Pause, u)
	case trace.Resume:
		r.add(e, ui.Resume, u)
	case trace.Cut:
		r.add(e, ui.Cut, ui.Event{A: int64(host(e.Peer))})
	case trace.Mend:
		r.add(e, ui.Mend, ui.Event{A: int64(host(e.Peer))})
	}
}
