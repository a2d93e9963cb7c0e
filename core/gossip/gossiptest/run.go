package gossiptest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
)

// World is a handful of nodes that gossip, and what can happen to them.
type World interface {
	// Start starts a node that joins those running already, and returns its feed. The first
	// call with a name begins its first life; a call after Crash or Leave begins a new one
	// with a greater incarnation. The suite subscribes before it calls Until.
	Start(name string) gossip.Feed
	// Life returns the node's identity and the incarnation it was last started with.
	Life(name string) (wire.NodeID, wire.Incarnation)
	// Crash stops a node without a word.
	Crash(name string)
	// Isolate cuts every link between these nodes and the others, both ways.
	Isolate(names ...string)
	// Heal undoes Isolate.
	Heal()
	// Until runs the world until cond holds and reports whether it ever did within the
	// world's patience (long enough for several failure detections). cond and the
	// subscribers' functions are called one at a time, never two at once.
	Until(cond func() bool) bool
	// Close ends the world.
	Close()
}

// Run runs the suite. mk makes a fresh world for each test.
func Run(t *testing.T, mk func(t *testing.T) World) {
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"everybody learns of everybody", (*suite).everybodyLearnsOfEverybody},
		{"a latecomer is welcomed", (*suite).latecomer},
		{"a goodbye is told from a death", (*suite).goodbye},
		{"a crash is detected", (*suite).crash},
		{"a partition heals", (*suite).partitionHeals},
		{"a false suspicion is refuted", (*suite).falseSuspicion},
		{"a new life is not killed by rumours of the old one", (*suite).newLife},
		{"a node's digest reaches the others", (*suite).digest},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := mk(t)
			defer w.Close()
			c.test(&suite{T: t, world: w, views: map[string]*gossip.View{}, feeds: map[string]gossip.Feed{}})
		})
	}
}

type suite struct {
	*testing.T
	world World
	views map[string]*gossip.View
	feeds map[string]gossip.Feed
}

// start starts nodes, each with an empty view.
func (s *suite) start(names ...string) {
	for _, name := range names {
		view := new(gossip.View)
		s.views[name] = view
		s.feeds[name] = s.world.Start(name)
		s.feeds[name].Subscribe(func(e gossip.Event) { view.Merge(e) })
	}
}

// sees reports whether a's view of b's present life is one of these.
func (s *suite) sees(a, b string, want ...gossip.Status) bool {
	node, life := s.world.Life(b)
	for _, status := range want {
		if s.views[a].Is(node, life, status) {
			return true
		}
	}
	return false
}

// await runs the world until each of these nodes sees b so.
func (s *suite) await(by []string, b string, want ...gossip.Status) {
	s.Helper()
	ok := s.world.Until(func() bool {
		for _, a := range by {
			if a != b && !s.sees(a, b, want...) {
				return false
			}
		}
		return true
	})
	if !ok {
		node, life := s.world.Life(b)
		for _, a := range by {
			s.Logf("%s's view: %+v", a, s.views[a].All())
		}
		require.Failf(s, "not in time", "%v should see %s (node %v, life %d) as %v", by, b, node, life, want)
	}
}

func (s *suite) everyoneAlive(names ...string) {
	s.Helper()
	for _, b := range names {
		s.await(names, b, gossip.Alive)
	}
}

func (s *suite) everybodyLearnsOfEverybody() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
}

func (s *suite) latecomer() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
	s.start("d")
	s.everyoneAlive("a", "b", "c", "d")
}

func (s *suite) goodbye() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
	s.feeds["c"].Leave()
	s.await([]string{"a", "b"}, "c", gossip.Left)
}

func (s *suite) crash() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
	s.world.Crash("c")
	s.await([]string{"a", "b"}, "c", gossip.Dead)
	require.True(s, s.sees("a", "b", gossip.Alive))
	require.True(s, s.sees("b", "a", gossip.Alive))
}

func (s *suite) partitionHeals() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
	s.world.Isolate("c")
	s.await([]string{"a", "b"}, "c", gossip.Dead)
	for _, other := range []string{"a", "b"} {
		s.await([]string{"c"}, other, gossip.Dead)
	}
	s.world.Heal()
	s.everyoneAlive("a", "b", "c")
}

// falseSuspicion cuts c off until somebody doubts it. A feed that does not tell suspicions
// goes straight to Dead; either way c lives and the others believe so in the end.
func (s *suite) falseSuspicion() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
	s.world.Isolate("c")
	s.await([]string{"a"}, "c", gossip.Suspect, gossip.Dead)
	s.world.Heal()
	s.everyoneAlive("a", "b", "c")
}

// newLife restarts c at once: the others then hear of the new life while they still find out
// that the old one is gone. Nothing of that may stick to the new life, also not later.
func (s *suite) newLife() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
	_, before := s.world.Life("c")
	s.world.Crash("c")
	s.start("c")
	_, after := s.world.Life("c")
	require.Greater(s, after, before, "a new life has a greater incarnation")
	s.everyoneAlive("a", "b", "c")

	// d's death takes as long to detect as c's old one: when it is told, rumours about c's old
	// life are over too.
	s.start("d")
	s.everyoneAlive("a", "b", "c", "d")
	s.world.Crash("d")
	s.await([]string{"a", "b", "c"}, "d", gossip.Dead)
	s.everyoneAlive("a", "b", "c")
}

func (s *suite) digest() {
	s.start("a", "b")
	s.everyoneAlive("a", "b")
	s.feeds["b"].SetDigest([]byte("load 3"))
	node, _ := s.world.Life("b")
	require.True(s, s.world.Until(func() bool {
		e, _ := s.views["a"].Of(node)
		return string(e.Digest) == "load 3"
	}))
}
