package replay

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"torc/core/trace"
	"torc/core/wire"
	"torc/sim"
)

// Player makes a run and stops it where it is told to.
type Player struct {
	Out io.Writer
	// In, when set, takes commands wherever the run stops: see prompt.go.
	In    io.Reader
	Until time.Duration // stop before the first event later than this; 0 = no such stop
	Break *Where        // stop at the first event of these
	Show  *Where        // tell of these events only
	Last  int           // how many events before the stop are told
	Paint func(code, text string) string

	teller
	commands *bufio.Scanner
	events   uint64
	told     []string // the last lines, as a ring
	next     int
	goal     func(e *trace.Event) bool // where a stepped run stops next
	stopped  bool
}

// Play makes the run. It reports the run's result, and whether it was stopped before its end.
func (p *Player) Play(o sim.Options) (r sim.Result, stopped bool) {
	if p.Paint == nil {
		p.Paint = func(_, text string) string { return text }
	}
	if p.In != nil {
		p.commands = bufio.NewScanner(p.In)
		p.goal = p.reached
		if p.Until == 0 && p.Break == nil {
			p.goal = func(*trace.Event) bool { return true }
		}
	}
	o.Look = func(v sim.View) { p.view = v }
	o.Observe = p.see
	r = sim.Run(o)
	if !p.stopped && r.Err == nil {
		p.finish(&r)
	}
	return r, p.stopped
}

// reached reports whether a run that is not stepped stops at an event.
func (p *Player) reached(e *trace.Event) bool {
	return p.Until > 0 && e.At > int64(p.Until) || p.Break != nil && p.Break.Match(e)
}

func (p *Player) see(e *trace.Event, f *wire.Frame) (stop bool) {
	p.events++
	if p.commands != nil {
		return p.step(e, f)
	}
	if p.Until > 0 && e.At > int64(p.Until) {
		p.stop(fmt.Sprintf("stopped at %s s, after %d events: the next one is at %s s", seconds(p.Until), p.events-1, seconds(time.Duration(e.At))))
		return true
	}
	broken := p.Break != nil && p.Break.Match(e)
	if broken || p.Show.Match(e) {
		p.remember(p.line(e, f))
	}
	if broken {
		p.stop(fmt.Sprintf("stopped at %s s by event %d: %v", seconds(time.Duration(e.At)), p.events, p.Break))
	}
	return broken
}

func (p *Player) remember(line string) {
	if p.Last <= 0 {
		return
	}
	if len(p.told) < p.Last {
		p.told = append(p.told, line)
		return
	}
	p.told[p.next] = line
	p.next = (p.next + 1) % p.Last
}

// stop tells what led here, and how the world stands.
func (p *Player) stop(why string) {
	p.stopped = true
	p.lastLines()
	p.say("%s\n\n%s", p.Paint("1", why), State(p.view))
}

func (p *Player) lastLines() {
	for i := range p.told {
		p.say("%s\n", p.told[(p.next+i)%len(p.told)])
	}
	if len(p.told) > 0 {
		p.say("\n")
	}
}

// finish tells of a run that went to its end.
func (p *Player) finish(r *sim.Result) {
	if p.commands == nil {
		p.lastLines()
	}
	text := fmt.Sprintf("the run ended at %s s, after %d events", seconds(p.view.Now()), p.events)
	if p.Break != nil {
		text += "; none of them is " + p.Break.String()
	}
	if p.Until > p.view.Now() {
		text += fmt.Sprintf("; it never came to %v", p.Until)
	}
	p.say("%s\n\n%s\n", p.Paint("1", text), State(p.view))
	p.say("verdict: %s\n", p.Paint(pick(r.Verdict == sim.Pass, "32;1", "31;1"), r.Verdict.Sentence()))
	for _, v := range r.Violations {
		p.say("  %v\n", v)
	}
	p.say("trace hash: %s\n", r.Hash)
}

// say writes to Out; who reads it may be gone, and then nobody misses anything.
func (p *Player) say(format string, args ...any) { _, _ = fmt.Fprintf(p.Out, format, args...) }
