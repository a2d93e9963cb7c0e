package sim

import "torc/core/wire"

// eventKind says what an event does when its time has come.
type eventKind uint8

const (
	evPacket eventKind = iota + 1 // a packet arrives at an endpoint
	evTimer                       // a lane's or a client's timer rings
	evTurn                        // a lane works off its inbox
	evSwim                        // a node's failure detector takes a round
	evThread                      // a client's thread takes its next operation
	evExpire                      // a plain client stops waiting for an answer
	evCall                        // the world's own business: script, phases (rare)
)

// event is one thing that will happen. Events are pooled; which fields count depends on kind.
type event struct {
	kind   eventKind
	port   port
	lane   int16
	to     int32  // endpoint
	from   int32  // endpoint
	life   uint32 // of the node; an event for another life is void
	number uint64 // of the frame; of the operation
	local  int64  // evTimer: what the node's clock must show
	frame  *wire.Frame
	bytes  []byte // the frame in its binary form, when the codec is in play
	fn     func()
}

// slot is an event's place in the heap. Time and number sit beside the pointer so that
// comparing needs no second cache line.
type slot struct {
	at     int64
	number uint64
	event  *event
}

func (a slot) before(b slot) bool {
	return a.at < b.at || a.at == b.at && a.number < b.number
}

// behind makes an event come after all clients' and the world's own that are due at the same nanosecond. A run that is drawn puts those on the
// agenda as it goes, its plan all of them at the beginning, and both are to be one run.
const behind = 1 << 63

// agenda is a binary heap of slots, the earliest first.
type agenda struct {
	slots []slot
	next  uint64
	spare []*event
}

// add puts an event on the agenda and returns it to be filled.
func (a *agenda) add(at int64, kind eventKind) *event {
	e := a.take()
	e.kind = kind
	a.next++
	s := slot{at: at, number: a.next, event: e}
	if kind != evThread && kind != evCall {
		s.number |= behind
	}
	a.slots = append(a.slots, s)
	i := len(a.slots) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !s.before(a.slots[parent]) {
			break
		}
		a.slots[i] = a.slots[parent]
		i = parent
	}
	a.slots[i] = s
	return e
}

// pop takes the earliest event off. The caller gives it back by recycle.
func (a *agenda) pop() (at int64, e *event) {
	top := a.slots[0]
	last := len(a.slots) - 1
	s := a.slots[last]
	a.slots[last] = slot{}
	a.slots = a.slots[:last]
	if last > 0 {
		a.sink(s)
	}
	return top.at, top.event
}

// sink puts s at the top and lets it down to its place.
func (a *agenda) sink(s slot) {
	i, n := 0, len(a.slots)
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && a.slots[child+1].before(a.slots[child]) {
			child++
		}
		if !a.slots[child].before(s) {
			break
		}
		a.slots[i] = a.slots[child]
		i = child
	}
	a.slots[i] = s
}

func (a *agenda) take() *event {
	n := len(a.spare)
	if n == 0 {
		return new(event)
	}
	e := a.spare[n-1]
	a.spare = a.spare[:n-1]
	return e
}

func (a *agenda) recycle(e *event) {
	*e = event{}
	a.spare = append(a.spare, e)
}
