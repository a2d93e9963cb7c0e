package resp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/store"
	"torc/core/wire"
)

// fakeNode is a Backend over a map: what the state machine would answer, without shards'
// logs. submit says how a call is answered: at once by default.
type fakeNode struct {
	mu      sync.Mutex
	data    map[string]fakeValue
	cluster *wire.ClusterMap
	leaders map[wire.ShardID]wire.NodeID
	holds   map[wire.ShardID]bool // copies of keys of a shard
	self    wire.Member

	versions uint64 // how many were given out

	policy string // as it was set

	submit    func(*wire.Call)
	look      func(*wire.Look) bool // nil: every read is submitted
	looking   atomic.Bool           // somebody is between Look and Done
	longest   atomic.Int64          // bytes that were looked up between two Dones, at most
	submitted atomic.Int64
	commands  atomic.Int64
}

type fakeValue struct {
	value   []byte
	expires int64  // Unix milliseconds, 0 = never
	version uint64 // 0: it is new
}

// newFakeNode makes a node of a cluster with these members, all shards led by the first.
func newFakeNode(shards int, names ...string) *fakeNode {
	if len(names) == 0 {
		names = []string{"node-1"}
	}
	m := &wire.ClusterMap{ClusterID: 7, Epoch: 3, Shards: uint32(shards), Replication: 3}
	for i, name := range names {
		port := strconv.Itoa(7001 + i)
		m.Members = append(m.Members, wire.Member{
			ID: wire.NodeID(i + 1), Name: name, RESPAddr: "10.0.0." + strconv.Itoa(i+1) + ":" + port,
			PeerAddr: "10.0.0." + strconv.Itoa(i+1) + ":1" + port,
		})
	}
	leaders := make(map[wire.ShardID]wire.NodeID)
	for shard := range wire.ShardID(shards + 1) {
		p := wire.Placement{Shard: shard, Preferred: 1}
		for i := range names {
			p.Replicas = append(p.Replicas, wire.Replica{
				ID: wire.ReplicaID(uint64(shard)*10 + uint64(i)), Node: wire.NodeID(i + 1), Role: wire.RoleVoter,
			})
		}
		m.Placements = append(m.Placements, p)
		leaders[shard] = 1
	}
	n := &fakeNode{data: make(map[string]fakeValue), cluster: m, leaders: leaders, self: m.Members[0]}
	n.submit = n.answer
	return n
}

func (n *fakeNode) Submit(calls ...*wire.Call) {
	for _, call := range calls {
		n.submitted.Add(1)
		n.commands.Add(int64(len(call.Commands)))
		n.submit(call)
	}
}

func (n *fakeNode) Looker() wire.Looker { return &fakeLooker{n: n} }

// fakeLooker lends values until Done, as a store does, and then writes over them.
type fakeLooker struct {
	n     *fakeNode
	lent  [][]byte
	bytes int // since Done
}

func (k *fakeLooker) Look(l *wire.Look) bool {
	k.n.looking.Store(true)
	if k.n.look == nil || !k.n.look(l) {
		return false
	}
	l.Result.Value = bytes.Clone(l.Result.Value)
	k.lent, k.bytes = append(k.lent, l.Result.Value), k.bytes+len(l.Result.Value)
	k.n.longest.Store(max(k.n.longest.Load(), int64(k.bytes)))
	return true
}

func (k *fakeLooker) Done() {
	for _, v := range k.lent {
		for i := range v {
			v[i] = '!'
		}
	}
	k.lent, k.bytes = nil, 0
	k.n.looking.Store(false)
}

// lookAt answers a look.
func (n *fakeNode) lookAt(l *wire.Look) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	l.Result = n.apply(l.Shard, &l.Command)
	return true
}

func (n *fakeNode) Map() *wire.ClusterMap         { return n.cluster }
func (n *fakeNode) Holds(shard wire.ShardID) bool { return n.holds[shard] }
func (n *fakeNode) Self() wire.Member             { return n.self }

func (n *fakeNode) Leader(shard wire.ShardID) wire.NodeID {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leaders[shard]
}

// lead has a node lead a shard.
func (n *fakeNode) lead(shard wire.ShardID, node wire.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leaders[shard] = node
}

func (n *fakeNode) Info(section string) string {
	if section == "torc" {
		return "torc_fake:yes\r\n"
	}
	return ""
}

// answer applies a call and delivers its results.
func (n *fakeNode) answer(call *wire.Call) {
	n.mu.Lock()
	results := make([]wire.Result, len(call.Commands))
	if n.guarded(call.Commands) {
		for i := range results {
			results[i] = errResult(wire.CodeGuard)
		}
	} else {
		for i := range call.Commands {
			results[i] = n.apply(call.Shard, &call.Commands[i])
		}
	}
	n.mu.Unlock()
	call.Sink.Deliver(call.Tag, &wire.Response{Outcome: wire.OutcomeOK, Results: results})
}

// guarded reports whether a guard is not met.
func (n *fakeNode) guarded(commands []wire.Command) bool {
	for i := range commands {
		if v, _ := n.get(commands[i].Key); commands[i].Op == wire.OpGuard && v.version != commands[i].Version {
			return true
		}
	}
	return false
}

func refuse(call *wire.Call, outcome wire.Outcome, reason wire.Reason, leader wire.NodeID) {
	call.Sink.Deliver(call.Tag, &wire.Response{Outcome: outcome, Reason: reason, Leader: leader})
}

func (n *fakeNode) get(key []byte) (fakeValue, bool) {
	v, ok := n.data[string(key)]
	if ok && v.expires != 0 && v.expires <= time.Now().UnixMilli() {
		delete(n.data, string(key))
		return fakeValue{}, false
	}
	return v, ok
}

func (n *fakeNode) shardOf(key string) wire.ShardID {
	return wire.ShardOf(wire.Slot([]byte(key)), int(n.cluster.Shards))
}

func intResult(v int64) wire.Result { return wire.Result{Kind: wire.KindInt, Int: v} }

func boolResult(v bool) wire.Result {
	if v {
		return intResult(1)
	}
	return intResult(0)
}

func errResult(code wire.ErrorCode) wire.Result {
	return wire.Result{Kind: wire.KindError, Code: code}
}

func valueResult(v fakeValue, ok bool) wire.Result {
	if !ok {
		return wire.Result{}
	}
	return wire.Result{Kind: wire.KindBytes, Value: v.value, Version: v.version}
}

// apply does one command. What it leaves in another state has another version.
func (n *fakeNode) apply(shard wire.ShardID, cmd *wire.Command) wire.Result {
	res := n.do(shard, cmd)
	if v, ok := n.data[string(cmd.Key)]; ok && v.version == 0 {
		n.versions++
		v.version = n.versions
		n.data[string(cmd.Key)] = v
	}
	return res
}

func (n *fakeNode) do(shard wire.ShardID, cmd *wire.Command) wire.Result {
	key := string(cmd.Key)
	v, ok := n.get(cmd.Key)
	switch cmd.Op {
	case wire.OpGet:
		return valueResult(v, ok)
	case wire.OpStrLen:
		return intResult(int64(len(v.value)))
	case wire.OpGetRange:
		return wire.Result{Kind: wire.KindBytes, Value: rangeOf(v.value, cmd.Start, cmd.End)}
	case wire.OpGuard:
		return wire.Result{Kind: wire.KindOK}
	case wire.OpExists, wire.OpTouch:
		res := boolResult(ok)
		res.Version = v.version
		return res
	case wire.OpType:
		if ok {
			return wire.Result{Kind: wire.KindBytes, Value: []byte("string")}
		}
		return wire.Result{Kind: wire.KindBytes, Value: []byte("none")}
	case wire.OpTTL, wire.OpExpireTime:
		switch {
		case !ok:
			return intResult(-2)
		case v.expires == 0:
			return intResult(-1)
		case cmd.Op == wire.OpTTL:
			return intResult(v.expires - time.Now().UnixMilli())
		}
		return intResult(v.expires)
	case wire.OpScan:
		return n.scan(shard, cmd)
	case wire.OpCount:
		count, expires := 0, uint64(0)
		for k := range n.data {
			if v, live := n.get([]byte(k)); live && n.shardOf(k) == shard {
				if count++; v.expires != 0 {
					expires++
				}
			}
		}
		return wire.Result{Kind: wire.KindInt, Int: int64(count), Version: expires}
	case wire.OpCountInSlot, wire.OpSlotKeys:
		var list [][]byte
		for k := range n.data {
			if int64(wire.Slot([]byte(k))) == cmd.Start {
				list = append(list, []byte(k))
			}
		}
		if cmd.Op == wire.OpCountInSlot {
			return intResult(int64(len(list)))
		}
		return wire.Result{Kind: wire.KindList, List: list[:min(len(list), int(cmd.End))]}
	case wire.OpSet:
		return n.set(cmd, v, ok)
	case wire.OpDelete:
		delete(n.data, key)
		return boolResult(ok)
	case wire.OpGetDelete:
		delete(n.data, key)
		return valueResult(v, ok)
	case wire.OpGetExpire:
		if ok {
			n.put(cmd, v.value, v.expires)
		}
		return valueResult(v, ok)
	case wire.OpAppend:
		v.value, v.version = append(append([]byte{}, v.value...), cmd.Value...), 0
		n.data[key] = v
		return intResult(int64(len(v.value)))
	case wire.OpSetRange:
		grown := make([]byte, max(len(v.value), int(cmd.Start)+len(cmd.Value)))
		copy(grown, v.value)
		copy(grown[cmd.Start:], cmd.Value)
		n.data[key] = fakeValue{value: grown, expires: v.expires}
		return intResult(int64(len(grown)))
	case wire.OpIncr:
		old := int64(0)
		if ok {
			var isInt bool
			if old, isInt = parseInt(v.value); !isInt {
				return errResult(wire.CodeNotInteger)
			}
		}
		if cmd.Delta > 0 && old > math.MaxInt64-cmd.Delta || cmd.Delta < 0 && old < math.MinInt64-cmd.Delta {
			return errResult(wire.CodeOverflow)
		}
		n.data[key] = fakeValue{value: strconv.AppendInt(nil, old+cmd.Delta, 10), expires: v.expires}
		return intResult(old + cmd.Delta)
	case wire.OpIncrFloat:
		delta, err := strconv.ParseFloat(string(cmd.Value), 64)
		old, errOld := strconv.ParseFloat(string(v.value), 64)
		if err != nil || ok && errOld != nil {
			return errResult(wire.CodeNotFloat)
		}
		sum := strconv.AppendFloat(nil, old+delta, 'f', -1, 64)
		n.data[key] = fakeValue{value: sum, expires: v.expires}
		return wire.Result{Kind: wire.KindBytes, Value: sum}
	case wire.OpExpire:
		return n.expire(cmd, v, ok)
	case wire.OpPersist:
		if !ok || v.expires == 0 {
			return intResult(0)
		}
		n.data[key] = fakeValue{value: v.value}
		return intResult(1)
	case wire.OpFlush:
		for k := range n.data {
			if n.shardOf(k) == shard {
				delete(n.data, k)
			}
		}
		return wire.Result{Kind: wire.KindOK}
	}
	return errResult(wire.CodeUnsupported)
}

func (n *fakeNode) set(cmd *wire.Command, v fakeValue, ok bool) wire.Result {
	if cmd.Flags&wire.FlagNX == 0 || !ok {
		if cmd.Flags&wire.FlagXX == 0 || ok {
			n.put(cmd, append([]byte{}, cmd.Value...), v.expires)
			if cmd.Flags&wire.FlagGet == 0 {
				return wire.Result{Kind: wire.KindOK}
			}
			return valueResult(v, ok)
		}
	}
	if cmd.Flags&wire.FlagGet != 0 {
		return valueResult(v, ok)
	}
	return wire.Result{}
}

func (n *fakeNode) put(cmd *wire.Command, value []byte, expires int64) {
	switch cmd.TTLKind {
	case wire.TTLNone, wire.TTLClear:
		expires = 0
	case wire.TTLRelative:
		expires = time.Now().UnixMilli() + cmd.TTL
	case wire.TTLAbsolute:
		expires = cmd.TTL
	}
	n.data[string(cmd.Key)] = fakeValue{value: value, expires: expires}
}

func (n *fakeNode) expire(cmd *wire.Command, v fakeValue, ok bool) wire.Result {
	at := cmd.TTL
	if cmd.TTLKind == wire.TTLRelative {
		at += time.Now().UnixMilli()
	}
	none := v.expires == 0
	if !ok || cmd.Flags&wire.FlagNX != 0 && !none || cmd.Flags&wire.FlagXX != 0 && none ||
		cmd.Flags&wire.FlagGT != 0 && (none || at <= v.expires) || cmd.Flags&wire.FlagLT != 0 && !none && at >= v.expires {
		return intResult(0)
	}
	n.data[string(cmd.Key)] = fakeValue{value: v.value, expires: at}
	n.get(cmd.Key)
	return intResult(1)
}

// scan orders a shard's keys by slot and name; the cursor's low bits count within the slot. Those of slot {near} are near each other.
func (n *fakeNode) scan(shard wire.ShardID, cmd *wire.Command) wire.Result {
	type placed struct {
		cursor uint64
		key    string
	}
	var keys []placed
	for k := range n.data {
		if n.shardOf(k) == shard {
			keys = append(keys, placed{uint64(wire.Slot([]byte(k))) << cursorSlotBit, k})
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		return keys[i].cursor < keys[j].cursor || keys[i].cursor == keys[j].cursor && keys[i].key < keys[j].key
	})
	for i := range keys {
		if i > 0 && keys[i].cursor <= keys[i-1].cursor {
			keys[i].cursor = keys[i-1].cursor + 1<<30
			if strings.Contains(keys[i].key, "{near}") {
				keys[i].cursor = keys[i-1].cursor + 100
			}
		}
	}
	res := wire.Result{Kind: wire.KindList}
	seen := int64(0)
	for _, k := range keys {
		if k.cursor < uint64(cmd.Start) {
			continue
		}
		if seen == cmd.End {
			res.Int = int64(k.cursor)
			break
		}
		seen++
		if len(cmd.Value) == 0 || glob(cmd.Value, []byte(k.key)) {
			res.List = append(res.List, append([]byte(nil), k.key...)) // nil for the empty key, as the store's may be
		}
	}
	return res
}

func rangeOf(v []byte, start, end int64) []byte {
	n := int64(len(v))
	if start < 0 {
		start = max(0, n+start)
	}
	if end < 0 {
		end = max(0, n+end)
	}
	end = min(end, n-1)
	if start > end || n == 0 {
		return nil
	}
	return v[start : end+1]
}

// serve starts a server over the node on a free port, and stops it when the test ends.
func serve(t testing.TB, n Backend, change ...func(*Options)) *Server {
	t.Helper()
	opts := Options{Addr: "127.0.0.1:0"}
	opts.NewStore = func(slot uint16) Store {
		return store.New(store.Config{Shard: wire.ShardID(slot) + 1, Shards: wire.SlotCount, MaxValue: opts.MaxValue})
	}
	for _, f := range change {
		f(&opts)
	}
	s, err := Listen(opts, n)
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second) // some tests leave requests without an answer
		defer cancel()
		_ = s.Close(ctx)
		require.NoError(t, <-served)
	})
	return s
}

// timeIs gives a server a time that passes only when the test lets it: nothing is late, or given up, because the machine is busy.
func timeIs(now *atomic.Int64) func(*Options) { return func(o *Options) { o.clock = now.Load } }

// noTimeLeft stops time when what a shard has no room for could not be asked again in time (overload.go).
func noTimeLeft(o *Options) {
	o.Timeout, o.clock = pauseLeast/4, func() int64 { return 0 }
}

// dialPatiently opens a connection for a test that has so much to do that it takes longest on a busy machine.
func dialPatiently(t testing.TB, s *Server) net.Conn {
	t.Helper()
	nc := dial(t, s)
	require.NoError(t, nc.SetDeadline(time.Time{}))
	return nc
}

// dial opens a connection whose reads and writes cannot hang a test.
func dial(t testing.TB, s *Server) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	require.NoError(t, nc.SetDeadline(time.Now().Add(20*time.Second)))
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// roundTrip sends a pipeline that ends in QUIT and returns all that comes back.
func roundTrip(t testing.TB, s *Server, request string) string {
	t.Helper()
	nc := dial(t, s)
	_, err := io.WriteString(nc, request+"QUIT\r\n")
	require.NoError(t, err)
	reply, err := io.ReadAll(nc)
	require.NoError(t, err)
	return string(reply)
}

// SetPolicy is part of Backend.
func (n *fakeNode) SetPolicy(name string) error {
	if name != "allkeys-lru" {
		return errors.New("want allkeys-lru")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.policy = name
	return nil
}
