package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options shapes a server. A function that is nil is not asked: healthy, ready, no status.
type Options struct {
	Addr string // host:port to listen on
	Flag string // the flag that sets Addr, for error texts; --admin-addr

	Health   func(context.Context) error        // nil while the node's loops answer
	Ready    func(context.Context) error        // nil while the node can serve
	Status   func(context.Context) (any, error) // put into JSON
	Samples  func() []Sample                    // the node's own metrics, beside those of the Go runtime and the process
	Profiles bool                               // serves profiles and traces
	Flight   func() ([]byte, error)             // the last seconds, as an execution trace

	Timeout time.Duration // for one question to the node; 2 s
	Logger  *slog.Logger  // nil takes slog.Default()
}

// Server is the HTTP server.
type Server struct {
	opts Options
	ln   net.Listener
	http *http.Server
}

// Listen takes the address; Serve begins to answer on it. When the port is taken the error
// names it, and the flag that changes it.
func Listen(opts Options) (*Server, error) {
	if opts.Flag == "" {
		opts.Flag = "--admin-addr"
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 2 * time.Second
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	ln, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, listenError(opts, err)
	}
	s := &Server{opts: opts, ln: ln}
	s.http = &http.Server{
		Handler:           readOnly(s.routes()),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Addr is the address the server listens on.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Serve answers until Close. It returns nil after Close, an error when the listener broke.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: serve on %s: %w", s.Addr(), err)
	}
	return nil
}

// Close answers what was asked and ends; when ctx ends first it ends at once.
func (s *Server) Close(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
		return fmt.Errorf("admin: close: %w", err)
	}
	_ = s.ln.Close() // the server has closed it already if it ever served
	return nil
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", s.index)
	mux.HandleFunc("/healthz", s.verdict(s.opts.Health))
	mux.HandleFunc("/readyz", s.verdict(s.opts.Ready))
	mux.HandleFunc("/status", s.status)
	mux.Handle("/metrics", promhttp.HandlerFor(s.registry(), promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelWarn), MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	}))
	if s.opts.Flight != nil {
		mux.HandleFunc("/debug/flight", s.flight)
	}
	if s.opts.Profiles {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", program)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// program answers with the program's name in the place of the whole command line: that may hold --password or
// --cluster-secret, and nobody is asked for anything here.
func program(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprint(w, os.Args[0])
}

func (s *Server) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s.opts.Samples != nil {
		r.MustRegister(collector{s.opts.Samples})
	}
	return r
}

// index tells who comes without knowing what for what there is.
func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprint(w, "a node of Torc\n\n/healthz  do its loops answer?\n/readyz   can it serve?\n/metrics  for Prometheus\n/status   JSON: itself and the others, as it sees them\n")
	if s.opts.Profiles {
		_, _ = fmt.Fprint(w, "/debug/pprof/  profiles\n")
	}
	if s.opts.Flight != nil {
		_, _ = fmt.Fprint(w, "/debug/flight  the last seconds as an execution trace\n")
	}
}

// verdict answers 200 ok, or 503 with what is wrong.
func (s *Server) verdict(ask func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.opts.Timeout)
		defer cancel()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if ask != nil {
			if err := ask(ctx); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = fmt.Fprintln(w, err)
				return
			}
		}
		_, _ = fmt.Fprintln(w, "ok")
	}
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if s.opts.Status == nil {
		http.NotFound(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.Timeout)
	defer cancel()
	status, err := s.opts.Status(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	body, err := json.MarshalIndent(status, "", "  ")
	if err != nil {
		http.Error(w, "status does not encode: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n'))
}

// flight sends the last seconds.
func (s *Server) flight(w http.ResponseWriter, _ *http.Request) {
	kept, err := s.opts.Flight()
	if err != nil {
		http.Error(w, fmt.Sprintf("the flight recorder does not run: %v", err), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="torc-flight.trace"`)
	_, _ = w.Write(kept) // who asked may have gone
}

// readOnly lets only questions pass.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func listenError(opts Options, err error) error {
	_, port, splitErr := net.SplitHostPort(opts.Addr)
	switch {
	case splitErr != nil:
		return fmt.Errorf("admin: listen on %q (%s): want host:port: %w", opts.Addr, opts.Flag, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("admin: listen on %s: port %s is taken: stop what listens there, or choose another port for HTTP with %s: %w",
			opts.Addr, port, opts.Flag, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("admin: listen on %s: port %s needs privileges: choose one above 1023 with %s: %w", opts.Addr, port, opts.Flag, err)
	}
	return fmt.Errorf("admin: listen on %s (%s): %w", opts.Addr, opts.Flag, err)
}
