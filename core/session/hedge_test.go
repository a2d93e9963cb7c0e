package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// hedger is a cluster whose nodes take their time, each its own.
type hedger struct {
	*world
	brain  *Brain
	takes  map[string]time.Duration
	refuse map[string]bool
	asked  map[string]int
}

func newHedger(hedge Hedge) *hedger {
	h := &hedger{world: newWorld(1), takes: map[string]time.Duration{}, refuse: map[string]bool{}, asked: map[string]int{}}
	h.brain = New(Config{Seeds: []string{"n1"}, Hedge: hedge}, h, h, h)
	h.brain.Start()
	h.run(h.now)
	return h
}

func (h *hedger) FetchMap(id uint64, _ string) {
	h.After(0, func() { h.brain.OnMap(id, threeNodes(1, 8, 1)) })
}

func (h *hedger) Send(id uint64, addr string, _ *wire.Request, _ time.Duration) {
	h.asked[addr]++
	r := &wire.Response{Results: make([]wire.Result, 1)}
	if h.refuse[addr] {
		r = &wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNotLeader, Leader: 1}
	}
	h.After(h.takes[addr], func() { h.brain.OnResponse(id, r) })
}

// call makes a call and returns how long it took.
func (h *hedger) call(t require.TestingT, op wire.Op) time.Duration {
	began, took := h.now, time.Duration(-1)
	h.brain.Do([]wire.Command{{Op: op, Key: []byte("k")}}, 5*time.Second, func(items []Item) {
		require.Equal(t, wire.OutcomeOK, items[0].Outcome)
		took = h.now - began
	})
	h.run(h.now + 5*time.Second)
	require.NotEqual(t, time.Duration(-1), took)
	return took
}

// A read that takes too long is answered by another node; a write is not, and waits.
func TestAHedgeAnswersFirst(t *testing.T) {
	h := newHedger(Hedge{On: true, After: 20 * time.Millisecond})
	h.takes = map[string]time.Duration{"n1": 5 * time.Millisecond, "n2": 5 * time.Millisecond, "n3": 5 * time.Millisecond}
	for range 20 {
		require.Equal(t, 5*time.Millisecond, h.call(t, wire.OpGet))
	}
	require.Equal(t, 20, h.asked["n1"], "quick reads are asked once")
	h.takes["n1"] = 300 * time.Millisecond
	require.Equal(t, 25*time.Millisecond, h.call(t, wire.OpGet))
	require.Equal(t, 300*time.Millisecond, h.call(t, wire.OpSet))
	s := h.brain.Stats()
	require.Equal(t, []uint64{1, 1, 0}, []uint64{s.Hedges, s.HedgesWon, s.Retries})
}

// A hedge that is refused, or comes later, changes nothing: its part is answered by the node that was asked first.
func TestAHedgeThatFailsIsForgotten(t *testing.T) {
	h := newHedger(Hedge{On: true, After: 20 * time.Millisecond})
	for range 20 {
		h.call(t, wire.OpGet)
	}
	h.takes["n1"] = 100 * time.Millisecond
	h.refuse["n2"], h.refuse["n3"] = true, true
	before := h.asked["n1"]
	require.Equal(t, 100*time.Millisecond, h.call(t, wire.OpGet))
	h.refuse = nil
	h.takes["n2"], h.takes["n3"] = time.Second, time.Second
	require.Equal(t, 100*time.Millisecond, h.call(t, wire.OpGet))
	require.Equal(t, before+2, h.asked["n1"], "it was asked again")
	s := h.brain.Stats()
	require.Equal(t, []uint64{2, 0, 0, 0}, []uint64{s.Hedges, s.HedgesWon, s.Retries, s.Redirects})
}

// Without a time of its own a hedge waits for longer than 95 of 100 reads take.
func TestAHedgeLearnsItsTime(t *testing.T) {
	h := newHedger(Hedge{On: true})
	for i := range 200 {
		h.takes["n1"] = time.Duration(1+i%20) * time.Millisecond // 95 of 100 take 19 ms at most
		h.call(t, wire.OpGet)
	}
	require.InDelta(t, float64(20*time.Millisecond), float64(h.brain.hedges.after), float64(4*time.Millisecond))
	h.takes["n1"] = time.Second / 2
	require.Less(t, h.call(t, wire.OpGet), 25*time.Millisecond)
}

func TestStepsAndQuantilesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "time"))
		var h hedging
		h.took(d)
		q := h.quantile(100)
		require.Greater(t, q, d-time.Microsecond)
		require.LessOrEqual(t, q, d+d/4+6*time.Microsecond)
	})
}

// In a storm every read is late: hedges stay within a tenth of the reads all the same.
func TestHedgesKeepToTheirBudgetInAStorm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHedger(Hedge{On: true, After: time.Duration(rapid.IntRange(0, 20).Draw(t, "afterMillis")) * time.Millisecond})
		slow := time.Duration(rapid.IntRange(50, 3000).Draw(t, "slowMillis")) * time.Millisecond
		h.takes = map[string]time.Duration{"n1": slow, "n2": slow, "n3": slow}
		reads := rapid.IntRange(1, 1000).Draw(t, "reads")
		for i := range reads {
			h.After(time.Duration(i)*time.Millisecond, func() {
				h.brain.Do([]wire.Command{{Op: wire.OpGet, Key: []byte("k")}}, 5*time.Second, func([]Item) {})
			})
		}
		h.run(h.now + 10*time.Second)
		require.LessOrEqual(t, h.brain.Stats().Hedges, uint64(reads/10))
	})
}
