package real

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/node"
	"torc/cmd/internal/proctest"
	"torc/core/wire"
	"torc/scenarios/script"
	"torc/sim"
)

// A short soak: whatever the seed draws, nothing is lost, every shard serves, and the report says so.
func TestSoak(t *testing.T) {
	proctest.NeedNetns(t)
	s := &Soak{Nodes: 3, Shards: 4}
	f, err := SoakFile(s, 3, 10*time.Second)
	require.NoError(t, err)
	r, err := Run(context.Background(), Options{File: f, Seed: 3, Binary: proctest.Binary(), Network: Namespaces, Soak: s})
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, r.WriteSoak(&text, false))
	t.Log("\n" + text.String())
	require.Empty(t, r.Violations)
	require.Greater(t, r.Ops.OK, 500)
	require.Greater(t, r.Soak.Increments[0], int64(100))
	struck := 0
	for _, k := range r.Soak.Faults {
		struck += k.Struck
	}
	require.GreaterOrEqual(t, struck, 2)
	require.Contains(t, text.String(), "violations: 0\nPASS")
	require.Contains(t, text.String(), "together")
}

func TestSoakFile(t *testing.T) {
	_, err := SoakFile(&Soak{Nodes: 2}, 1, time.Minute)
	require.ErrorContains(t, err, "three nodes")
	f, err := SoakFile(&Soak{Nodes: 4, Beyond: true}, 9, time.Minute)
	require.NoError(t, err)
	require.True(t, f.Loss)
	scenario := f.Scenario()
	settings := scenario.Draw(9)
	require.Equal(t, []any{5, 1, 16, 3}, []any{settings.Nodes, settings.Absent, settings.Shards, settings.Replicas})
}

// soakOnPaper is a soak of four nodes, one of them away, without any process.
func soakOnPaper(t *testing.T, seed uint64) *chaos {
	r := paperRun(t, paper{&strings.Builder{}}, "")
	r.result.Soak = &SoakResult{}
	r.doubts = newDoubts(4, r.now)
	return &chaos{r: r, ctx: context.Background(), soak: &Soak{}, rand: sim.NewStream(seed, "test"), away: 3}
}

// Draws are a function of the seed (and of who leads), never strike who is away, and name whom they
// strike.
func TestHarmsAreDrawn(t *testing.T) {
	spell := func(seed uint64) (list []string) {
		c := soakOnPaper(t, seed)
		for range 50 {
			for _, h := range harmKinds {
				if h.kind == "join" {
					continue // once only: below
				}
				b := h.draw(c)
				if b == nil {
					require.Equal(t, "drain", h.kind)
					continue
				}
				require.NotContains(t, b.on, 3, h.kind)
				require.NotEmpty(t, b.on, h.kind)
				require.Positive(t, b.lasts, h.kind)
				list = append(list, h.kind+" "+spellBlow(b))
			}
		}
		require.Equal(t, []Unreal{{"drain", "torc has no command for it yet"}}, c.r.result.LeftOut)
		return list
	}
	require.Equal(t, spell(1), spell(1))
	require.NotEqual(t, spell(1), spell(2))

	c := soakOnPaper(t, 1)
	require.Equal(t, sim.Join{Target: sim.Node(4)}, joins(c).fault)
	require.Nil(t, joins(c), "nobody is away any more")
}

// A drained node is ended and away, and joins later as a new life.
func TestDrain(t *testing.T) {
	c := soakOnPaper(t, 1)
	var drained []string
	c.soak.Drain = func(_ context.Context, _, name string) error { drained = append(drained, name); return nil }
	require.Nil(t, drains(c), "somebody is away already")
	c.away = nobody
	b := drains(c)
	d, err := b.do()
	require.NoError(t, err)
	require.Equal(t, c.r.nodes[c.away].String(), drained[0])
	require.Equal(t, "drained "+drained[0]+", and ended it", d.said)
	c.r.nodes[c.away].lives = 1
	require.Equal(t, sim.Restart{Target: sim.Node(c.away + 1)}, joins(c).fault)
}

// A suspicion counts as false when nothing excuses the suspect or the one who suspects; once for a
// life; and never about a former life.
func TestDoubts(t *testing.T) {
	now := time.Minute
	d := newDoubts(3, func() time.Duration { return now })
	says := func(by int, members ...node.MemberStatus) {
		d.take(by, &node.Status{Incarnation: wire.Incarnation(10 + by), Members: members})
	}
	for by := 1; by <= 3; by++ {
		says(by)
	}
	dead := func(of int) node.MemberStatus {
		return node.MemberStatus{Node: []string{"", "n1", "n2", "n3"}[of], Incarnation: wire.Incarnation(10 + of), State: "active", Gossip: "dead"}
	}
	says(1, dead(2))
	require.Empty(t, d.all(), "everybody has just begun")

	now = 2 * time.Minute
	says(1, dead(2))
	require.Empty(t, d.all(), "it has been noted then")
	says(1, node.MemberStatus{Node: "n2", Incarnation: 12, State: "active", Gossip: "alive"}, dead(1))
	says(1, dead(2))
	require.Equal(t, []Suspicion{{At: now, By: 1, Of: 2, What: "dead"}}, d.all(), "once more, and without a reason")
	former := dead(3)
	former.Incarnation = 7
	says(1, former)
	require.Len(t, d.all(), 1, "of a former life it is true")

	d.excuse([]int{2}, now, 5*time.Second)
	now += 19 * time.Second
	says(1, dead(3))
	require.Len(t, d.all(), 1, "n3 was cut off a while ago")
	says(2, dead(1))
	require.True(t, d.all()[1].Hearsay, "n3 may have said so")
	now += time.Minute
	down := dead(1)
	down.Gossip, down.State = "alive", "down"
	says(3, down)
	require.Equal(t, Suspicion{At: now, By: 3, Of: 1, What: "down"}, d.all()[2])
	require.Equal(t, 2, (&SoakResult{Suspicions: d.all()}).False())
}

func spellBlow(b *blow) string {
	text := script.SpellFault(b.fault)
	return fmt.Sprintf("%s, %v on %v", text, b.lasts, b.on)
}
