package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
	"torc/core/gossip"
	"torc/core/wire"
)

// suspectsWithin is what an operator is promised: so soon after the death of a process the other
// nodes, and so torc status on any of them, say that something is wrong with it.
const suspectsWithin = 3 * time.Second

// believes reports whether a node believes one of these of another one's life.
func believes(n *proctest.Node, node wire.NodeID, life wire.Incarnation, want ...gossip.Status) error {
	s, err := n.Status()
	if err != nil {
		return err
	}
	for _, e := range s.Peers {
		if e.Node != node || e.Incarnation != life {
			continue
		}
		for _, status := range want {
			if e.Status == status {
				return nil
			}
		}
		return fmt.Errorf("it is believed to be %v", e.Status)
	}
	return errors.New("nobody knows it")
}

// A process is killed: the others suspect it soon, and then believe it dead. Until then its word
// about itself is shown, wherever the tool is pointed at. Started again, it is another life.
func TestGossipSuspects(t *testing.T) {
	t.Parallel() // it mostly waits
	c := proctest.Start(t, 3)
	victim, others := c.Nodes[2], c.Nodes[:2]
	before, err := victim.Status()
	require.NoError(t, err)
	for _, n := range others {
		proctest.Until(t, proctest.FormsWithin, "the digest of the third node is there", func() error {
			s, err := n.Status()
			if err != nil {
				return err
			}
			for _, e := range s.Peers {
				if h, err := gossip.DecodeHealth(e.Digest); e.Node == before.ID && err == nil && h.Epoch > 0 && h.Replicas > 0 {
					return nil
				}
			}
			return errors.New("not yet")
		})
	}

	_, _, _ = proctest.Torc(t, "status", "--addr", others[0].GRPC) // the first call builds the tool
	victim.Kill()
	begin := time.Now()
	for _, n := range others {
		proctest.Until(t, suspectsWithin*slowMachine, "the node that was killed is suspected", func() error {
			return believes(n, before.ID, before.Incarnation, gossip.Suspect, gossip.Dead)
		})
	}
	suspected := time.Since(begin)
	stdout, _, _ := proctest.Torc(t, "status", "--addr", others[0].GRPC)
	require.Regexp(t, `(suspect|dead) \([12] of 2\)`, stdout)
	shown := time.Since(begin)
	for _, n := range others {
		proctest.Until(t, proctest.FormsWithin, "the node that was killed is believed dead", func() error {
			return believes(n, before.ID, before.Incarnation, gossip.Dead)
		})
	}
	t.Logf("suspected by both others after %v, shown by torc status after %v, believed dead by both after %v", suspected, shown, time.Since(begin))
	require.Less(t, suspected, suspectsWithin*slowMachine)

	victim.Start()
	victim.WaitReady(proctest.FormsWithin)
	after, err := victim.Status()
	require.NoError(t, err)
	for _, n := range others {
		proctest.Until(t, proctest.FormsWithin, "the new life is believed in", func() error {
			return believes(n, after.ID, after.Incarnation, gossip.Alive)
		})
	}
}
