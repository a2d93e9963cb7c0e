package session

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// shelf is a cluster of one that answers after a while, with promises, and hears what was dropped.
type shelf struct {
	*world
	brain   *Brain
	takes   time.Duration
	asked   int
	dropped []uint64
	value   string
}

const promised = 900 * time.Millisecond

func newKeeper(bytes int64) *shelf {
	k := &shelf{world: newWorld(1), takes: 10 * time.Millisecond, value: "old"}
	k.brain = New(Config{Seeds: []string{"n1"}, Cache: Cache{MaxBytes: bytes}}, k, k, k)
	k.brain.Start()
	k.run(k.now)
	return k
}

func (k *shelf) FetchMap(id uint64, _ string) {
	k.After(0, func() { k.brain.OnMap(id, threeNodes(1, 8, 1)) })
}

func (k *shelf) Send(id uint64, addr string, r *wire.Request, _ time.Duration) {
	if r.Commands[0].Op == wire.OpDropped {
		k.dropped = append(k.dropped, r.Commands[0].Version)
		return
	}
	k.asked++
	answer := &wire.Response{Results: []wire.Result{{Kind: wire.KindBytes, Value: []byte(k.value), Version: 7, Int: promised.Milliseconds()}}}
	k.After(k.takes, func() { k.brain.OnResponse(id, answer) })
}

// get asks for a key; what it comes to is there when enough time has passed.
func (k *shelf) get(key string) *Item {
	var item Item
	k.brain.Do([]wire.Command{{Op: wire.OpGet, Key: []byte(key), Flags: wire.FlagCache}}, 5*time.Second, func(items []Item) { item = items[0] })
	return &item
}

func (k *shelf) getNow(key string) Item {
	item := k.get(key)
	k.run(k.now + k.takes)
	return *item
}

func (k *shelf) recall(id uint64, key string) {
	k.brain.OnRecall("n1", &wire.Recall{Shard: shardOf(k, key), ID: id, Key: []byte(key)})
}

func shardOf(k *shelf, key string) wire.ShardID { return k.brain.view.ShardOfKey([]byte(key)) }

// What was read is kept for as long as it is promised, counted from the question.
func TestWhatIsPromisedIsKept(t *testing.T) {
	k := newKeeper(1 << 20)
	k.takes = 300 * time.Millisecond
	asked := k.now
	require.False(t, k.getNow("k").Cached)
	again := k.getNow("k")
	require.True(t, again.Cached)
	require.Equal(t, "old", string(again.Result.Value))
	require.EqualValues(t, 7, again.Result.Version)
	k.run(asked + promised - time.Millisecond)
	_, kept := k.brain.Cached("k")
	require.True(t, kept)
	k.run(asked + promised)
	_, kept = k.brain.Cached("k")
	require.False(t, kept)
	require.Equal(t, 1, k.asked)
	require.Equal(t, []any{uint64(2), 0, int64(0)}, []any{k.brain.Stats().Hits, k.brain.Stats().Kept, k.brain.Stats().KeptBytes})
}

// What is recalled is dropped, before that is said; and so is an answer to what was asked before the recall, though it
// comes after it.
func TestWhatIsRecalledIsDropped(t *testing.T) {
	k := newKeeper(1 << 20)
	k.getNow("k")
	k.recall(5, "k")
	require.Equal(t, []uint64{5}, k.dropped)
	_, kept := k.brain.Cached("k")
	require.False(t, kept)

	late := k.get("k")
	k.recall(6, "k")
	k.run(k.now + k.takes)
	require.Equal(t, "old", string(late.Result.Value), "the answer counts: it was asked before the write was acknowledged")
	_, kept = k.brain.Cached("k")
	require.False(t, kept, "but is not kept")
	require.Equal(t, []uint64{5, 6}, k.dropped)

	k.value = "new"
	require.Equal(t, "new", string(k.getNow("k").Result.Value))
	require.True(t, k.getNow("k").Cached)
}

// What is not asked for with the flag, not promised, or more than one key, is not kept.
func TestOnlyPromisedReadsAreKept(t *testing.T) {
	k := newKeeper(1 << 20)
	k.brain.Do([]wire.Command{{Op: wire.OpGet, Key: []byte("k")}}, 0, func([]Item) {})
	k.run(k.now + time.Second)
	require.Zero(t, k.brain.Stats().Kept)
	k.getNow("k")
	k.brain.ForgetCached()
	require.Zero(t, k.brain.Stats().Kept)
}

// What is kept has a bound. What was not used for the longest time goes first, and what is large is not kept at all.
func TestTheCacheIsBounded(t *testing.T) {
	k := newKeeper(32 * (cachedOverhead + 1 + 3))
	keys := strings.Split("abcdefghijklmnopqrstuvwxyzABCDEF", "")
	for _, key := range keys {
		k.getNow(key)
	}
	require.Equal(t, 32, k.brain.Stats().Kept)
	_, kept := k.brain.Cached("a")
	require.True(t, kept)
	k.getNow("G")
	_, kept = k.brain.Cached("a")
	require.True(t, kept, "used just now")
	_, kept = k.brain.Cached("b")
	require.False(t, kept)
	require.Equal(t, 32, k.brain.Stats().Kept)
	require.LessOrEqual(t, k.brain.Stats().KeptBytes, k.brain.cache.max)
	k.value = strings.Repeat("x", int(k.brain.cache.max))
	k.getNow("H")
	_, kept = k.brain.Cached("H")
	require.False(t, kept)
}
