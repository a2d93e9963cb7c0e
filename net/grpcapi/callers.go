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

var errCallers = definite(codes.ResourceExhausted, "OVERLOADED", "not applied: the buffers of all clients of this node are full: ask for less at a time, read answers sooner, or give the node more --max-memory")

// callers is what calls hold.
type callers struct {
	holds   atomic.Int64
	unsent  atomic.Int64             // of that: answers that gRPC has not yet written
	owed    atomic.Int64             // beside that: answers to come, as they were guessed
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

// admitCall takes a call in, and returns what to do when it is answered.
func (s *Server) admitCall(method string, req any) (over func(), err error) {
	most := int64(s.opts.BuffersMax)
	m, isMessage := req.(proto.Message)
	recent := s.callers.guesses[method]
	if most <= 0 || !isMessage || recent == nil {
		return func() {}, nil
	}
	size, guess := int64(proto.Size(m)), recent.Load()
	others := s.callers.holds.Load() + s.callers.owed.Load()
	s.hold(size)
	owed := s.callers.owed.Add(guess)
	over = func() {
		s.hold(-size)
		s.callers.owed.Add(-guess)
	}
	if others > 0 && (s.callers.holds.Load()+owed > most || s.buffered.Load()+owed > 2*most) {
		over()
		return nil, errCallers
	}
	return over, nil
}

// takeCall runs a call, if there is room for it and for what it is answered with.
func (s *Server) takeCall(ctx context.Context, method string, req any, next func(context.Context, any) (any, error)) (any, error) {
	over, err := s.admitCall(method, req)
	if err != nil {
		return nil, err
	}
	resp, err := next(ctx, req)
	over()
	if err != nil {
		return nil, err
	}
	return s.counted(method, resp)
}

// countedLeast is from which length on an answer is counted; gRPC does not say of very short ones when it has written them.
const countedLeast = 4 << 10

// counted makes an answer count. When it is more than there is room for, whatever was guessed, it is refused; but only what was read may be
// refused now.
func (s *Server) counted(method string, resp any) (any, error) {
	m, isMessage := resp.(proto.Message)
	most := int64(s.opts.BuffersMax)
	if !isMessage || most <= 0 {
		return resp, nil
	}
	size := int64(proto.Size(m))
	if recent := s.callers.guesses[method]; recent != nil {
		learnAnswer(recent, size)
	}
	if size < countedLeast {
		return resp, nil
	}
	c := &count{server: s, bytes: size}
	s.hold(size)
	all := s.callers.unsent.Add(size)
	if all > most && all > size && (method == torcv1.Cache_Get_FullMethodName || method == torcv1.Cache_GetMany_FullMethodName) {
		c.over()
		return nil, errCallers
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
	done   atomic.Bool
}

func (c *count) over() {
	if !c.done.Swap(true) {
		c.server.callers.unsent.Add(-c.bytes)
		c.server.hold(-c.bytes)
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
