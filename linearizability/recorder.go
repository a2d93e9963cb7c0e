package linearizability

import "sync"

// Recorder collects a history while it happens. It may be used by many goroutines; an
// invocation must be recorded before the request is sent and a return after the answer has
// arrived, both with times of the same clock. Recording an operation costs about as much as
// appending it to a slice.
type Recorder struct {
	mu  sync.Mutex
	ops []Operation
}

// NewRecorder makes an empty recorder with room for some operations.
func NewRecorder(room int) *Recorder { return &Recorder{ops: make([]Operation, 0, room)} }

// Invoke records that a client is about to send an operation and names it (1, 2, 3 ...).
// Until Return is called the operation's outcome is Unknown.
func (r *Recorder) Invoke(client int, at int64, kind Kind, key string, in Input) (id int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id = len(r.ops) + 1
	r.ops = append(r.ops, Operation{
		ID: id, Client: client, Call: at, Return: Open, Kind: kind, Key: key, In: in, Outcome: Unknown,
	})
	return id
}

// Call is what one operation of a batch asks for.
type Call struct {
	Kind Kind
	Key  string
	In   Input
}

// InvokeBatch records that a client is about to send several operations as one message, which
// the system promises to do as one (see Operation.Batch). They are named first, first+1 ... in
// the order of calls; each gets its own Return, and a message without an answer needs none.
func (r *Recorder) InvokeBatch(client int, at int64, calls []Call) (first int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first = len(r.ops) + 1
	for i, call := range calls {
		r.ops = append(r.ops, Operation{
			ID: first + i, Client: client, Call: at, Return: Open, Kind: call.Kind, Key: call.Key, In: call.In, Outcome: Unknown, Batch: first,
		})
	}
	return first
}

// Return records what became of an operation. The first definite word counts. Unknown leaves
// the operation open, because giving up is not the end of its effect; a definite answer that
// arrives later is still recorded, it is only more knowledge.
func (r *Recorder) Return(id int, at int64, outcome Outcome, out Output) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id < 1 || id > len(r.ops) {
		return
	}
	op := &r.ops[id-1]
	if op.Outcome != Unknown || outcome == Unknown {
		return
	}
	op.Return, op.Outcome, op.Out = at, outcome, out
}

// Evict records that the system gave a version of a key up at an instant, to make room.
func (r *Recorder) Evict(at int64, key string, version uint64) (id int) {
	id = r.Invoke(0, at, Evict, key, Input{Version: version})
	r.Return(id, at, OK, Output{})
	return id
}

// Len is the number of operations invoked so far.
func (r *Recorder) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ops)
}

// History is a copy of what has been recorded; operations still under way are Unknown.
func (r *Recorder) History() *History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &History{Ops: append([]Operation(nil), r.ops...)}
}
