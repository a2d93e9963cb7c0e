package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	torcv1 "torc/api/v1"
	"torc/net/buffers"
	"torc/net/sock"
)

// What gRPC holds of one connection before anybody of ours hears of it.
const (
	streamsMax = 1024     // calls at a time; clients keep further ones back
	headersMax = 64 << 10 // bytes of a call's metadata

	streamWindow = 64 << 10 // bytes of whole messages that wait on a stream until it is read,
	connWindow   = 4 << 20  // and of all that is on its way; gRPC keeps none of it waiting for that
)

// Server serves Torc's clients on one address.
type Server struct {
	torcv1.UnimplementedCacheServer
	opts    Options
	backend Backend
	log     *slog.Logger
	ln      net.Listener
	server  *grpc.Server
	stats   stats

	buffered, expected atomic.Int64 // bytes of all streams (and buffered: of calls): see crowd.go
	callers            callers
	arrivals           *arrivals // nil: there is no bound
	mu                 sync.Mutex
	streams            map[*conversation]struct{}

	closing chan struct{} // closed: streams finish what they owe and end
	once    sync.Once
}

// Listen takes the address; Serve begins to answer on it. When the port is taken the error
// names it, and the flag that changes it.
func Listen(opts Options, b Backend) (*Server, error) {
	opts = opts.withDefaults()
	ln, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, listenError(opts, err)
	}
	s := &Server{
		opts: opts, backend: b, log: opts.Logger, closing: make(chan struct{}),
		ln: netutil.LimitListener(sock.Listener(ln), opts.ConnectionsMax),
	}
	if opts.BuffersMax > 0 {
		s.countArrivals()
	}
	s.callers.guesses = newGuesses()
	s.server = grpc.NewServer(s.serverOptions()...)
	torcv1.RegisterCacheServer(s.server, s)
	torcv1.RegisterAdminServer(s.server, clerk{s: s})
	reflection.Register(s.server) // so that grpcurl and its like need no .proto files
	return s, nil
}

// countArrivals bounds what connections hold of messages that have come in part.
func (s *Server) countArrivals() {
	s.arrivals = newArrivals(s.opts.BuffersMax, s.log)
	if s.opts.TLS != nil {
		s.opts.TLS = arrivalCreds{s.opts.TLS, s.arrivals}
	} else {
		s.ln = arrivalListener{s.ln, s.arrivals}
	}
}

func (s *Server) serverOptions() []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(s.opts.messageMax()),
		buffers.ForServer(),
		grpc.ForceServerCodecV2(callCodec{}),
		grpc.MaxConcurrentStreams(streamsMax),
		grpc.MaxHeaderListSize(headersMax),
		grpc.StreamInterceptor(s.askStream),
		grpc.UnaryInterceptor(s.askUnary),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
	if s.arrivals != nil {
		options = append(options, grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connWindow))
	}
	if s.opts.TLS != nil {
		options = append(options, grpc.Creds(s.opts.TLS))
	}
	return options
}

// Addr is the address the server listens on.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Serve accepts connections until Close. It returns nil after Close, an error when the
// listener broke.
func (s *Server) Serve() error {
	if err := s.server.Serve(s.ln); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("grpcapi: serve on %s: %w", s.Addr(), err)
	}
	return nil
}

// Close accepts nothing new, answers what is in flight and ends. When ctx ends first it ends
// at once: what was in flight is unknown to its senders.
func (s *Server) Close(ctx context.Context) error {
	s.once.Do(func() { close(s.closing) })
	done := make(chan struct{})
	go func() {
		s.server.GracefulStop()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("grpcapi: close: %w", ctx.Err())
		s.server.Stop()
		<-done
	}
	_ = s.ln.Close() // the server has closed it already if it ever served
	return err
}

func listenError(opts Options, err error) error {
	_, port, splitErr := net.SplitHostPort(opts.Addr)
	switch {
	case splitErr != nil:
		return fmt.Errorf("grpcapi: listen on %q (%s): want host:port: %w", opts.Addr, opts.Flag, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("grpcapi: listen on %s: port %s is taken: stop what listens there, or choose another port for gRPC clients with %s: %w",
			opts.Addr, port, opts.Flag, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("grpcapi: listen on %s: port %s needs privileges: choose one above 1023 with %s: %w", opts.Addr, port, opts.Flag, err)
	}
	return fmt.Errorf("grpcapi: listen on %s (%s): %w", opts.Addr, opts.Flag, err)
}
