package replay

import (
	"fmt"
	"strings"
	"time"

	"torc/core/trace"
	"torc/core/wire"
)

// promptHelp is what a stepped run understands.
const promptHelp = `  enter    the next event (of those that --show picks)
  n KIND   the next event of a kind: n role
  b EXPR   run to an event: b kind=role node=2 term>=5
  u TIME   run to a time: u 12.5s
  s        how every node stands
  c        run to the end
  q        leave
`

// step takes the next event of a stepped run.
func (p *Player) step(e *trace.Event, f *wire.Frame) (stop bool) {
	if !p.goal(e) {
		return false
	}
	p.say("%s\n", p.line(e, f))
	for {
		p.say("%s", p.Paint("36", fmt.Sprintf("[%d] ", p.events)))
		if !p.commands.Scan() {
			p.say("\n")
			p.stopped = true
			return true
		}
		goes, leaves := p.obey(strings.TrimSpace(p.commands.Text()))
		if leaves {
			p.stopped = true
			return true
		}
		if goes {
			return false
		}
	}
}

// obey carries out a command: the run goes on, or is left, or (neither) asks for the next command.
func (p *Player) obey(command string) (goes, leaves bool) {
	verb, rest, _ := strings.Cut(command, " ")
	rest = strings.TrimSpace(rest)
	var err error
	switch verb {
	case "":
		p.goal = p.Show.Match
		return true, false
	case "n":
		err = p.runTo("kind=" + rest)
	case "b":
		err = p.runTo(rest)
	case "u":
		err = p.runUntil(rest)
	case "c":
		p.goal = func(*trace.Event) bool { return false }
		return true, false
	case "q":
		return false, true
	case "s":
		p.say("%s", State(p.view))
		return false, false
	default:
		p.say("%s", promptHelp)
		return false, false
	}
	if err != nil {
		p.say("%v\n", err)
	}
	return err == nil, false
}

func (p *Player) runTo(expression string) error {
	w, err := ParseWhere(expression)
	if err == nil {
		p.goal = w.Match
	}
	return err
}

func (p *Player) runUntil(text string) error {
	at, err := ParseTime(text)
	if err != nil {
		return err
	}
	if at <= p.view.Now() {
		return fmt.Errorf("%v is over: it is %s s", at, seconds(p.view.Now()))
	}
	p.goal = func(e *trace.Event) bool { return time.Duration(e.At) >= at }
	return nil
}
