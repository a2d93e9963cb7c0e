package host

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

func look(shard wire.ShardID) *wire.Look { return &wire.Look{Shard: shard} }

// TestLook: between two turns a read is answered where it is asked.
func TestLook(t *testing.T) {
	asked := 0
	lane := &fakeLane{onLook: func(l *wire.Look) bool {
		asked++
		l.Result = wire.Result{Kind: wire.KindInt, Int: 7}
		return l.Shard == 2
	}}
	h := start(t, Config{}, nil, lane)
	k := h.Looker()
	l := look(2)
	require.Eventually(t, func() bool { defer k.Done(); return k.Look(l) }, 10*time.Second, time.Millisecond)
	require.EqualValues(t, 7, l.Result.Int)
	require.False(t, k.Look(look(1)), "the lane says no")
	k.Done()
	require.NoError(t, h.Do(soon(t), 0, func() { require.Equal(t, 2, asked) }), "the lane goes on after Done")
}

// TestNoLookInATurn: whoever looks while a turn is under way is told to ask in the ordinary way, and does not wait.
func TestNoLookInATurn(t *testing.T) {
	lane := &fakeLane{onLook: func(*wire.Look) bool { return true }}
	h := start(t, Config{}, nil, lane, &fakeLane{onLook: lane.onLook})
	k := h.Looker()
	require.NoError(t, h.Do(soon(t), 0, func() {
		require.False(t, k.Look(look(2)))
		require.False(t, k.Look(look(2)), "and it is not asked again")
		require.Eventually(t, func() bool { defer k.Done(); return k.Look(look(1)) }, 10*time.Second, time.Millisecond, "the other lane has no turn")
	}))
	require.Eventually(t, func() bool { defer k.Done(); return k.Look(look(2)) }, 10*time.Second, time.Millisecond)
}

// TestNoLookBeforeStartNorAfterStop: a lane that has not begun, or has ended, may say anything.
func TestNoLookBeforeStartNorAfterStop(t *testing.T) {
	lane := &fakeLane{onLook: func(*wire.Look) bool { return true }}
	release := make(chan struct{})
	lane.onStart = func() { <-release }
	h := start(t, Config{}, nil, lane)
	k := h.Looker()
	require.False(t, k.Look(look(1)))
	k.Done()
	close(release)
	require.Eventually(t, func() bool { defer k.Done(); return k.Look(look(1)) }, 10*time.Second, time.Millisecond)
	require.NoError(t, h.Stop(soon(t)))
	require.False(t, k.Look(look(1)))
	k.Done()
}

// TestLooksAndTurnsAreOneAtATime: the lane's memory is nobody's but one goroutine's at a time (with -race this says more), and
// those who look do not keep the lane from its turns.
func TestLooksAndTurnsAreOneAtATime(t *testing.T) {
	state := 0
	lane := &fakeLane{
		onCall: func(c *wire.Call) { state++; c.Sink.Deliver(c.Tag, &wire.Response{}) },
		onLook: func(l *wire.Look) bool { l.Result.Int = int64(state); state += 0; return true },
	}
	h := start(t, Config{}, nil, lane)
	var all sync.WaitGroup
	over := make(chan struct{})
	for range 4 {
		all.Go(func() {
			k, last := h.Looker(), int64(0)
			for {
				select {
				case <-over:
					return
				default:
				}
				for range 3 {
					if l := look(1); k.Look(l) {
						require.GreaterOrEqual(t, l.Result.Int, last)
						last = l.Result.Int
					}
				}
				k.Done()
			}
		})
	}
	answered := make(replies, 1)
	for range 1000 {
		h.Submit(onShard(1, answered))
		await(t, answered)
	}
	close(over)
	all.Wait()
	require.NoError(t, h.Do(soon(t), 0, func() { require.Equal(t, 1000, state) }))
}

// TestALookReadsTheClock: the time by which a lease is judged is not older than the read that rests on it.
func TestALookReadsTheClock(t *testing.T) {
	lane := &fakeLane{onLook: func(*wire.Look) bool { return true }}
	h := start(t, Config{}, nil, lane)
	k := h.Looker()
	clock := &h.loops[0].world.clock
	require.Eventually(t, func() bool { defer k.Done(); return k.Look(look(1)) }, 10*time.Second, time.Millisecond)
	h.loops[0].gate.enter()
	clock.base -= time.Hour // as after an hour's suspension
	before := clock.now()
	h.loops[0].gate.leave()
	require.Eventually(t, func() bool {
		defer k.Done()
		return k.Look(look(1)) && clock.now()-before >= time.Hour
	}, 10*time.Second, time.Millisecond)
}
