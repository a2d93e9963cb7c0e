package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"torc/bench/peers/peer"
	"torc/bench/peers/report"
)

type options struct {
	mode      string
	out       string
	from      string
	root      string
	etcd      string
	noInstall bool
}

func main() {
	var o options
	quickly := flag.Bool("quick", false, "under 2 minutes: what the aims speak of, briefly; the figures are rough")
	flag.StringVar(&o.out, "out", "docs/benchmarks", "write table.md, the pictures and results.json into this `folder`")
	flag.StringVar(&o.from, "from", "", "measure nothing: draw what this results.json `file` holds")
	flag.StringVar(&o.root, "torc", ".", "Torc's source tree, a `folder`")
	flag.StringVar(&o.etcd, "etcd-data", "", "a `folder` for etcd's data, such as /dev/shm to spare it the disk (default: the system's for temporary files)")
	flag.BoolVar(&o.noInstall, "no-install", false, "leave out peers that are not installed, even where they could be")
	overloaded := flag.Bool("overload", false, "instead of all that: what becomes of Torc that is asked for three times what it can do")
	flag.Parse()
	o.mode = "full"
	if *quickly {
		o.mode = "quick"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	run := o.run
	if *overloaded {
		run = func(ctx context.Context) error { return o.overload(ctx, os.Stdout, newProgress()) }
	}
	err := run(ctx)
	stop()
	if errors.Is(err, context.Canceled) {
		err = errors.New("stopped: nothing was written")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench-peers: %v\n", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is no flag: see --help", flag.Arg(0))
	}
	if o.from != "" {
		return o.redraw()
	}
	shown := newProgress()
	run, err := o.measure(ctx, shown)
	shown.end()
	if err != nil {
		return err
	}
	if err := write(run, o.out); err != nil {
		return err
	}
	if plans[o.mode].History {
		if err := report.AddHistory(filepath.Join(o.out, "history.md"), run); err != nil {
			return err
		}
	}
	if err := run.Table(os.Stdout); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "written to %s, in %v\n", o.out, run.Took.Round(time.Second))
	return nil
}

func (o options) redraw() error {
	text, err := os.ReadFile(o.from)
	if err != nil {
		return err
	}
	var run report.Run
	if err := json.Unmarshal(text, &run); err != nil {
		return fmt.Errorf("%s: %w", o.from, err)
	}
	return write(&run, o.out)
}

// measure starts everything, measures and stops it again.
func (o options) measure(ctx context.Context, shown *progress) (*report.Run, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, err
	}
	run := &report.Run{Began: time.Now(), Mode: o.mode, Commit: commit(root), Machine: machine()}
	dir, err := os.MkdirTemp("", "torc-bench-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is in the system's folder for temporary files
	install := &installer{forbidden: o.noInstall, shown: shown}
	shown.say("start the peers")
	starting, cancel := context.WithTimeout(ctx, 5*time.Minute) // building torcd is a part of it
	servers, peers, out, err := peer.Start(starting, peer.Options{Dir: dir, Etcd: o.etcd, Root: root}, install.find)
	cancel()
	defer func() {
		for _, s := range servers {
			s.Stop()
		}
	}()
	if err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	for _, why := range out {
		fmt.Fprintf(os.Stderr, "left out: %s\n", why)
	}
	run.Peers, run.LeftOut = peers, out
	b := newBench(plans[o.mode], peers, shown)
	run.Rounds, shown.plan = b.plan.Rounds, b.plan
	shown.say("see what they take when nobody asks")
	if run.Idle, err = idle(ctx, servers, b.plan.Idle); err != nil {
		return nil, err
	}
	if err := b.fill(ctx); err != nil {
		return nil, err
	}
	if run.Samples, err = b.rounds(ctx); err != nil {
		return nil, err
	}
	run.Took = time.Since(run.Began)
	return run, nil
}

// write saves a run and what is drawn of it.
func write(run *report.Run, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(run, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "results.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return run.Save(out)
}
