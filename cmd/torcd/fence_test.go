package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
	"torc/core/wire"
)

// Two processes under one name: the one that joined later is the node, the other one ends and says why.
func TestTheLaterLifeWins(t *testing.T) {
	c := proctest.Start(t, 3, "--shards", "4")
	first := c.Nodes[0]
	twin := proctest.New(t, 1, "--shards", "4", "--name", first.Peer, "--join", c.Nodes[1].Peer).Nodes[0]
	twin.Start()
	require.Equal(t, 2, first.Wait(20*time.Second), "exit code of the earlier life\n%s", first.Log())
	require.Contains(t, first.Log(), "under this node's name")
	proctest.Until(t, proctest.FormsWithin, "the later life serves", twin.Ready)
}

// A node that joins a running cluster is given its share, and one that stays silent for longer than
// its grace is done without.
func TestReplicasAreMoved(t *testing.T) {
	c := proctest.Start(t, 3, "--grace", "3s")
	newcomer := proctest.New(t, 1, "--join", c.Nodes[0].Peer, "--grace", "3s").Nodes[0]
	newcomer.Start()
	holds := func(n *proctest.Node, least int) func() error {
		return func() error { return n.Holds(least) }
	}
	proctest.Until(t, proctest.FormsWithin, "the newcomer holds its share", holds(newcomer, 64*3/4-8))
	c.Nodes[2].Kill()
	proctest.Until(t, 2*proctest.FormsWithin, "the others hold everything", func() error {
		for _, n := range []*proctest.Node{c.Nodes[0], c.Nodes[1], newcomer} {
			if err := n.Holds(65); err != nil {
				return err
			}
		}
		return nil
	})
}

// A node that crashes and is back within its grace comes back empty, is let in, and is given its
// replicas back: nobody makes them anew on the spare node meanwhile.
func TestBackWithinTheGrace(t *testing.T) {
	c := proctest.Start(t, 4, "--shards", "16", "--grace", "60s")
	held := func(n *proctest.Node) (shards []wire.ShardID) {
		s, err := n.Status()
		require.NoError(t, err)
		for _, lane := range s.Lanes {
			for _, g := range lane.Groups {
				if len(g.Voters) > 0 {
					shards = append(shards, g.Shard)
				}
			}
		}
		slices.Sort(shards)
		return shards
	}
	victim := c.Nodes[3]
	before := held(victim)
	victim.Restart()
	proctest.Until(t, proctest.FormsWithin, "its next life holds what it held", func() error { return victim.Holds(len(before)) })
	c.WaitWhole(proctest.FormsWithin)
	require.Equal(t, before, held(victim))
}
