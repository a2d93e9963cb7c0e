package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"torc/cmd/internal/config"
	"torc/cmd/internal/node"
	"torc/cmd/internal/release"
)

// stopWithin is how long a polite stop may take.
const stopWithin = 4 * time.Second

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

func run(args, environ []string, stdout, stderr io.Writer) int {
	cfg, err := config.Load(args, environ)
	switch {
	case errors.Is(err, config.ErrHelp):
		_, _ = fmt.Fprint(stdout, config.Usage())
		return 0
	case errors.Is(err, config.ErrVersion):
		_, _ = fmt.Fprintln(stdout, "torcd", release.Version())
		return 0
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "torcd: %v\n", err)
		return 1
	}
	logger := newLogger(cfg, stderr)
	slog.SetDefault(logger)
	if names := config.Ignored(environ); len(names) > 0 {
		logger.Warn("variables that Kubernetes makes of a service's name are ignored: say enableServiceLinks: false in the pod's spec", "variables", names)
	}
	node.LimitHeap(cfg, environ)
	node.SampleAllocations(cfg)
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	n, err := node.Start(cfg, logger)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "torcd: %v\n", err)
		return 1
	}
	self := n.Self()
	logger.Info("started", "node", self.Name, "incarnation", uint64(self.Incarnation), "resp", self.RESPAddr, "grpc", self.GRPCAddr, "peer", self.PeerAddr, "admin", cfg.Admin)
	return serve(n, stop, cfg.WhenDrained == "exit", logger)
}

// serve waits for the end, and brings it about.
func serve(n *node.Node, stop <-chan os.Signal, endsDrained bool, logger *slog.Logger) int {
	waiting, ready := context.WithCancel(context.Background())
	go func() {
		if n.WaitReady(waiting) == nil {
			self := n.Self()
			logger.Info("ready", "resp", self.RESPAddr, "grpc", self.GRPCAddr, "peer", self.PeerAddr)
		}
	}()
	code, drained := 0, n.Left()
	if !endsDrained {
		drained = nil
	}
	select {
	case <-ends(stop, logger):
		logger.Info("stopping: leaderships are handed over")
	case <-drained:
		logger.Info("stopping: this node was drained")
	case err := <-n.Failed():
		logger.Error("cannot go on", slog.Any("error", err))
		code = 2
	}
	ready()
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		logger.Warn("the stop was cut short", slog.Any("error", err))
	}
	logger.Info("stopped")
	return code
}

// ends is closed by a signal that ends the node. SIGHUP does not: to many it means that settings are to be read anew, and a
// node that it ended would have lost its memory for that. But a node on a terminal ends with it, politely.
func ends(signals <-chan os.Signal, logger *slog.Logger) <-chan struct{} {
	end := make(chan struct{})
	go func() {
		defer close(end)
		for s := range signals {
			if s != syscall.SIGHUP || term.IsTerminal(int(os.Stderr.Fd())) {
				return
			}
			logger.Info("SIGHUP: there is nothing to do. Certificates are read by themselves when they change, all else when torcd starts")
		}
	}()
	return end
}

func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // config has checked it
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
