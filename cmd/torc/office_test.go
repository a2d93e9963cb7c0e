package main

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
)

// office is a node that takes operators' requests, and refuses them all if it is told to.
type office struct {
	torcv1.UnimplementedAdminServer
	torcv1.UnimplementedCacheServer
	refuses string              // a word of api/v1/admin.proto
	states  []torcv1.Node_State // of n1, one for each look; the last one stays
	checks  []*torcv1.RollCheckResponse

	mu    sync.Mutex
	asked int
}

// next counts a question, and says how many there were of its kind before, as far as there are answers.
func (o *office) next(answers int) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if o.refuses == "" {
		return min(o.asked, answers) - 1, nil
	}
	no, err := status.New(codes.Unavailable, "refused: "+o.refuses).WithDetails(&errdetails.ErrorInfo{Reason: o.refuses, Domain: "torc"})
	if err != nil {
		return 0, err
	}
	return 0, no.Err()
}

func (o *office) RollCheck(context.Context, *torcv1.RollCheckRequest) (*torcv1.RollCheckResponse, error) {
	i, err := o.next(len(o.checks))
	if err != nil {
		return nil, err
	}
	return o.checks[i], nil
}

func (o *office) Drain(context.Context, *torcv1.DrainRequest) (*torcv1.AdminResponse, error) {
	if o.refuses != "" {
		_, err := o.next(0)
		return nil, err
	}
	return &torcv1.AdminResponse{Lines: []string{"n1 gives away what it holds"}}, nil
}

func (o *office) Topology(context.Context, *torcv1.TopologyRequest) (*torcv1.TopologyResponse, error) {
	i, err := o.next(len(o.states))
	if err != nil {
		return nil, err
	}
	return &torcv1.TopologyResponse{Nodes: []*torcv1.Node{{Id: 1, Name: "n1", State: o.states[i]}}}, nil
}

func (o *office) start(t *testing.T) (addr string) {
	t.Helper()
	return serve(t, func(s *grpc.Server) { torcv1.RegisterAdminServer(s, o); torcv1.RegisterCacheServer(s, o) })
}

// A name or a password that is wrong stays wrong: nobody waits for it.
func TestRollDoesNotWaitInVain(t *testing.T) {
	for _, word := range []string{"NO_NODE", "UNAUTHENTICATED"} {
		o := &office{refuses: word}
		begun := time.Now()
		_, stderr, code := torc(t, "roll", "--check", "--wait", "20s", "n9", "--addr", o.start(t))
		require.Equal(t, exitError, code)
		require.Contains(t, stderr, "refused: "+word)
		require.Less(t, time.Since(begun), 15*time.Second, word)
	}
}

// Who waits is told for what, once for a while; the answer itself is all that goes to stdout.
func TestRollSaysWhatItWaitsFor(t *testing.T) {
	not := &torcv1.RollCheckResponse{Lines: []string{"shard 3: nobody answers as its leader"}}
	o := &office{checks: []*torcv1.RollCheckResponse{not, not, {Safe: true, Lines: []string{"n1 may be stopped now"}}}}
	stdout, stderr, code := torc(t, "roll", "--check", "--wait", "1m", "n1", "--addr", o.start(t))
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "safe\nn1 may be stopped now\n", stdout)
	require.Equal(t, "torc roll: not yet: shard 3: nobody answers as its leader\n", stderr)
}

// A node that has just been started knows no cluster yet; the next one does.
func TestAsksTheNextNode(t *testing.T) {
	fresh, old := &office{refuses: "NOT_READY"}, &office{}
	require.Equal(t, exitOK, run([]string{"drain", "n1", "--addr", fresh.start(t) + "," + old.start(t)}))
	_, stderr, code := torc(t, "drain", "n1", "--addr", fresh.start(t))
	require.Equal(t, exitError, code)
	require.Contains(t, stderr, "it is in no cluster yet: its log and /readyz say what it waits for")
	_, stderr, code = torc(t, "status", "--addr", fresh.start(t))
	require.Equal(t, exitError, code)
	require.Contains(t, stderr, "it is in no cluster yet")
	stern := &office{refuses: "TOO_FEW_NODES"}
	require.Equal(t, exitError, run([]string{"drain", "n1", "--addr", stern.start(t) + "," + old.start(t)}), "a no is a no")
}

// The node that is asked may not have heard of the draining yet. That it was taken back is said when that is sure.
func TestDrainWaits(t *testing.T) {
	const active, draining, left = torcv1.Node_ACTIVE, torcv1.Node_DRAINING, torcv1.Node_LEFT
	for _, c := range []struct {
		node   string
		states []torcv1.Node_State
		code   int
		said   string
	}{
		{"n1", []torcv1.Node_State{active, draining, left}, exitOK, ""},
		{"n1", []torcv1.Node_State{draining, active}, exitError, "takes part again"},
		{"10.0.0.1:7400", []torcv1.Node_State{draining}, exitError, "say its name"},
	} {
		stdout, stderr, code := torc(t, "drain", c.node, "--wait", "--addr", (&office{states: c.states}).start(t))
		require.Equal(t, c.code, code, "%v: %s%s", c, stdout, stderr)
		require.Contains(t, stderr, c.said)
	}
}

// A draining that makes no step is told of after a while, and then now and then, until it makes one.
func TestStall(t *testing.T) {
	var s stall
	at := time.Unix(0, 0)
	told := func(after time.Duration, step string) bool {
		_, tell := s.look(step, at.Add(after))
		return tell
	}
	require.False(t, told(0, "8 to go"))
	require.False(t, told(14*time.Second, "7 to go"), "it went on")
	require.False(t, told(28*time.Second, "7 to go"))
	require.True(t, told(29*time.Second, "7 to go"))
	require.False(t, told(80*time.Second, "7 to go"))
	require.True(t, told(90*time.Second, "7 to go"))
	require.False(t, told(91*time.Second, "6 to go"))
	require.True(t, told(106*time.Second, "6 to go"))
}

// What it waits for is said in the words of those who know: nodes that do not answer, and what is the matter with shards.
func TestSayStall(t *testing.T) {
	o := &office{states: []torcv1.Node_State{torcv1.Node_DOWN}, checks: []*torcv1.RollCheckResponse{{Lines: []string{"shard 3: its replica on n2 is silent, or lacks much of the log"}}}}
	var out strings.Builder
	sayStall(&out, &connection{addr: o.start(t), timeout: 5 * time.Second}, 15*time.Second)
	require.Contains(t, out.String(), "torc drain: nothing has moved for 15s. What is in the way:\n  node n1 is down\n")
	require.Contains(t, out.String(), "  shard 3: its replica on n2 is silent, or lacks much of the log\n")

	out.Reset()
	sayStall(&out, &connection{addr: (&office{refuses: "NO_QUORUM"}).start(t), timeout: 5 * time.Second}, 15*time.Second)
	require.Contains(t, out.String(), "refused: NO_QUORUM")
}
