package grpcapi

import (
	"context"
	"runtime"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	torcv1 "torc/api/v1"
)

// Callers of single methods (Get, SetMany, ...) hold memory as streams do (crowd.go): a request until it is answered, an answer until gRPC
// has written it, which a client that does not read can put off. They cannot be stopped from asking, so what is too much is refused:
//
//	held by calls > BuffersMax     a call is refused, surely not applied
//	held by all > 2*BuffersMax     likewise
//
// Held includes here, guessed by the length of the method's recent ones, the answer that a call will have. A guess refuses calls, no more: what it
// stands for is nowhere yet, so it is no part of Buffered, for which streams are ended (crowd.go). One call is always taken. What operators ask
// (Status, Topology, Admin) is short, and answered in any case.
//
// A large call finds room only in a gap of its own length, and calls that come one after the other leave none: it would be refused for as long as
// others ask anything at all. So one large call at a time stands apart, from when it is taken until its answer is written, and counts for nothing in these
// two rules: as one value may always be there for a stream, however long.

var errCallers = definite(codes.ResourceExhausted, "OVERLOADED", "not applied: the buffers of all clients of this node are full: ask for less at a time, read answers sooner, or give the node more --max-memory")

// callers is what calls hold.
type callers struct {
	holds   atomic.Int64
	unsent  atomic.Int64             // of that: answers that gRPC has not yet written, but for one that stands apart
	owed    atomic.Int64             // beside that: answers to come, as they were guessed
	apart   atomic.Int64             // of these: the call that stands apart; 0: there is none
	guesses map[string]*atomic.Int64 // by method, of those that are bounded: bytes of an answer, as its recent ones were
}

// newGuesses has a guess for each method but the operators'. One for all would take the answer of a Set for as long as values that others
// read.
func newGuesses() map[string]*atomic.Int64 {
	guesses := map[string]*atomic.Int64{}
	for _, m := range torcv1.Cache_ServiceDesc.Methods {
		guesses["/"+torcv1.Cache_ServiceDesc.ServiceName+"/"+m.MethodName] = new(atomic.Int64)
	}
	delete(guesses, torcv1.Cache_Status_FullMethodName)
	delete(guesses, torcv1.Cache_Topology_FullMethodName)
	return guesses
}

func (s *Server) hold(bytes int64) {
	s.callers.holds.Add(bytes)
	s.buffered.Add(bytes)
}

// admitCall takes a call in, and returns what to do when it is answered, and whether it stands apart.
func (s *Server) admitCall(method string, req any) (over func(), apart bool, err error) {
	most := int64(s.opts.BuffersMax)
	m, isMessage := req.(proto.Message)
	recent := s.callers.guesses[method]
	if most <= 0 || !isMessage || recent == nil {
		return func() {}, false, nil
	}
	size, guess := int64(proto.Size(m)), recent.Load()
	others := s.callers.holds.Load() + s.callers.owed.Load()
	s.hold(size)
	s.callers.owed.Add(guess)
	over = func() {
		s.hold(-size)
		s.callers.owed.Add(-guess)
	}
	switch {
	case s.fitsCall(most):
	case s.standApart(size + guess):
		return over, true, nil
	case others > 0:
		over()
		return nil, false, errCallers
	}
	return over, false, nil
}

// fitsCall says that there is room for what calls hold, and all.
func (s *Server) fitsCall(most int64) bool {
	counts := s.callers.owed.Load() - s.callers.apart.Load()
	return s.callers.holds.Load()+counts <= most && s.buffered.Load()+counts <= 2*most
}

// largeCall is which part of BuffersMax a call takes at least that may stand apart. Shorter ones find a gap when they come again.
const largeCall = 8

// standApart takes the one place apart for a call of so many bytes, if it is large and the place is free.
func (s *Server) standApart(bytes int64) bool {
	return bytes > int64(s.opts.BuffersMax)/largeCall && s.callers.apart.CompareAndSwap(0, bytes)
}

// takeCall runs a call, if there is room for it and for what it is answered with.
func (s *Server) takeCall(ctx context.Context, method string, req any, next func(context.Context, any) (any, error)) (any, error) {
	over, apart, err := s.admitCall(method, req)
	if err != nil {
		return nil, err
	}
	resp, err := next(ctx, req)
	if apart {
		s.callers.apart.Store(1) // the place is kept for the answer
	}
	over()
	if err != nil {
		if apart {
			s.callers.apart.Store(0)
		}
		return nil, err
	}
	return s.counted(method, resp, apart)
}

// countedLeast is from which length on an answer is counted; gRPC does not say of very short ones when it has written them.
const countedLeast = 4 << 10

// counted makes an answer count. When it is more than there is room for, whatever was guessed, it is refused; but only what was read may be
// refused now.
func (s *Server) counted(method string, resp any, apart bool) (any, error) {
	c := &count{server: s, apart: apart}
	m, isMessage := resp.(proto.Message)
	most := int64(s.opts.BuffersMax)
	if !isMessage || most <= 0 {
		return resp, nil
	}
	c.bytes = int64(proto.Size(m))
	if recent := s.callers.guesses[method]; recent != nil {
		learnAnswer(recent, c.bytes)
	}
	if c.bytes < countedLeast {
		c.leave()
		return resp, nil
	}
	s.hold(c.bytes)
	if c.apart {
		s.callers.apart.Store(c.bytes)
	} else if all := s.callers.unsent.Add(c.bytes); all > most && all > c.bytes {
		if c.apart = s.standApart(c.bytes); c.apart {
			s.callers.unsent.Add(-c.bytes)
		} else if method == torcv1.Cache_Get_FullMethodName || method == torcv1.Cache_GetMany_FullMethodName {
			c.over()
			return nil, errCallers
		}
	}
	a := &answered{message: m, count: c}
	// When a connection breaks gRPC leaves some of what it had for it to the collector.
	runtime.AddCleanup(a, (*count).over, c)
	return a, nil
}

// learnAnswer adjusts the guess at a method's answers: up at once, down slowly.
func learnAnswer(guess *atomic.Int64, size int64) {
	before := guess.Load()
	guess.Store(max(size, before-before/16))
}

// answered is an answer that counts, on its way through gRPC to the codec.
type answered struct {
	message proto.Message // until it is coded
	count   *count
}

// count is what an answer counts for, until it is over.
type count struct {
	server *Server
	bytes  int64
	apart  bool // it stands apart, and is no part of unsent
	done   atomic.Bool
}

func (c *count) over() {
	if c.done.Swap(true) {
		return
	}
	if !c.apart {
		c.server.callers.unsent.Add(-c.bytes)
	}
	c.server.hold(-c.bytes)
	c.leave()
}

// leave gives the place apart to who comes next.
func (c *count) leave() {
	if c.apart {
		c.server.callers.apart.Store(0)
	}
}

// callCodec hears when gRPC is done with the answers that count.
type callCodec struct{ torcv1.Codec }

// Marshal codes a message.
func (c callCodec) Marshal(v any) (mem.BufferSlice, error) {
	a, counts := v.(*answered)
	if !counts {
		return c.Codec.Marshal(v)
	}
	coded, err := c.Codec.Marshal(a.message)
	a.message = nil // its values are copied: nobody need keep them until those are written, and what counts once would be there twice
	if err != nil {
		a.count.over()
		return nil, err
	}
	if len(coded) > 1 {
		whole := mem.BufferSlice{coded.MaterializeToBuffer(mem.DefaultBufferPool())}
		coded.Free()
		coded = whole
	}
	bytes := coded[0].ReadOnlyData()
	return mem.BufferSlice{mem.NewBuffer(&bytes, &unwritten{of: a, coded: coded})}, nil
}

// unwritten is an answer in gRPC's hands, which is given back as to a pool.
type unwritten struct {
	of    *answered // which counts as long as this is there
	coded mem.BufferSlice
}

// Get is part of mem.BufferPool.
func (w *unwritten) Get(n int) *[]byte { return mem.DefaultBufferPool().Get(n) }

// Put says that gRPC is done with the answer.
func (w *unwritten) Put(*[]byte) {
	w.coded.Free()
	w.of.count.over()
}
