package sim

import (
	"time"

	"torc/cluster"
	"torc/core/gossip"
	"torc/core/trace"
	"torc/core/wire"
)

// Swim shapes the simulated membership protocol. Probabilities are in ten-thousandths per
// round and pair of nodes.
type Swim struct {
	Every      time.Duration // between a node's rounds
	Misses     int           // rounds without an answer before suspicion
	SuspectFor time.Duration // from suspicion to death
	FalseAlarm int           // a healthy node is suspected
	Libel      int           // a healthy node is declared dead outright
	OldRumour  int           // a node's former life is declared dead once more; once it is dead, alive once more
	BadDigest  int           // a node's word about itself arrives as something else
}

func (s Swim) withDefaults() Swim {
	if s.Every == 0 {
		s.Every = 500 * time.Millisecond
	}
	if s.Misses == 0 {
		s.Misses = 2
	}
	if s.SuspectFor == 0 {
		s.SuspectFor = 2 * time.Second
	}
	return s
}

// swim is the failure detector of one life of a node; it is the node's gossip.Feed. It is a
// model, not the protocol: in each round it looks at the truth (who runs, whom packets
// reach, directly or by one other node, as SWIM's indirect probes do), is late by its
// rounds, and lies as often as it is told to.
type swim struct {
	node    *node
	life    uint32
	pulse   cluster.Pulse
	born    int64 // when the life began, in the world's time
	beat    int64 // and when it last said how it is
	digest  []byte
	edition int // counts changes of digest
	beliefs []belief
	tell    func(gossip.Event)
	stopped bool
}

var _ gossip.Feed = (*swim)(nil)

// belief is what one node's detector holds of another.
type belief struct {
	known       bool
	incarnation wire.Incarnation
	status      gossip.Status
	missed      int
	suspected   int64  // when, in the world's time
	dead        int64  // since when, by the node's own clock
	refuted     uint64 // as it was then
	edition     int
	goodbye     wire.Incarnation // a life that said goodbye and was heard
	rumour      wire.Incarnation // the latest life that a rumour told the node of
	told        uint64           // how often the subject had refuted its death, as the node was told last
	outdated    int              // counts what it was told that had been true once
}

func (w *World) startSwim(n *node) *swim {
	s := &swim{node: n, life: n.life, born: w.now, beat: w.now, beliefs: make([]belief, len(w.nodes)), tell: func(gossip.Event) {}}
	s.plan()
	return s
}

func (s *swim) plan() {
	w := s.node.w
	e := w.agenda.add(w.now+int64(w.swimRand.Around(w.settings.Swim.Every)), evSwim)
	e.to, e.life = s.node.index, s.life
}

// Subscribe gives the function that takes events.
func (s *swim) Subscribe(f func(gossip.Event)) { s.tell = f }

// SetDigest sets what the node says about itself.
func (s *swim) SetDigest(d []byte) {
	s.digest = append([]byte(nil), d[:min(len(d), gossip.DigestMax)]...)
	s.edition++
}

// Leave says goodbye to everybody whom a packet reaches now.
func (s *swim) Leave() {
	w := s.node.w
	s.stopped = true
	for _, other := range w.nodes {
		if other != s.node && other.swim != nil && w.reaches(s.node.index, other.index) {
			other.swim.beliefs[s.node.index].goodbye = s.node.incarnation
		}
	}
}

func (s *swim) stop() { s.stopped = true }

// onSwim takes a round.
func (n *node) onSwim(life uint32) {
	s := n.swim
	if n.life != life || s.life != life || s.stopped {
		return
	}
	if n.state == stateUp {
		s.sayHowItIs()
		for _, subject := range n.w.nodes {
			if subject != n && subject.swim != nil {
				s.probe(subject)
			}
		}
		n.w.watch.mourning(n)
	}
	s.plan()
}

// healthEvery is how often a node says how it is.
const healthEvery = time.Second

// sayHowItIs makes the node's digest, as net/host does in production.
func (s *swim) sayHowItIs() {
	n := s.node
	if n.w.now-s.beat < int64(healthEvery) {
		return
	}
	s.beat = n.w.now
	var lanes []cluster.Vitals
	for _, l := range n.lanes {
		if of, ok := l.core.(interface{ Vitals() cluster.Vitals }); ok {
			lanes = append(lanes, of.Vitals())
		}
	}
	if len(lanes) > 0 {
		h := s.pulse.Beat(time.Duration(n.w.now-s.born), lanes)
		s.SetDigest(h.Encode())
	}
}

// probe forms a belief about another node and tells it when it is a new one.
func (s *swim) probe(subject *node) {
	w, b := s.node.w, &s.beliefs[subject.index]
	if b.goodbye != 0 {
		life := b.goodbye
		b.goodbye = 0
		if b.known && b.incarnation == life {
			s.say(subject, b, gossip.Left)
			return
		}
	}
	if !w.reaches(s.node.index, subject.index) || subject.swim.stopped {
		s.missed(subject, b)
		return
	}
	s.answered(subject, b)
}

func (s *swim) missed(subject *node, b *belief) {
	settings, rand := &s.node.w.settings.Swim, &s.node.w.swimRand
	if b.known && b.status == gossip.Dead && (subject.lies[LieOldRumour] > 0 || rand.Chance(settings.OldRumour*20)) {
		s.rumour(subject, b)
	}
	if !b.known || b.status >= gossip.Dead {
		return
	}
	b.missed++
	switch {
	case b.status == gossip.Alive && b.missed >= settings.Misses:
		b.suspected = s.node.w.now
		s.say(subject, b, gossip.Suspect)
	case b.status == gossip.Suspect && s.node.w.now-b.suspected >= int64(settings.SuspectFor):
		s.say(subject, b, gossip.Dead)
	}
}

func (s *swim) answered(subject *node, b *belief) {
	w := s.node.w
	settings, rand := &w.settings.Swim, &w.swimRand
	b.missed = 0
	switch former := b.incarnation; {
	case !b.known || former != subject.incarnation:
		again := b.known && rand.Chance(settings.OldRumour*20) // rumours of the old life are likeliest now
		b.known, b.incarnation = true, subject.incarnation
		s.say(subject, b, gossip.Alive)
		if again {
			s.tell(gossip.Event{Node: subject.id, Incarnation: former, Status: gossip.Dead})
		}
	case b.status == gossip.Left:
	case b.status != gossip.Alive:
		subject.refuted++
		s.say(subject, b, gossip.Alive)
	case subject.lies[LieDigest] > 0 || rand.Chance(settings.BadDigest):
		s.garble(subject, b)
	case b.edition != subject.swim.edition && subject.lies[LieStale] == 0:
		s.hear(subject, b)
	case subject.lies[LieOldRumour] > 0 && (subject.rumoured != 0 || b.told > 0):
		s.outdated(subject, b)
	case subject.lies[LieLibel] > 0 || rand.Chance(settings.Libel):
		s.say(subject, b, gossip.Dead)
	case subject.lies[LieFalseAlarm] > 0 || rand.Chance(settings.FalseAlarm):
		b.suspected = w.now
		s.say(subject, b, gossip.Suspect)
	}
}

// outdated says of a node that lives what was true once: of its former life, that it is dead, lives or is suspected, and of this one, that it
// is suspected or dead, as it was said before it refuted that (memberlist calls that a lower incarnation), or lives, as before that.
func (s *swim) outdated(subject *node, b *belief) {
	e := gossip.Event{Node: subject.id, Incarnation: subject.rumoured, Status: [...]gossip.Status{gossip.Dead, gossip.Alive, gossip.Suspect}[b.outdated%3], Digest: subject.swim.digest}
	if b.told > 0 && (subject.rumoured == 0 || b.outdated/3%2 == 1) {
		e.Incarnation, e.Refuted = b.incarnation, b.told-1
	}
	b.outdated++
	s.tell(e)
}

// rumour says of a dead node that it lives, as it was said before it died: of this life, of the one
// before, or of one that nobody remembers. Only a life itself can refute its death.
func (s *swim) rumour(subject *node, b *belief) {
	lives := []wire.Incarnation{b.incarnation, subject.rumoured, 0}
	e := gossip.Event{Node: subject.id, Incarnation: lives[s.node.w.swimRand.IntN(len(lives))], Status: gossip.Alive, Refuted: b.refuted}
	e.Digest = subject.swim.digest
	b.rumour = max(b.rumour, e.Incarnation)
	s.tell(e)
}

// hear tells the node a new digest of one that lives. It is not worth an event in the trace.
func (s *swim) hear(subject *node, b *belief) {
	b.edition, b.told = subject.swim.edition, subject.refuted
	s.tell(gossip.Event{Node: subject.id, Incarnation: b.incarnation, Status: b.status, Refuted: subject.refuted, Digest: subject.swim.digest})
}

// garble tells the node a digest that the subject never wrote: noise, too much, the true one
// damaged, or a bold lie.
func (s *swim) garble(subject *node, b *belief) {
	w := s.node.w
	rand := &w.swimRand
	d := make([]byte, rand.IntN(2*gossip.DigestMax))
	for i := range d {
		d[i] = byte(rand.Uint64())
	}
	switch boast := (gossip.Health{Epoch: 1 << 60, Term: 1 << 60, HitRate: 1000}); rand.IntN(3) {
	case 0:
		for shard := range w.settings.Shards + 1 {
			boast.Leads = append(boast.Leads, wire.ShardID(shard))
		}
		boast.LeadCount = uint64(len(boast.Leads))
		d = boast.Encode()
	case 1:
		if d = append([]byte(nil), subject.swim.digest...); len(d) > 0 {
			d[rand.IntN(len(d))] ^= 1 << rand.IntN(8)
		}
	}
	b.edition, b.told = -1, subject.refuted // the truth comes next
	s.tell(gossip.Event{Node: subject.id, Incarnation: b.incarnation, Status: b.status, Refuted: subject.refuted, Digest: d})
}

// say tells the node a belief.
func (s *swim) say(subject *node, b *belief, status gossip.Status) {
	b.status, b.told = status, subject.refuted
	if status == gossip.Dead {
		b.dead, b.refuted = s.node.clock.at(s.node.w.now), subject.refuted
	}
	e := gossip.Event{Node: subject.id, Incarnation: b.incarnation, Status: status, Refuted: subject.refuted}
	if status == gossip.Alive {
		b.edition = subject.swim.edition
		e.Digest = subject.swim.digest
	}
	s.node.w.emit(trace.Event{Kind: trace.Member, Node: s.node.id, Peer: subject.id, A: uint64(subject.id),
		B: uint64(b.incarnation), Note: status.String()})
	s.tell(e)
}

// reaches reports whether a probe would be answered: both run, and packets pass both ways,
// directly or through one other node.
func (w *World) reaches(a, b int32) bool {
	if w.nodes[a].state != stateUp || w.nodes[b].state != stateUp {
		return false
	}
	if w.bothWays(a, b) {
		return true
	}
	for _, n := range w.nodes {
		if n.index != a && n.index != b && n.state == stateUp && w.bothWays(a, n.index) && w.bothWays(n.index, b) {
			return true
		}
	}
	return false
}

func (w *World) bothWays(a, b int32) bool {
	return w.network.open(int(a), int(b)) && w.network.open(int(b), int(a))
}
