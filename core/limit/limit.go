package limit

import (
	"time"

	"torc/core/invariant"
)

// Config shapes a Limit. Zero fields take the defaults.
type Config struct {
	Min, Start, Max int           // requests under way; defaults 16, 1024, 1024
	Slack           time.Duration // answers may take twice as long as the fastest, and this; default 10 ms
	Samples         int           // answers that make a round; default 32
	Memory          time.Duration // for how long the fastest answer counts, about; default 10 s
}

// Defaults fills the zero fields.
func (c Config) Defaults() Config {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&c.Max, 1024)
	set(&c.Min, min(16, c.Max))
	set(&c.Start, 1024)
	set(&c.Samples, 32)
	if c.Slack <= 0 {
		c.Slack = 10 * time.Millisecond
	}
	if c.Memory <= 0 {
		c.Memory = 10 * time.Second
	}
	c.Start = min(max(c.Start, c.Min), c.Max)
	return c
}

// Limit is how many requests may be under way to one node. Make it with New.
type Limit struct {
	cfg   Config
	limit int
	under int // requests under way

	// The fastest answer of this period of Memory and of the one before.
	fastest, before time.Duration
	period          time.Duration // when this one began

	// The round.
	samples int
	sum     time.Duration
	full    bool          // the limit was reached
	moved   time.Duration // when the limit was last changed; meaningful if it ever was
	ever    bool
}

// New makes a Limit.
func New(cfg Config) *Limit {
	cfg = cfg.Defaults()
	return &Limit{cfg: cfg, limit: cfg.Start}
}

// Now returns the limit.
func (l *Limit) Now() int { return l.limit }

// UnderWay returns how many requests are.
func (l *Limit) UnderWay() int { return l.under }

// Full reports whether a request would be one too many.
func (l *Limit) Full() bool {
	if l.under >= l.limit {
		l.full = true
		return true
	}
	return false
}

// Begin notes that a request was sent.
func (l *Limit) Begin() { l.under++ }

// End is what became of a request.
type End uint8

// The ends.
const (
	Answered End = iota
	Lost         // no answer, or the answer that there is too much to do
	Left         // nobody waits for it any more: it tells nothing
)

// End notes the end of a request that was sent took ago.
func (l *Limit) End(now, took time.Duration, end End) {
	l.under--
	invariant.Check(l.under >= 0, "limit: more ends than beginnings")
	switch end {
	case Answered:
		l.answered(now, took)
	case Lost:
		l.lost(now, took)
	}
}

// old reports whether a request was sent before the limit was last changed. What became of it tells how the old limit was,
// and that is known: if it counted, one bad moment would bring the limit down as often as it had requests.
func (l *Limit) old(now, took time.Duration) bool { return l.ever && now-took < l.moved }

// lost halves the limit, once for all that were under way together.
func (l *Limit) lost(now, took time.Duration) {
	if !l.old(now, took) {
		l.change(now, l.limit/2)
	}
}

func (l *Limit) change(now time.Duration, limit int) {
	l.limit = min(max(limit, l.cfg.Min), l.cfg.Max)
	l.moved, l.ever = now, true
	l.begin()
}

func (l *Limit) answered(now, took time.Duration) {
	took = max(took, 1)
	if now-l.period >= l.cfg.Memory {
		l.before, l.fastest, l.period = l.fastest, 0, now
	}
	if l.fastest == 0 || took < l.fastest {
		l.fastest = took
	}
	if l.old(now, took) {
		return
	}
	l.samples++
	l.sum += took
	if l.samples >= l.cfg.Samples {
		l.move(now)
	}
}

// move ends a round.
func (l *Limit) move(now time.Duration) {
	fastest := l.fastest
	if l.before != 0 {
		fastest = min(fastest, l.before)
	}
	switch mean := l.sum / time.Duration(l.samples); {
	case mean > 2*fastest+l.cfg.Slack:
		l.change(now, l.limit-max(l.limit/10, 1))
	case l.full:
		l.change(now, l.limit+max(l.limit/16, 1))
	default:
		l.begin()
	}
}

func (l *Limit) begin() { l.samples, l.sum, l.full = 0, 0, false }
