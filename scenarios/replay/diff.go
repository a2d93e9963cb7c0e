package replay

import (
	"fmt"
	"hash/maphash"
	"time"

	"torc/core/trace"
	"torc/core/wire"
	"torc/sim"
)

// Side is one of two runs that are compared.
type Side struct {
	Name    string
	Options sim.Options
	Result  sim.Result
	Events  int // in all
	Around  []Told
}

// Told is an event in words, and its place in the run.
type Told struct {
	Number int // from 0
	At     time.Duration
	Words  string
}

// Difference says where two runs part.
type Difference struct {
	A, B  *Side
	Same  bool
	First int           // number of the first event that differs, when they do
	At    time.Duration // of the last event that both have; 0 if there is none
	Frame bool          // the event is the same, but the frame that is sent says something else
}

// Diff makes both runs and finds where they part: at the first event that differs, or the first
// frame that says something else. Worlds cannot run beside each other, so every run is made twice:
// first for a mark of eight bytes for each event of A, to which B is held, then up to the
// difference and a little further, for the words.
func Diff(a, b *Side, context int) (*Difference, error) {
	marks, err := a.marks()
	if err != nil {
		return nil, err
	}
	d := &Difference{A: a, B: b, First: -1}
	if err := b.compare(marks, d); err != nil {
		return nil, err
	}
	if d.Same {
		return d, nil
	}
	before, err := a.tell(d.First, context)
	if err != nil {
		return nil, err
	}
	beforeB, err := b.tell(d.First, context)
	if err != nil {
		return nil, err
	}
	d.At = time.Duration(before.last)
	d.Frame = before.event == beforeB.event && d.First < min(a.Events, b.Events)
	return d, nil
}

// marker makes a mark of an event and of what its frame says. It is good within one process.
type marker struct {
	seed  maphash.Seed
	bytes []byte
}

func (m *marker) of(e *trace.Event, f *wire.Frame) uint64 {
	sum := maphash.Comparable(m.seed, *e)
	if f != nil {
		m.bytes = wire.AppendFrame(m.bytes[:0], f)
		sum = sum*31 + maphash.Bytes(m.seed, m.bytes)
	}
	return sum
}

// markSeed is one for all runs of this process, or their marks could not be compared.
var markSeed = maphash.MakeSeed()

// run makes the side's run with somebody who looks.
func (s *Side) run(view *sim.View, observe func(*trace.Event, *wire.Frame) bool) (sim.Result, error) {
	o := s.Options
	o.Observe = observe
	o.Look = func(v sim.View) { *view = v }
	r := sim.Run(o)
	if r.Err != nil {
		return r, fmt.Errorf("making %s: %w", s.Name, r.Err)
	}
	return r, nil
}

func (s *Side) marks() (marks []uint64, err error) {
	m := marker{seed: markSeed}
	s.Result, err = s.run(new(sim.View), func(e *trace.Event, f *wire.Frame) bool {
		marks = append(marks, m.of(e, f))
		return false
	})
	s.Events = len(marks)
	return marks, err
}

// compare makes the run and holds it to the marks of another.
func (s *Side) compare(marks []uint64, d *Difference) (err error) {
	m := marker{seed: markSeed}
	s.Result, err = s.run(new(sim.View), func(e *trace.Event, f *wire.Frame) bool {
		if d.First < 0 && (s.Events >= len(marks) || m.of(e, f) != marks[s.Events]) {
			d.First = s.Events
		}
		s.Events++
		return false
	})
	if d.First < 0 && s.Events < len(marks) {
		d.First = s.Events
	}
	d.Same = d.First < 0
	return err
}

// edge is where a run parts from the other.
type edge struct {
	last  int64 // when the last event before it was
	event trace.Event
}

// tell makes the run up to a little beyond an event, and tells of what is around it.
func (s *Side) tell(first, context int) (at edge, err error) {
	var t teller
	number := 0
	_, err = s.run(&t.view, func(e *trace.Event, f *wire.Frame) bool {
		if number >= first-context {
			s.Around = append(s.Around, Told{number, time.Duration(e.At), t.words(e, f)})
		}
		switch {
		case number < first:
			at.last = e.At
		case number == first:
			at.event = *e
		}
		number++
		return number > first+context
	})
	return at, err
}
