package breaker

import (
	"time"

	"torc/core/mutant"
)

// State says whether a Breaker lets calls through.
type State uint8

// The states.
const (
	Closed   State = iota // everybody may call
	Open                  // nobody may
	HalfOpen              // a few probes may
)

func (s State) String() string {
	if s > HalfOpen {
		return "unknown"
	}
	return [...]string{"closed", "open", "half-open"}[s]
}

// Config shapes a Breaker. Zero fields take the defaults.
type Config struct {
	Failures   int           // failures in a row that open it; default 5
	Window     time.Duration // over which the share of failures is counted; default 10 s
	Samples    int           // outcomes the window needs before the share counts; default 20
	Percent    int           // share of failures that opens it, in hundredths; default 50
	OpenMin    time.Duration // how long it stays open the first time; default 250 ms
	OpenMax    time.Duration // the longest time it stays open; default 4 s
	Probes     int           // calls that may be out at once while half-open; default 1
	Successes  int           // successes in a row that close it; default 2
	ProbeLimit time.Duration // after which an unanswered probe is written off; default 2 s
}

// Defaults fills the zero fields.
func (c Config) Defaults() Config {
	defInt(&c.Failures, 5)
	defInt(&c.Samples, 20)
	defInt(&c.Percent, 50)
	defInt(&c.Probes, 1)
	defInt(&c.Successes, 2)
	defTime(&c.Window, 10*time.Second)
	defTime(&c.OpenMin, 250*time.Millisecond)
	defTime(&c.OpenMax, 4*time.Second)
	defTime(&c.ProbeLimit, 2*time.Second)
	return c
}

func defInt(p *int, v int) {
	if *p <= 0 {
		*p = v
	}
}

func defTime(p *time.Duration, v time.Duration) {
	if *p <= 0 {
		*p = v
	}
}

// Breaker guards the calls to one node. Make it with New.
type Breaker struct {
	cfg   Config
	state State

	inARow int // failures in a row while closed; successes in a row while half-open
	recent window

	openFor time.Duration // how long the next (or the present) open time lasts
	until   time.Duration // Open: when probes may begin
	closed  time.Duration // Closed: since when

	probes    int           // HalfOpen: out and not answered
	lastProbe time.Duration // HalfOpen: when the newest was let out
}

// New makes a closed Breaker.
func New(cfg Config) *Breaker {
	cfg = cfg.Defaults()
	return &Breaker{cfg: cfg, openFor: cfg.OpenMin, recent: newWindow(cfg.Window)}
}

// State returns the present state. An open breaker whose time has run out still says Open: it
// turns half-open when somebody asks to call.
func (b *Breaker) State() State { return b.state }

// Ready reports whether Allow would say yes now. It changes nothing: for who must ask several breakers.
func (b *Breaker) Ready(now time.Duration) bool {
	switch b.state {
	case Open:
		return now >= b.until
	case HalfOpen:
		return b.probes < b.cfg.Probes || b.probes > 0 && now-b.lastProbe >= b.cfg.ProbeLimit
	}
	return true
}

// Allow reports whether a call may be made now. While half-open a yes is a probe: its
// outcome should be told by Success or Failure.
func (b *Breaker) Allow(now time.Duration) bool {
	switch b.state {
	case Closed:
		return true
	case Open:
		if now < b.until {
			return false
		}
		b.state, b.inARow, b.probes = HalfOpen, 0, 0
	case HalfOpen:
		if b.probes > 0 && now-b.lastProbe >= b.cfg.ProbeLimit {
			b.probes = 0
		}
		if b.probes >= b.cfg.Probes {
			return false
		}
	}
	b.probes++
	b.lastProbe = now
	return true
}

// Success tells that a call was answered.
func (b *Breaker) Success(now time.Duration) {
	switch b.state {
	case Closed:
		b.inARow = 0
		b.recent.add(now, false)
		if b.openFor > b.cfg.OpenMin && now-b.closed >= b.cfg.Window {
			b.openFor = b.cfg.OpenMin
		}
	case Open:
		// A straggler from before. Its answer may be old: the probes will tell.
	case HalfOpen:
		b.probes = max(b.probes-1, 0)
		b.inARow++
		if b.inARow >= b.cfg.Successes {
			b.state, b.inARow, b.probes = Closed, 0, 0
			b.closed = now
			b.recent.clear()
		}
	}
}

// Failure tells that a call was not answered.
func (b *Breaker) Failure(now time.Duration) {
	switch b.state {
	case Closed:
		b.inARow++
		b.recent.add(now, true)
		if b.inARow >= b.cfg.Failures || b.recent.tooMany(b.cfg.Samples, b.cfg.Percent) {
			if now-b.closed >= b.cfg.Window {
				b.openFor = b.cfg.OpenMin
			}
			b.open(now)
		}
	case Open:
		// A straggler: nothing that the breaker does not assume already.
	case HalfOpen:
		b.open(now)
	}
}

func (b *Breaker) open(now time.Duration) {
	b.state, b.inARow, b.probes = Open, 0, 0
	if mutant.On(mutant.BreakerFlap) {
		b.openFor = b.cfg.OpenMin
	}
	b.until = now + b.openFor
	b.openFor = min(2*b.openFor, b.cfg.OpenMax)
}
