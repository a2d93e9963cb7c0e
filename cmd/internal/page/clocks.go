package page

import "torc/ui"

// vector is a vector clock: how many of each host's events somebody may know of.
type vector []int

func (v vector) merge(other vector) {
	for i := range v {
		v[i] = max(v[i], other[i])
	}
}

// clocks gives events their vector clocks (Fidge, Mattern): a host counts its own events, an arrival
// adds what the sender knew when it sent. A crash forgets nothing here, though the node does: a log's
// reader expects a host's clock to grow.
type clocks struct {
	now  []vector
	sent map[int]vector // by message, until it has ended
}

func newClocks(hosts int) *clocks {
	c := &clocks{sent: map[int]vector{}}
	for range hosts {
		c.now = append(c.now, make(vector, hosts))
	}
	return c
}

// take lets an event happen. An event that is not told does not count, but what arrives with it is
// known from then on.
func (c *clocks) take(e *ui.Event, told bool) vector {
	mine := c.now[e.Host]
	if e.Kind == ui.Arrive {
		if sent, known := c.sent[e.Ref]; known {
			mine.merge(sent)
			delete(c.sent, e.Ref)
		}
	}
	if told {
		mine[e.Host]++
	}
	if e.Kind == ui.Send {
		c.sent[e.Ref] = append(vector(nil), mine...)
	}
	return mine
}
