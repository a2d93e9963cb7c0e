package store

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

var testConfig = Config{Shard: 1, Shards: 1, MaxValue: 24, SessionTTL: 500, SessionsMax: 4, WindowMax: 4, LeasesMax: 3}

// TestStoreIsTheModel plays random batches on a store, on a twin that is now and then replaced by
// its restored snapshot, and on the model. What sessions may take is much, or little, or less than some results.
func TestStoreIsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := testConfig
		cfg.SessionBytes = rapid.SampledFrom([]int64{0, 1200, 500, 350}).Draw(t, "session bytes")
		m := &machine{cfg: cfg, store: New(cfg), twin: New(cfg), model: &model{cfg: cfg}}
		t.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"apply":    m.apply,
			"burst":    m.burst,
			"read":     m.read,
			"scan":     m.scan,
			"snapshot": m.snapshot,
		})
		m.drain(t)
	})
}

type machine struct {
	cfg         Config
	store, twin *Store
	model       *model
	running     *Snapshot // begun some steps ago
	chunks      [][]byte
	digest      uint64 // of the store when running was begun
}

// check runs after every action.
func (m *machine) check(t *rapid.T) {
	require.Equal(t, m.store.Digest(), m.twin.Digest())
	require.Equal(t, m.store.Bytes(), m.twin.Bytes())
	require.NoError(t, m.store.verify())
	require.NoError(t, m.twin.verify())
	require.Equal(t, m.model.sessionBytes()+m.store.leaseBytes, m.store.SessionBytes())
	require.LessOrEqual(t, m.model.sessionBytes(), m.cfg.defaults().SessionBytes)
	require.Equal(t, m.model.time, m.store.Time())
	require.Equal(t, len(m.model.keys), m.store.Len())
	at, ok := m.store.NextExpiry()
	wantAt, wantOK := m.model.nextExpiry()
	require.Equal(t, wantOK, ok)
	require.Equal(t, wantAt, at)
}

func (m *machine) apply(t *rapid.T) {
	b := &wire.Batch{Time: m.model.time + rapid.SampledFrom([]int64{-5, 0, 1, 7, 40, 300}).Draw(t, "time")}
	for range rapid.IntRange(0, 3).Draw(t, "requests") {
		b.Requests = append(b.Requests, drawRequest(t))
		m.aim(t, b.Requests[len(b.Requests)-1].Commands)
	}
	m.applyAll(t, b)
}

// aim makes some leases, fills and guards such that they may be granted, taken and met.
func (m *machine) aim(t *rapid.T, cmds []wire.Command) {
	for i := range cmds {
		c := &cmds[i]
		if c.Op != wire.OpLease && c.Op != wire.OpFill && c.Op != wire.OpGuard || !rapid.Bool().Draw(t, "aimed") {
			continue
		}
		if l := m.model.leased(c.Key); c.Op == wire.OpFill && l != nil {
			c.Version = l.token
		} else if c.Op != wire.OpFill {
			c.Version = m.model.presentVersion(c.Key)
		}
	}
}

func (m *machine) applyAll(t *rapid.T, b *wire.Batch) {
	want := showAll(m.model.apply(b))
	require.Equal(t, want, showAll(m.store.Apply(b)))
	require.Equal(t, want, showAll(m.twin.Apply(b)))
	for i := range b.Requests { // what is kept must be a copy
		for _, c := range b.Requests[i].Commands {
			for _, kept := range [][]byte{c.Key, c.Value} {
				for j := range kept {
					kept[j] = '#'
				}
			}
		}
	}
}

// burst sets more keys that expire together than one entry removes.
func (m *machine) burst(t *rapid.T) {
	b := &wire.Batch{}
	for i := range rapid.IntRange(60, 140).Draw(t, "keys") {
		b.Requests = append(b.Requests, request(wire.Command{
			Op: wire.OpSet, Key: []byte("burst" + strconv.Itoa(i)), TTLKind: wire.TTLRelative, TTL: int64(5 + i%3)}))
	}
	m.applyAll(t, b)
}

// read compares Read at log time with the model, and holds Read's clock to its word.
func (m *machine) read(t *rapid.T) {
	c := drawReadCommand(t)
	aimed := []wire.Command{c}
	m.aim(t, aimed)
	c = aimed[0]
	results, needsTick := m.store.Read([]wire.Command{c}, 0)
	require.False(t, needsTick)
	require.Equal(t, showFull(m.model.read(&c)), showFull(results[0]))

	ahead := rapid.Int64Range(0, 60).Draw(t, "ahead")
	k := m.model.lookup(c.Key)
	stale := k != nil && k.expireAt != 0 && k.expireAt <= m.model.time+ahead && c.Op != wire.OpCount && c.Op != wire.OpCountInSlot
	results, needsTick = m.store.Read([]wire.Command{c}, m.model.time+ahead)
	require.Equal(t, stale, needsTick)
	if looked, ok := m.store.Look(&c, m.model.time+ahead); ok {
		require.False(t, needsTick)
		require.Equal(t, showFull(results[0]), showFull(looked), "a look says what a read says")
	} else {
		require.True(t, needsTick || c.Flags != 0 || c.Op == wire.OpTouch || c.Op == wire.OpGuard || c.Op == wire.OpCount || c.Op == wire.OpCountInSlot || c.Op == wire.OpSlotKeys, "%v", c)
	}
	if !needsTick && c.Op == wire.OpTTL && k != nil && k.expireAt != 0 {
		require.Equal(t, k.expireAt-m.model.time-ahead, results[0].Int)
	}
}

// scan walks the whole shard, with writes in between: what is there all the time comes once.
func (m *machine) scan(t *rapid.T) {
	var seen []string
	stayed := m.model.alive() // those that were there at every call
	for cursor, first := int64(0), true; first || cursor != 0; first = false {
		if !first && rapid.Bool().Draw(t, "write") {
			m.apply(t)
		}
		present := m.model.alive()
		stayed = slices.DeleteFunc(stayed, func(key string) bool { return !slices.Contains(present, key) })
		c := wire.Command{Op: wire.OpScan, Start: cursor, End: rapid.Int64Range(0, 40).Draw(t, "count")}
		results, _ := m.store.Read([]wire.Command{c}, 0)
		for _, key := range results[0].List {
			require.Contains(t, present, string(key))
			require.NotContains(t, seen, string(key), "twice")
			seen = append(seen, string(key))
		}
		cursor = results[0].Int
	}
	require.Subset(t, seen, stayed)
}

// snapshot begins a snapshot, reads some of it, or ends it and puts the copy in the twin's place.
func (m *machine) snapshot(t *rapid.T) {
	if m.running == nil {
		m.running, m.digest, m.chunks = m.store.Snapshot(), m.store.Digest(), nil
	}
	for range rapid.IntRange(1, 8).Draw(t, "chunks") {
		chunk, done := m.running.Next(rapid.IntRange(0, 300).Draw(t, "max"))
		m.chunks = append(m.chunks, chunk)
		if done {
			m.finish(t)
			return
		}
	}
}

func (m *machine) finish(t *rapid.T) {
	r := NewRestorer(m.cfg)
	for _, chunk := range m.chunks {
		require.NoError(t, r.Add(chunk))
	}
	restored, err := r.Finish()
	require.NoError(t, err)
	require.Equal(t, m.digest, restored.Digest(), "the snapshot is of the moment when it was begun")
	require.NoError(t, restored.verify())
	m.running = nil
	if m.store.Digest() == m.digest {
		m.twin = restored
	}
}

// drain ends with a snapshot that no write disturbs, so that every run has one.
func (m *machine) drain(t *rapid.T) {
	restored, err := copyOf(m.cfg, m.store, 64)
	require.NoError(t, err)
	m.twin = restored
	m.check(t)
	m.apply(t)
	m.check(t)
}

// Names are k.. and, where numbers stay so small that the model's arithmetic is exact, f..
var drawName = rapid.Map(rapid.IntRange(0, 12), func(n int) []byte {
	if n > 9 {
		return fmt.Appendf(nil, "f%d", n)
	}
	return fmt.Appendf(nil, "k%d", n)
})

func drawRequest(t *rapid.T) (r wire.Request) {
	if r.Session.Client = uint64(rapid.IntRange(0, 6).Draw(t, "client")); r.Session.Client != 0 {
		r.Session.Seq = uint64(rapid.IntRange(1, 12).Draw(t, "seq"))
		r.Session.Floor = uint64(rapid.IntRange(0, 12).Draw(t, "floor"))
		r.Session.Retry = rapid.Bool().Draw(t, "retry")
	}
	for range rapid.IntRange(0, 3).Draw(t, "commands") {
		if rapid.IntRange(0, 4).Draw(t, "reads") == 0 {
			r.Commands = append(r.Commands, drawReadCommand(t))
		} else {
			r.Commands = append(r.Commands, drawWriteCommand(t))
		}
	}
	return r
}

func drawReadCommand(t *rapid.T) wire.Command {
	c := wire.Command{Key: drawName.Draw(t, "key"), Op: rapid.SampledFrom([]wire.Op{wire.OpGet, wire.OpStrLen, wire.OpExists, wire.OpType,
		wire.OpTTL, wire.OpExpireTime, wire.OpTouch, wire.OpCount, wire.OpCountInSlot, wire.OpGuard}).Draw(t, "read")}
	if c.Op == wire.OpGet && rapid.Bool().Draw(t, "load") {
		c.Flags = wire.FlagLoad
	}
	if c.Op == wire.OpCountInSlot {
		c.Start = int64(wire.Slot(c.Key))
	}
	return c
}

func drawWriteCommand(t *rapid.T) wire.Command {
	c := wire.Command{Key: drawName.Draw(t, "key"), Op: rapid.SampledFrom([]wire.Op{wire.OpSet, wire.OpSet, wire.OpSet, wire.OpDelete, wire.OpGetDelete,
		wire.OpGetExpire, wire.OpAppend, wire.OpSetRange, wire.OpIncr, wire.OpIncrFloat, wire.OpExpire, wire.OpPersist, wire.OpTick,
		wire.OpLease, wire.OpLease, wire.OpFill, wire.OpFill}).Draw(t, "write")}
	if rapid.IntRange(0, 99).Draw(t, "flush") == 99 {
		c.Op = wire.OpFlush
	}
	c.Value = []byte(rapid.SampledFrom([]string{"", "1", "-7", "9223372036854775807", "1.5", "-0.25", "word", "a longer value"}).Draw(t, "value"))
	c.Delta = rapid.Int64Range(-3, 3).Draw(t, "delta")
	c.Start = rapid.Int64Range(-1, 22).Draw(t, "offset")
	c.Flags = wire.Flags(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 4, 8, 16, 17, 18, 32, 48, 128}).Draw(t, "flags"))
	c.Version = uint64(rapid.IntRange(0, 6).Draw(t, "version"))
	c.TTLKind = wire.TTLKind(rapid.IntRange(0, 4).Draw(t, "ttl kind"))
	c.TTL = rapid.Int64Range(-2, 60).Draw(t, "ttl")
	if c.Op == wire.OpIncrFloat {
		c.Key[0] = 'f'
	}
	if c.Key[0] == 'f' {
		c.Value = []byte(rapid.SampledFrom([]string{"1.5", "-0.25", "3", "word", ""}).Draw(t, "small value"))
	}
	return c
}

func showAll(responses []wire.Response) (lines []string) {
	for _, r := range responses {
		lines = append(lines, fmt.Sprintf("%d %v", r.Outcome, r.Reason))
		for _, result := range r.Results {
			lines = append(lines, showFull(result))
		}
	}
	return lines
}

func showFull(r wire.Result) string { return fmt.Sprintf("%s %d v%d", show(r), r.Int, r.Version) }
