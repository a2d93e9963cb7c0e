package grpcapi

import (
	"context"
	"runtime"
	"strings"
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
// Held includes, guessed by the length of recent ones, the answer that a call will have. One call is always taken. What operators ask
// (Status, Topology, Admin) is short, and answered in any case.

var errCallers = definite(codes.ResourceExhausted, "OVERLOADED", "not applied: the buffers of all clients of this node are full: ask for less at a time, read answers sooner, or give the node more --max-memory")

// callers is what calls hold.
type callers struct {
	holds  atomic.Int64
	unsent atomic.Int64 // of that: answers that gRPC has not yet written
	guess  atomic.Int64 // bytes of an answer, as the recent ones were
}

func (s *Server) hold(bytes int64) {
	s.callers.holds.Add(bytes)
	s.buffered.Add(bytes)
}

// admitCall takes a call in, and returns what to do when it is answered.
func (s *Server) admitCall(method string, req any) (over func(), err error) {
	most := int64(s.opts.BuffersMax)
	m, isMessage := req.(proto.Message)
	if most <= 0 || !isMessage || !strings.HasPrefix(method, "/"+torcv1.Cache_ServiceDesc.ServiceName+"/") {
		return func() {}, nil
	}
	switch method {
	case torcv1.Cache_Status_FullMethodName, torcv1.Cache_Topology_FullMethodName:
		return func() {}, nil
	}
	size := int64(proto.Size(m)) + s.callers.guess.Load()
	others := s.callers.holds.Load()
	s.hold(size)
	if others > 0 && (s.callers.holds.Load() > most || s.buffered.Load() > 2*most) {
		s.hold(-size)
		return nil, errCallers
	}
	return func() { s.hold(-size) }, nil
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
	s.learnAnswer(size)
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

// learnAnswer adjusts the guess at an answer's size: up at once, down slowly.
func (s *Server) learnAnswer(size int64) {
	before := s.callers.guess.Load()
	s.callers.guess.Store(max(size, before-before/16))
}

// answered is an answer that counts, on its way through gRPC to the codec.
type answered struct {
	message proto.Message
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
