package gossiptest

import (
	"testing"
	"time"

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
	// Now is the world's time.
	Now() time.Duration
}

// SuspectedWithin is how soon after its crash everybody suspects a node, in a world with a feed's
// usual settings and no more than five nodes.
const SuspectedWithin = 2 * time.Second

// Run runs the suite. in makes a fresh world for each test, lets the test run in it, and ends it.
func Run(t *testing.T, in func(t *testing.T, test func(*testing.T, World))) {
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
		{"a node's digests reach the others, and the newest stays", (*suite).digests},
		{"a new life speaks for itself", (*suite).digestOfNewLife},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, func(t *testing.T, w World) {
				c.test(&suite{T: t, world: w, views: map[string]*gossip.View{}, feeds: map[string]gossip.Feed{}})
			})
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
	all := []string{"a", "b", "c", "d", "e"}
	s.start(all...)
	s.everyoneAlive(all...)
	s.world.Crash("c")
	begin, others := s.world.Now(), []string{"a", "b", "d", "e"}
	s.await(others, "c", gossip.Suspect, gossip.Dead)
	require.LessOrEqual(s, s.world.Now()-begin, SuspectedWithin, "suspected in time")
	s.await(others, "c", gossip.Dead)
	s.everyoneAlive(others...)
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

// falseSuspicion cuts c off until somebody doubts it, and not for longer.
func (s *suite) falseSuspicion() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
	s.world.Isolate("c")
	s.await([]string{"a"}, "c", gossip.Suspect)
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

// says reports whether a has this word of b's present life about itself.
func (s *suite) says(a, b string, waiting uint64) bool {
	node, life := s.world.Life(b)
	e, _ := s.views[a].Of(node)
	h, ok := s.views[a].Health(node)
	return ok && e.Incarnation == life && h.Waiting == waiting
}

func (s *suite) tell(b string, waiting uint64) {
	s.feeds[b].SetDigest((&gossip.Health{Waiting: waiting}).Encode())
}

func (s *suite) digests() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
	for n := uint64(1); n <= 5; n++ {
		s.tell("b", n)
		require.True(s, s.world.Until(func() bool { return s.says("a", "b", n) && s.says("c", "b", n) }), "digest %d", n)
	}
	s.tell("b", 6)
	s.tell("b", 7)
	require.True(s, s.world.Until(func() bool { return s.says("a", "b", 7) && s.says("c", "b", 7) }))
	later := s.world.Now() + 5*time.Second
	require.True(s, s.world.Until(func() bool { return s.world.Now() > later }))
	require.True(s, s.says("a", "b", 7) && s.says("c", "b", 7), "the newest stays")
}

func (s *suite) digestOfNewLife() {
	s.start("a", "b", "c")
	s.everyoneAlive("a", "b", "c")
	s.tell("c", 1)
	require.True(s, s.world.Until(func() bool { return s.says("a", "c", 1) }))
	s.world.Crash("c")
	s.start("c")
	s.everyoneAlive("a", "b", "c")
	require.False(s, s.says("a", "c", 1), "that was another life")
	s.tell("c", 2)
	require.True(s, s.world.Until(func() bool { return s.says("a", "c", 2) && s.says("b", "c", 2) }))
}
