package real

import (
	"fmt"
	"sync"
	"time"

	nodes "torc/cmd/internal/node"
	"torc/core/wire"
)

// doubts find false suspicions: a life of a node that was up and reachable, and that another node's
// gossip called dead or whose map called it down. What happened to the suspect or to the one who
// suspects it excuses the suspicion, for as long as it lasts and a while after.
//
// Lossy and slow links excuse nothing: to bear them is what gossip is for.
type doubts struct {
	now func() time.Duration

	mu      sync.Mutex
	excused []time.Duration // by node, counted from 0: until when
	lives   []wire.Incarnation
	held    map[doubt]bool // what was noted already
	found   []Suspicion
}

// Suspicion is one that had no reason.
type Suspicion struct {
	At      time.Duration // from the start of the torture
	By, Of  int           // nodes, from 1
	What    string        // "dead" by gossip, "down" by the map
	Hearsay bool          // another node was excused: it may have been its word
}

func (s Suspicion) String() string {
	text := fmt.Sprintf("n%d took n%d, which was up and reachable, for %s", s.By, s.Of, s.What)
	if s.Hearsay {
		text += ", perhaps by the word of a node that had been cut off or frozen"
	}
	return text
}

// doubt is a suspicion's name: it is noted once.
type doubt struct {
	by, of int
	life   wire.Incarnation
	what   string
}

// aftermath is how long after its end a harm excuses: gossip confirms a death after some seconds, and
// its refutation takes some more; the map may take three graces.
const (
	aftermath    = 15 * time.Second
	mapAftermath = 45 * time.Second
)

func newDoubts(count int, now func() time.Duration) *doubts {
	return &doubts{now: now, excused: make([]time.Duration, count), lives: make([]wire.Incarnation, count), held: map[doubt]bool{}}
}

// excuse says that nodes are not well until a harm that begins now is over.
func (d *doubts) excuse(on []int, from, lasts time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range on {
		d.excused[n] = max(d.excused[n], from+lasts)
	}
}

// take looks at what a node, counted from 1, says of the others.
func (d *doubts) take(by int, s *nodes.Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.now()
	if d.lives[by-1] != s.Incarnation {
		d.lives[by-1] = s.Incarnation
		d.excused[by-1] = max(d.excused[by-1], at) // it has just begun
	}
	for _, m := range s.Members {
		var of int
		if _, err := fmt.Sscanf(m.Node, "n%d", &of); err != nil || of < 1 || of > len(d.lives) || of == by || m.Incarnation != d.lives[of-1] {
			continue // not about a present life
		}
		if m.Gossip == "dead" {
			d.note(doubt{by, of, m.Incarnation, "dead"}, at, aftermath)
		} else {
			delete(d.held, doubt{by, of, m.Incarnation, "dead"})
		}
		if m.State == "down" {
			d.note(doubt{by, of, m.Incarnation, "down"}, at, mapAftermath)
		}
	}
}

func (d *doubts) note(k doubt, at, after time.Duration) {
	if d.held[k] {
		return
	}
	d.held[k] = true
	if at < d.excused[k.by-1]+after || at < d.excused[k.of-1]+after {
		return
	}
	hearsay := false
	for _, until := range d.excused {
		hearsay = hearsay || at < until+after
	}
	d.found = append(d.found, Suspicion{At: at, By: k.by, Of: k.of, What: k.what, Hearsay: hearsay})
}

// all are the false suspicions so far.
func (d *doubts) all() []Suspicion {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Suspicion(nil), d.found...)
}
