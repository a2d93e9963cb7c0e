package load

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Flood is an open loop that waits for nobody: each connection writes its requests when they are due, whatever has become of
// those before, and reads the answers beside. It is what a server meets that is asked for more than it can do; callers that wait for an
// answer (Open, Closed) ask for less as soon as it slows down.
type Flood struct {
	Mix     Mix
	Addrs   []string      // Redis protocol; connections take turns in which
	Conns   int           //
	Rate    int           // requests a second, over all connections
	For     time.Duration // after which nothing is sent any more
	Drain   time.Duration // how long answers are waited for then
	Backlog int           // unanswered requests of a connection past which it sends none: a client's own bound
}

// Flooded is what came of a flood.
type Flooded struct {
	Due     int64 // requests that fell due
	Held    int64 // of those, not sent: the connection's backlog was full
	Right   int64 // answered right
	Refused int64 // answered with an error
	Lost    int64 // not answered at all
	Refusal string
	Broken  string // why a connection broke, if one did
	Slots   []Slot // by when they were due
}

// Slot is what became of the requests that fell due in a tenth of a second.
type Slot struct {
	Right, Refused int64
	P50, P99       time.Duration // of those answered right, from when they were due
}

// slotTime is a slot's length.
const slotTime = 100 * time.Millisecond

// Run runs it.
func (f Flood) Run() (Flooded, error) {
	conns := make([]*floodConn, f.Conns)
	for i := range conns {
		c, err := dialRESP(f.Addrs[i%len(f.Addrs)], NoWait)
		if err != nil {
			for _, c := range conns[:i] {
				c.Close()
			}
			return Flooded{}, fmt.Errorf("connect: %w", err)
		}
		conns[i] = &floodConn{respCaller: c, flood: &f, drawer: f.Mix.drawer(i), sent: make(chan due, f.Backlog)}
	}
	begin := time.Now()
	var all sync.WaitGroup
	for i, c := range conns {
		c.slots = make([]*counts, int(f.For/slotTime)+1)
		all.Go(func() { c.write(begin, i) })
		all.Go(func() { c.read(begin) })
	}
	all.Wait()
	return f.sum(conns), nil
}

// floodConn is one connection: one goroutine writes, one reads.
type floodConn struct {
	*respCaller
	flood  *Flood
	drawer *drawer
	sent   chan due // in the order in which they will be answered
	slots  []*counts
	due    int64
	held   int64
	lost   int64
	broken atomic.Pointer[error]
}

// due is a request under way.
type due struct {
	at   time.Time
	read bool
}

// floodTick is how often a connection looks at what is due.
const floodTick = 2 * time.Millisecond

func (c *floodConn) write(begin time.Time, number int) {
	defer close(c.sent)
	f := c.flood
	every := time.Duration(float64(time.Second) * float64(f.Conns) / float64(f.Rate))
	next := begin.Add(every * time.Duration(number) / time.Duration(f.Conns))
	batch := make([]Op, 1)
	for now := time.Now(); now.Sub(begin) < f.For; now = time.Now() {
		c.out = c.out[:0]
		for ; next.Before(now); next = next.Add(every) {
			c.due++
			c.drawer.fill(batch)
			select {
			case c.sent <- due{next, batch[0].Read}:
				c.out = appendOp(c.out, &batch[0])
			default:
				c.held++
			}
		}
		if len(c.out) > 0 {
			_ = c.conn.SetWriteDeadline(begin.Add(f.For + f.Drain)) // a closed connection says so below
			if _, err := c.conn.Write(c.out); err != nil {
				c.fail(err)
				return
			}
		}
		time.Sleep(min(floodTick, time.Until(next)))
	}
}

func (c *floodConn) fail(err error) {
	c.broken.CompareAndSwap(nil, &err)
	_ = c.conn.Close() // the reader ends
}

func (c *floodConn) read(begin time.Time) {
	_ = c.conn.SetReadDeadline(begin.Add(c.flood.For + c.flood.Drain)) // a closed connection says so below
	gone := false
	for d := range c.sent {
		if gone {
			c.lost++
			continue
		}
		op := Op{Read: d.read, Value: c.drawer.mix.Space.Value}
		err := c.reply(&op)
		if broken(err) {
			gone = true
			c.lost++
			var late net.Error
			if !errors.As(err, &late) || !late.Timeout() {
				c.fail(err)
			}
			continue
		}
		slot := &c.slots[min(int(d.at.Sub(begin)/slotTime), len(c.slots)-1)]
		if *slot == nil {
			*slot = newCounts()
		}
		op.Err = err
		(*slot).note([]Op{op}, time.Since(d.at))
	}
}

func (f Flood) sum(conns []*floodConn) (r Flooded) {
	slots := make([]*counts, int(f.For/slotTime)+1)
	for _, c := range conns {
		c.Close()
		r.Due, r.Held, r.Lost = r.Due+c.due, r.Held+c.held, r.Lost+c.lost
		if err := c.broken.Load(); err != nil && r.Broken == "" {
			r.Broken = (*err).Error()
		}
		for i, s := range c.slots {
			if s == nil {
				continue
			}
			if slots[i] == nil {
				slots[i] = newCounts()
			}
			slots[i].add(s)
		}
	}
	for _, s := range slots {
		if s == nil {
			r.Slots = append(r.Slots, Slot{})
			continue
		}
		at := func(quantile float64) time.Duration { return time.Duration(s.times.ValueAtQuantile(quantile)) }
		r.Slots = append(r.Slots, Slot{Right: s.done, Refused: s.errors, P50: at(50), P99: at(99)})
		r.Right, r.Refused = r.Right+s.done, r.Refused+s.errors
		if s.first != nil && r.Refusal == "" {
			r.Refusal = s.first.Error()
		}
	}
	return r
}
