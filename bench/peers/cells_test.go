package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/bench/peers/load"
	"torc/bench/peers/peer"
	"torc/bench/peers/report"
)

// TestPlansFitTheirTime leaves the rest to starting, filling and stopping.
func TestPlansFitTheirTime(t *testing.T) {
	require.Less(t, plans["full"].takes(), 13*time.Minute)
	require.Less(t, plans["quick"].takes(), 75*time.Second)
	require.Less(t, plans["smoke"].takes(), 10*time.Second)
}

// TestEveryAimIsMeasured: a cell that an aim speaks of must not get lost from a plan.
func TestEveryAimIsMeasured(t *testing.T) {
	for _, mode := range []string{"full", "quick"} {
		run := &report.Run{Rounds: 1, Idle: []report.Idle{{Server: "torc", Connections: idleConnections}}}
		for _, c := range plans[mode].Cells {
			for _, name := range c.Peers {
				run.Samples = append(run.Samples, report.Sample{Shape: c.Shape, Peer: name, Result: load.Result{PerSecond: 1, P50: 1, P99: 1, P999: 1}})
			}
		}
		for text, measured := range report.Measured(run) {
			require.True(t, measured, "%s: no cell for %q", mode, text)
		}
	}
}

// TestCellsAreSound: no cell twice, and keys of each size.
func TestCellsAreSound(t *testing.T) {
	for mode, plan := range plans {
		seen := map[report.Shape]map[string]bool{}
		for _, c := range plan.Cells {
			require.Positive(t, keysOf[c.Shape.Size], "%s: how many keys of %d bytes?", mode, c.Shape.Size)
			for _, name := range c.Peers {
				require.False(t, seen[c.Shape][name], "%s: %s is asked %s twice", mode, name, c.Shape)
				if seen[c.Shape] == nil {
					seen[c.Shape] = map[string]bool{}
				}
				seen[c.Shape][name] = true
			}
		}
	}
}

func TestOnlyThosePresent(t *testing.T) {
	p := plans["full"].only([]string{"redis", "etcd"})
	require.NotEmpty(t, p.Cells)
	for _, c := range p.Cells {
		require.Subset(t, []string{"redis", "etcd"}, c.Peers)
		require.NotEmpty(t, c.Peers)
	}
	require.NotEmpty(t, plans["full"].Cells[0].Peers, "the plan itself is as it was")
	require.Contains(t, plans["full"].Cells[0].Peers, "torc")
}

// TestMissingPeersAreNamed, with what to do.
func TestMissingPeersAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	i := &installer{forbidden: true, shown: &progress{quiet: true}}
	for program := range peer.Programs {
		require.ErrorContains(t, i.find(program), program+" is not installed")
	}
	i.forbidden = false
	require.ErrorContains(t, i.find("memcached"), "no apt-get")
}
