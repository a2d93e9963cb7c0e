package sim

import (
	"fmt"
	"io"
	"strings"
	"time"

	"torc/core/wire"
)

// Replay is the command that makes the same run again.
func (r *Result) Replay() string {
	if r.File != "" {
		return r.replayFile()
	}
	cmd := fmt.Sprintf("make sim SEED=%d SCENARIO=%s", r.Seed, r.Scenario)
	if r.Mutant != "" {
		cmd += " MUTANT=" + r.Mutant
	}
	if r.Duration != 0 {
		cmd += " DURATION=" + r.Duration.String()
	}
	return cmd
}

func (r *Result) replayFile() string {
	cmd := fmt.Sprintf("torc sim --seed %d", r.Seed)
	switch {
	case r.Mutant != "":
		cmd += " --mutant " + r.Mutant
	case r.NoMutant:
		cmd += " --mutant none"
	}
	if r.Duration != 0 {
		cmd += " --duration " + r.Duration.String()
	}
	return cmd + " " + r.File
}

// Pace says how fast the run was made. It is apart from the report, which equal runs write equally.
func (r *Result) Pace() string {
	return fmt.Sprintf("%.0f simulated seconds in %.2f s (%.0fx)", r.SimSeconds, r.WallSeconds, r.SimSeconds/max(r.WallSeconds, 1e-9))
}

// timelineMax bounds the faults that a report lists.
const timelineMax = 60

// Report writes the run as a person wants to read it: what was set, what went wrong on
// purpose, what the clients got, the verdict, and how to see it again. Colour is for
// terminals only.
func (r *Result) Report(out io.Writer, colour bool) error {
	var b strings.Builder
	paint := func(code, text string) string {
		if !colour {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	title := fmt.Sprintf("seed %d, scenario %s", r.Seed, r.Scenario)
	if r.Mutant != "" {
		title += ", planted bug " + r.Mutant
	}
	fmt.Fprintf(&b, "%s\n", paint("1", title))
	if r.Err != nil {
		fmt.Fprintf(&b, "%s\n%v\n", r.Verdict.Sentence(), r.Err)
		_, err := io.WriteString(out, b.String())
		return err
	}
	fmt.Fprintf(&b, "settings\n%s", r.Settings)
	b.WriteString("timeline\n")
	r.writeTimeline(&b)
	r.writeOps(&b)
	r.writeVerdict(&b, paint)
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *Result) writeTimeline(b *strings.Builder) {
	for i, m := range r.Timeline {
		if len(r.Timeline) > timelineMax && i >= timelineMax-10 && i < len(r.Timeline)-10 {
			if i == timelineMax-10 {
				fmt.Fprintf(b, "  ... %d more\n", len(r.Timeline)-timelineMax)
			}
			continue
		}
		fmt.Fprintf(b, "  %s  %s\n", stamp(m.At), m.Text)
	}
}

func (r *Result) writeOps(b *strings.Builder) {
	fmt.Fprintf(b, "operations\n  %d ok, %d refused, %d unknown, on %d keys\n", r.Ops.OK, r.Ops.Refused, r.Ops.Unknown, r.Ops.Keys)
	if r.Ops.Held > 0 {
		fmt.Fprintf(b, "  %d reads answered from copies of hot keys\n", r.Ops.Held)
	}
	for i, reason := range r.Ops.Reasons {
		if i == 0 {
			b.WriteString("  not ok because:")
		}
		name := reason.Reason.String()
		if reason.Reason == wire.ReasonNone {
			name = "no answer"
		}
		fmt.Fprintf(b, " %s %d;", name, reason.Count)
		if i == len(r.Ops.Reasons)-1 {
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(b, "  %d events, %d messages, %.0f simulated seconds\n", r.Events, r.Messages, r.SimSeconds)
}

func (r *Result) writeVerdict(b *strings.Builder, paint func(code, text string) string) {
	code := "31;1"
	if r.Verdict == Pass {
		code = "32;1"
	}
	fmt.Fprintf(b, "verdict: %s\n", paint(code, r.Verdict.Sentence()))
	for _, v := range r.Violations {
		fmt.Fprintf(b, "  %s %s  %s\n", paint("31", v.Oracle.String()), stamp(v.At), v.Text)
		for _, line := range strings.Split(strings.TrimSpace(v.Stack), "\n") {
			if line != "" {
				fmt.Fprintf(b, "      %s\n", line)
			}
		}
	}
	var seen [256]bool
	for _, v := range r.Violations {
		if !seen[v.Oracle] {
			seen[v.Oracle] = true
			fmt.Fprintf(b, "  (%v: %s)\n", v.Oracle, v.Oracle.Meaning())
		}
	}
	fmt.Fprintf(b, "trace hash: %s\nreplay: %s\n", r.Hash, r.Replay())
	if len(r.Reached) > 0 {
		fmt.Fprintf(b, "%s%v\n", reachedLine, r.Reached)
	}
}

// stamp is a time of the world, in seconds, aligned.
func stamp(at time.Duration) string { return fmt.Sprintf("%9.3fs", at.Seconds()) }
