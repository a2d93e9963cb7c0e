package main

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	torcv1 "torc/api/v1"
)

func twoNodes() (*torcv1.TopologyResponse, []*torcv1.StatusResponse) {
	t := &torcv1.TopologyResponse{ClusterId: 0xc1, Epoch: 7, Replication: 2,
		Nodes:  []*torcv1.Node{{Id: 1, Name: "alpha", RespAddr: "a:6379"}, {Id: 2, Name: "beta", RespAddr: "b:6379"}},
		Shards: []*torcv1.Shard{{Id: 1}}}
	replica := func(shard uint32, id uint64, role string) *torcv1.ReplicaStatus {
		return &torcv1.ReplicaStatus{Shard: shard, Replica: id, Role: role, Term: 3, Applied: 40, Voters: []uint64{2*uint64(shard) + 1, 2*uint64(shard) + 2}, Keys: 5, Bytes: 2048}
	}
	return t, []*torcv1.StatusResponse{
		{Name: "alpha", UptimeMillis: 61_000, Answered: 9, Replicas: []*torcv1.ReplicaStatus{replica(0, 1, "leader"), replica(1, 3, "follower")}},
		{Name: "beta", UptimeMillis: 60_000, Answered: 8, Replicas: []*torcv1.ReplicaStatus{replica(0, 2, "follower"), replica(1, 4, "leader")}},
	}
}

func TestStatus(t *testing.T) {
	topology, answers := twoNodes()
	for _, c := range []struct {
		file     string
		answers  []*torcv1.StatusResponse
		failures []error
		colour   painter
	}{
		{"healthy", answers, make([]error, 2), false},
		{"colour", answers, make([]error, 2), true},
		{"unreachable", []*torcv1.StatusResponse{answers[0], nil}, []error{nil, errors.New("b:7401: connection refused")}, false},
	} {
		t.Run(c.file, func(t *testing.T) {
			var out bytes.Buffer
			newReport(topology, c.answers, c.failures).print(&out, c.colour, true)
			file := "testdata/status-" + c.file + ".txt"
			if os.Getenv("TORC_TEST_UPDATE") != "" {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(file, out.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), out.String())
		})
	}
}

// A leadership that is handed over while nodes are asked is claimed twice: the later term counts, in
// whatever order the claims come.
func TestStatusDuringTransfer(t *testing.T) {
	for _, late := range []int{0, 1} {
		topology, answers := twoNodes()
		for i, a := range answers {
			a.Replicas[1].Role, a.Replicas[1].Term = "leader", 3
			if i == late {
				a.Replicas[1].Term = 4
			}
		}
		r := newReport(topology, answers, make([]error, 2))
		require.Equal(t, []string{"alpha", "beta"}[late], r.Shards[1].Leader)
		require.EqualValues(t, 4, r.Shards[1].Term)
		require.Equal(t, 2, r.Nodes[0].Leads+r.Nodes[1].Leads, "as many as there are shards, with the meta group")
	}
}

// Flags may stand before and behind the arguments; behind -- all is arguments.
func TestParseMixed(t *testing.T) {
	for _, c := range []struct {
		args, rest []string
		nx         bool
	}{
		{[]string{"k", "v"}, []string{"k", "v"}, false},
		{[]string{"--nx", "k", "v"}, []string{"k", "v"}, true},
		{[]string{"k", "--nx", "v"}, []string{"k", "v"}, true},
		{[]string{"k", "v", "--nx"}, []string{"k", "v"}, true},
		{[]string{"k", "--", "--nx"}, []string{"k", "--nx"}, false},
	} {
		f := newFlags("test", "")
		nx := f.Bool("nx", false, "")
		rest, err := parseMixed(f, c.args)
		require.NoError(t, err)
		require.Equal(t, c.rest, rest)
		require.Equal(t, c.nx, *nx, "%v", c.args)
	}
}
