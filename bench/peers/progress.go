package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"torc/bench/peers/report"
)

// progress tells on standard error how far a run is: on a terminal one line that changes, else a line for each cell.
type progress struct {
	terminal bool
	quiet    bool
	plan     Plan
	done     time.Duration // of what the plan's cells take
}

func newProgress() *progress { return &progress{terminal: term.IsTerminal(int(os.Stderr.Fd()))} }

// say tells of a step.
func (p *progress) say(format string, args ...any) {
	switch text := fmt.Sprintf(format, args...); {
	case p.quiet:
	case p.terminal:
		fmt.Fprintf(os.Stderr, "\r\x1b[K\x1b[2m%s\x1b[0m", text)
	default:
		fmt.Fprintln(os.Stderr, text)
	}
}

// sample tells of a figure.
func (p *progress) sample(round, index int, c Cell, s report.Sample) {
	t := p.plan.times(c)
	p.done += t.Warm + t.Measure + around
	left := (p.plan.takes() - p.done).Round(time.Second)
	text := fmt.Sprintf("round %d/%d, cell %d/%d: %s", round+1, p.plan.Rounds, index+1, len(p.plan.Cells), c.Shape)
	figure := fmt.Sprintf("%-16s %9.0f/s  p99 %v", s.Peer, s.Result.PerSecond, s.Result.P99.Round(time.Microsecond))
	if s.Result.Errors > 0 {
		figure += fmt.Sprintf("  %d errors: %s", s.Result.Errors, s.Result.Error)
	}
	switch {
	case p.quiet:
	case p.terminal:
		fmt.Fprintf(os.Stderr, "\r\x1b[K\x1b[2m%s\x1b[0m  %s  \x1b[2m%v left\x1b[0m", text, figure, left)
	default:
		fmt.Fprintf(os.Stderr, "%s  %s  %v left\n", text, figure, left)
	}
}

// end leaves the line.
func (p *progress) end() {
	if p.terminal && !p.quiet {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
}
