package script

import (
	"context"
	"errors"
	"time"
)

// Limits bound a run. Zero fields take the defaults named beside them.
type Limits struct {
	Steps int           // instructions of the machine; 5 million
	Bytes int           // of all strings and tables that are made, whether they are needed any more or not; 64 MiB
	Time  time.Duration // 1 s
}

func (l Limits) withDefaults() Limits {
	if l.Steps <= 0 {
		l.Steps = 5_000_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 64 << 20
	}
	if l.Time <= 0 {
		l.Time = time.Second
	}
	return l
}

// The ways in which a run is stopped from outside the script. ErrStopped is the Host's, see Host.
var (
	ErrSteps   = errors.New("the script takes too many steps")
	ErrTime    = errors.New("the script takes too long")
	ErrMemory  = errors.New("the script makes more strings and tables than it may")
	ErrStopped = errors.New("the script was stopped")
)

// clockEvery so many steps the clock is looked at. Some steps take a while: #t of a million places that are empty.
const clockEvery = 64

// meter counts what a run has spent. To the machine it is the context that it looks at before each instruction: while done is nil it goes on.
type meter struct {
	context.Context
	steps, bytes int // left
	until        time.Time
	fault        error
	done         chan struct{}
}

func newMeter(l Limits) *meter {
	l = l.withDefaults()
	return &meter{Context: context.Background(), steps: l.Steps, bytes: l.Bytes, until: time.Now().Add(l.Time)}
}

// Done is called once for each instruction.
func (m *meter) Done() <-chan struct{} {
	if m.steps--; m.steps%clockEvery == 0 || m.steps < 0 {
		m.look()
	}
	return m.done
}

// Err is what the machine raises when Done is closed. A script that catches it is stopped again at its next instruction.
func (m *meter) Err() error { return m.fault }

func (m *meter) look() {
	switch {
	case m.steps < 0:
		m.stop(ErrSteps)
	case time.Now().After(m.until):
		m.stop(ErrTime)
	}
}

// stop ends the run at its next instruction, for the first cause that is given.
func (m *meter) stop(cause error) {
	if m.fault == nil {
		m.fault = cause
		m.done = make(chan struct{})
		close(m.done)
	}
}

// walk pays for n steps that are no instructions, and reports whether the run may go on.
func (m *meter) walk(n int) bool {
	before := m.steps
	m.steps -= n
	if m.steps < 0 || before/clockEvery != m.steps/clockEvery {
		m.look()
	}
	return m.fault == nil
}

// pay pays for bytes, and reports whether there were enough.
func (m *meter) pay(n int) bool {
	if n < 0 || n > m.bytes {
		m.stop(ErrMemory)
		return false
	}
	m.bytes -= n
	return m.fault == nil
}
