package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	torcv1 "torc/api/v1"
)

// twoNodes is a healthy cluster of two nodes with one shard: its topology, and what the nodes say.
func twoNodes() (*torcv1.TopologyResponse, []*torcv1.StatusResponse) {
	t := &torcv1.TopologyResponse{ClusterId: 0xc1, Epoch: 7, Replication: 2,
		Nodes:  []*torcv1.Node{{Id: 1, Name: "alpha", RespAddr: "a:6379", GrpcAddr: "a:7401", Weight: 100}, {Id: 2, Name: "beta", RespAddr: "b:6379", GrpcAddr: "b:7401", Weight: 100}},
		Shards: []*torcv1.Shard{{Id: 1, Replicas: []*torcv1.Shard_Replica{{Id: 3, Node: 1, Voter: true}, {Id: 4, Node: 2, Voter: true}}}}}
	replica := func(shard uint32, id uint64, role string) *torcv1.ReplicaStatus {
		return &torcv1.ReplicaStatus{Shard: shard, Replica: id, Role: role, Term: 3, Applied: 40, Voters: []uint64{2*uint64(shard) + 1, 2*uint64(shard) + 2}, Keys: 5, Bytes: 2048}
	}
	return t, []*torcv1.StatusResponse{
		{Node: 1, Name: "alpha", ClusterId: 0xc1, Lanes: 2, UptimeMillis: 61_000, Answered: 9, Replicas: []*torcv1.ReplicaStatus{replica(0, 1, "leader"), replica(1, 3, "follower")}},
		{Node: 2, Name: "beta", ClusterId: 0xc1, Lanes: 2, UptimeMillis: 60_000, Answered: 8, Refused: 1, Replicas: []*torcv1.ReplicaStatus{replica(0, 2, "follower"), replica(1, 4, "leader")}},
	}
}

// lost is a cluster one shard of which was begun anew, twice, and whose other one waits for that. So was its
// meta group, as a node knows that has the newest map.
func lost() (*torcv1.TopologyResponse, []*torcv1.StatusResponse) {
	t, answers := twoNodes()
	t.Shards[0].Losses, t.Shards[0].LostAtMillis = 2, 1_700_000_000_000
	t.Shards = append(t.Shards, &torcv1.Shard{Id: 2, WithoutQuorum: true, Replicas: []*torcv1.Shard_Replica{{Id: 7, Node: 1, Voter: true}, {Id: 8, Node: 2, Voter: true}}})
	answers[1].MetaLosses, answers[1].MetaLostAtMillis = 1, 1_700_000_060_000
	return t, answers
}

// degraded is a cluster of three nodes, two replicas and twelve shards. Node gamma is decided to be down
// and still answers, delta has left. Shard 1 has a laggard, shard 2 moves from gamma to alpha, shard 3
// has no leader, and gamma lives a new life in which it has forgotten its replicas of all the others.
func degraded() (*torcv1.TopologyResponse, []*torcv1.StatusResponse) {
	t, answers := twoNodes()
	t.Nodes = append(t.Nodes, &torcv1.Node{Id: 3, Name: "gamma", RespAddr: "g:6379", GrpcAddr: "g:7401", Weight: 150, State: torcv1.Node_DOWN},
		&torcv1.Node{Id: 4, Name: "delta", RespAddr: "d:6379", GrpcAddr: "d:7401", Weight: 100, State: torcv1.Node_LEFT})
	gamma := &torcv1.StatusResponse{Node: 3, Name: "gamma", ClusterId: 0xc1, Lanes: 2, UptimeMillis: 1_000}
	answers[1].Replicas[1].Lag = 20_000
	hold := func(s *torcv1.StatusResponse, g *torcv1.ReplicaStatus) { s.Replicas = append(s.Replicas, g) }
	for shard := uint32(2); shard <= 12; shard++ {
		on, of := uint64(10*shard), uint64(10*shard+1) // replicas on beta and gamma
		home := &torcv1.Shard{Id: shard, Replicas: []*torcv1.Shard_Replica{{Id: on, Node: 2, Voter: true}, {Id: of, Node: 3, Voter: true}}}
		leader := &torcv1.ReplicaStatus{Shard: shard, Replica: on, Role: "leader", Term: 5, Applied: 7, Voters: []uint64{on, of}, Keys: 1, Bytes: 3 << 20, LogBytes: 2 << 30}
		switch shard {
		case 2:
			home.Replicas[1].Leaving = true
			home.Replicas = append(home.Replicas, &torcv1.Shard_Replica{Id: 22, Node: 1})
			leader.Learners = []uint64{22}
			hold(answers[0], &torcv1.ReplicaStatus{Shard: 2, Replica: 22, Role: "learner", Term: 5, Applied: 3})
			hold(gamma, &torcv1.ReplicaStatus{Shard: 2, Replica: of, Role: "follower", Term: 5, Applied: 7})
		case 3:
			leader.Role, leader.Term = "candidate", 6
		}
		hold(answers[1], leader)
		t.Shards = append(t.Shards, home)
	}
	return t, append(answers, gamma, nil)
}

// silent is the cluster of two nodes when beta does not answer.
func silent() (*torcv1.TopologyResponse, []*torcv1.StatusResponse) {
	t, answers := twoNodes()
	answers[1] = nil
	return t, answers
}

// gossiping is the cluster of two nodes and one that has no replicas, when beta does not answer and
// the others speak of it.
func gossiping() (*torcv1.TopologyResponse, []*torcv1.StatusResponse) {
	t, answers := silent()
	t.Nodes = append(t.Nodes, &torcv1.Node{Id: 3, Name: "gamma", RespAddr: "g:6379", GrpcAddr: "g:7401"})
	answers = append(answers, &torcv1.StatusResponse{Node: 3, Name: "gamma", ClusterId: 0xc1, Lanes: 1, UptimeMillis: 4_000})
	word := func(of uint64, belief string, h *torcv1.Health) *torcv1.Belief {
		return &torcv1.Belief{Node: of, Belief: belief, Health: h}
	}
	busy := &torcv1.Health{UptimeSeconds: 58, RequestRate: 1200, MemoryUsed: 3 << 30, MemoryMax: 4 << 30, HitRate: 934, Leads: 1}
	stale := &torcv1.Health{UptimeSeconds: 57, RequestRate: 9, HitRate: -1}
	answers[0].Peers = []*torcv1.Belief{word(1, "alive", &torcv1.Health{UptimeSeconds: 61, RequestRate: 800, HitRate: 1000}), word(2, "suspect", busy), word(3, "alive", nil)}
	answers[2].Peers = []*torcv1.Belief{word(3, "alive", &torcv1.Health{UptimeSeconds: 4, HitRate: -1, MemoryMax: 4 << 30}), word(1, "alive", nil), word(2, "alive", stale)}
	return t, answers
}

func TestStatus(t *testing.T) {
	refused := errors.New("dial tcp b:7401: connect: connection refused")
	for _, c := range []struct {
		file     string
		cluster  func() (*torcv1.TopologyResponse, []*torcv1.StatusResponse)
		failures []error
		all      bool
		troubles int
	}{
		{"healthy", twoNodes, make([]error, 2), false, 0},
		{"healthy-shards", twoNodes, make([]error, 2), true, 0},
		{"degraded", degraded, make([]error, 4), false, 12},
		{"degraded-shards", degraded, make([]error, 4), true, 12},
		{"unreachable", silent, []error{nil, refused}, false, 3},
		{"lost", lost, make([]error, 2), false, 1},
		{"gossip", gossiping, []error{nil, refused, nil}, false, 3},
	} {
		for colour, suffix := range map[painter]string{false: "", true: "-colour"} {
			t.Run(c.file+suffix, func(t *testing.T) {
				topology, answers := c.cluster()
				var out bytes.Buffer
				r := newReport(topology, answers, c.failures)
				require.Len(t, r.Trouble, c.troubles, "%v", r.Trouble)
				r.print(&out, colour, c.all)
				golden(t, "testdata/status-"+c.file+suffix+".txt", out.Bytes())
			})
		}
	}
}

// What scripts read.
func TestStatusJSON(t *testing.T) {
	topology, answers := silent()
	r := newReport(topology, answers, []error{nil, errors.New("no answer in time")})
	out, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	golden(t, "testdata/status-unreachable.json", append(out, '\n'))
}

// golden compares with a file. TORC_TEST_UPDATE=1 writes it: then read the diff.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if os.Getenv("TORC_TEST_UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// A meta group without leader is described by its followers: no map that clients see has it.
func TestStatusWithoutMetaLeader(t *testing.T) {
	topology, answers := twoNodes()
	answers[0].Replicas[0].Role = "follower"
	r := newReport(topology, answers, make([]error, 2))
	require.Equal(t, []string{"meta group: no leader was found"}, r.Trouble)
	require.Equal(t, []string{"alpha", "beta"}, r.Shards[0].Voters)
	require.Equal(t, 1, r.Leaderless)
	require.Zero(t, r.Short)
}

// When too few of the meta group's voters are there to elect anybody, no waiting helps: the operator is told of what does.
func TestStatusOfALostMetaGroup(t *testing.T) {
	topology, answers := silent()
	answers[0].Replicas[0].Role = "follower"
	r := newReport(topology, answers, []error{nil, errors.New("connection refused")})
	require.Contains(t, r.Trouble, "meta group: no leader was found")
	require.Contains(t, r.Advice, "1 of its 2 voters answer")
	require.Contains(t, r.Advice, "torc recover-meta --addr a:7401 ")
	var out strings.Builder
	r.print(&out, false, false)
	require.Contains(t, out.String(), r.Advice)

	topology, answers = twoNodes()
	answers[0].Replicas[0].Role = "follower"
	require.Empty(t, newReport(topology, answers, make([]error, 2)).Advice, "they can elect one")
	topology, answers = silent()
	require.Empty(t, newReport(topology, answers, []error{nil, errors.New("connection refused")}).Advice, "it has a leader")
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

// TestStatusTellsOfHotKeys, of nodes that have held copies.
func TestStatusTellsOfHotKeys(t *testing.T) {
	topology, answers := twoNodes()
	answers[0].HotKeys = &torcv1.HotKeys{}
	answers[1].HotKeys = &torcv1.HotKeys{Held: 2, Reads: 1500, Copies: 40, Recalls: 3}
	r := newReport(topology, answers, make([]error, len(answers)))
	var out strings.Builder
	r.printHot(&out)
	require.Equal(t, fmt.Sprintf(`
HOT KEYS  HELD  READS  COPIES  RECALLED
%-8s  2     1500   40      3
`, r.Nodes[1].Name), out.String())
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"hot_keys":{"held":2,"reads":1500,"copies":40,"recalls":3}`)

	answers[1].HotKeys = nil // an earlier version
	r = newReport(topology, answers, make([]error, len(answers)))
	out.Reset()
	r.printHot(&out)
	require.Empty(t, out.String())
}

// TestStatusTellsOfEviction, of nodes that give up keys.
func TestStatusTellsOfEviction(t *testing.T) {
	r := report{Nodes: []nodeReport{{Name: "alpha", Policy: "allkeys-lru"}, {Name: "beta", Policy: "allkeys-lru", Evicted: 7},
		{Name: "gamma", Policy: "allkeys-lru", Evicted: 8, Curve: []int32{100, 205, 300, 1000}}}}
	var out strings.Builder
	r.printEviction(&out)
	require.Equal(t, `
EVICTION  POLICY       EVICTED  HITS WITH 0.5x MEMORY  1x     2x     4x
beta      allkeys-lru  7        -                      -      -      -
gamma     allkeys-lru  8        10.0%                  20.5%  30.0%  100.0%
`, out.String())
	out.Reset()
	(&report{Nodes: r.Nodes[:1]}).printEviction(&out)
	require.Empty(t, out.String())
}
