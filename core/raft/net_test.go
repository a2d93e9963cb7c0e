package raft

import (
	"container/heap"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/trace"
	"torc/core/wire"
)

// The tests' group: some members, a network between them and a clock each, all moved by hand. One
// seed is one run: raft's only randomness, the election timeout, is drawn from the seed as well.
//
// While a network runs, what must always hold is checked after every event; see check.

const (
	tick          = 50 * time.Millisecond
	electionTicks = 10
	drift         = 50 // thousandths
	timeout       = electionTicks * tick
)

// entropy stands in for crypto/rand.Reader: each new network seeds it.
var entropy stream

func TestMain(m *testing.M) {
	rand.Reader = &entropy
	os.Exit(m.Run())
}

// stream is a stream of random numbers (SplitMix64).
type stream struct{ state uint64 }

func (s *stream) next() uint64 {
	s.state += 0x9e3779b97f4a7c15
	z := s.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (s *stream) intN(n int) int { return int(s.next() % uint64(n)) }

func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s.next())
	}
	return len(p), nil
}

// failer is *testing.T or *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// network is the group and what is between its members.
type network struct {
	t      failer
	rand   stream
	now    time.Duration
	agenda agenda
	number int // of the newest event: those of one instant happen in order
	peers  []*peer

	election []int // ticks of the first members

	// How messages travel.
	delayMin, delayMax time.Duration
	loss, double       int                                       // thousandths
	drop               func(from, to *peer, m wire.Message) bool // nil: none

	// What is true, for check.
	entries map[uint64]string // index -> data, as first applied
	digests map[uint64]uint64 // index -> digest of the state, likewise
	acked   uint64            // the newest index that a leader has applied: its writer has been told

	trace told
}

// peer is one member with its machine and its clock.
type peer struct {
	*Member
	net    *network
	id     wire.ReplicaID
	rate   int // of its clock, in thousandths
	cut    bool
	paused bool
	held   []func() // what came while it was paused
	ticks  int
	told   int // calls of RoleChanged
	sent   int
	state  machine

	installed []uint64 // indexes of snapshots put in place
	open      int      // sources and restorers that nobody has closed, or put in place
	taken     []uint64 // indexes of snapshots begun
}

// told keeps the events that members tell.
type told []trace.Event

func (l *told) Emit(e trace.Event) { *l = append(*l, e) }

// of returns the events of a kind that a node told.
func (l *told) of(kind trace.Kind, node wire.NodeID) (list []trace.Event) {
	for _, e := range *l {
		if e.Kind == kind && e.Node == node {
			list = append(list, e)
		}
	}
	return list
}

type event struct {
	at     time.Duration
	number int
	do     func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].number < a[j].number
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func newNetwork(t failer, seed uint64, voters int) *network {
	election := make([]int, voters)
	for i := range election {
		election[i] = electionTicks
	}
	return newNetworkOf(t, seed, election)
}

// newNetworkOf makes a network of voters that wait for so many ticks each.
func newNetworkOf(t failer, seed uint64, election []int) *network {
	entropy = stream{seed}
	n := &network{t: t, rand: stream{^seed}, delayMin: time.Millisecond, delayMax: 3 * time.Millisecond,
		entries: map[uint64]string{}, digests: map[uint64]uint64{}, election: election}
	var ids []wire.ReplicaID
	for id := range election {
		ids = append(ids, wire.ReplicaID(id+1))
	}
	for _, id := range ids {
		n.add(id, ids, 1<<20)
	}
	return n
}

// add puts a member into the network; one without voters waits to be contacted.
func (n *network) add(id wire.ReplicaID, voters []wire.ReplicaID, logBytes int64) *peer {
	p := &peer{net: n, id: id, rate: 1000}
	p.state.peer = p
	election := electionTicks
	if int(id) <= len(n.election) {
		election = n.election[id-1]
	}
	member, err := New(Config{Shard: 1, Replica: id, Node: wire.NodeID(id), Voters: voters, Tick: tick, ElectionTicks: election,
		HeartbeatTicks: 2, ClockDrift: drift, LogBytes: logBytes, Clock: p, Machine: &p.state, Output: p, Trace: &n.trace})
	if err != nil {
		n.t.Fatalf("add %d: %v", id, err)
	}
	p.Member = member
	n.peers = append(n.peers, p)
	n.after(time.Duration(n.rand.intN(int(tick))), p.onTick)
	return p
}

func (n *network) after(d time.Duration, do func()) {
	n.number++
	heap.Push(&n.agenda, event{n.now + d, n.number, do})
}

// run lets time pass.
func (n *network) run(d time.Duration) {
	for end := n.now + d; ; {
		if len(n.agenda) == 0 || n.agenda[0].at > end {
			n.now = end
			n.check()
			return
		}
		e := heap.Pop(&n.agenda).(event)
		n.now = e.at
		n.check() // before, too: time alone must not make anything wrong
		e.do()
		n.check()
	}
}

// until runs until something is so, for a minute at the most.
func (n *network) until(what string, ok func() bool) {
	n.t.Helper()
	for end := n.now + time.Minute; !ok(); n.run(time.Millisecond) {
		if n.now > end {
			n.t.Fatalf("%s: not within a minute", what)
		}
	}
}

// check is what must hold at every instant.
func (n *network) check() {
	for _, p := range n.peers {
		if !p.LeaseValid() {
			continue
		}
		if p.state.index < n.acked {
			n.t.Fatalf("%v: replica %d has a lease at index %d; a write at %d is acknowledged", n.now, p.id, p.state.index, n.acked)
		}
		for _, q := range n.peers {
			if q.IsLeader() && q.Term() > p.Term() {
				n.t.Fatalf("%v: replica %d has a lease in term %d; replica %d leads in term %d", n.now, p.id, p.Term(), q.id, q.Term())
			}
		}
	}
}

func (n *network) peer(id wire.ReplicaID) *peer {
	return n.peers[slices.IndexFunc(n.peers, func(p *peer) bool { return p.id == id })]
}

// leader waits for one that has applied an entry of its own term and is not cut off.
func (n *network) leader() (leader *peer) {
	n.t.Helper()
	n.until("a leader", func() bool {
		leader = nil
		for _, p := range n.peers {
			if p.Leads() && !p.cut && !p.paused && (leader == nil || p.Term() > leader.Term()) {
				leader = p
			}
		}
		return leader != nil
	})
	return leader
}

// others are all but one.
func (n *network) others(p *peer) []*peer {
	return slices.DeleteFunc(slices.Clone(n.peers), func(q *peer) bool { return q == p })
}

// settle waits until all members that can be reached hold the same.
func (n *network) settle() {
	n.t.Helper()
	n.until("agreement", func() bool {
		leader := n.leader()
		return !slices.ContainsFunc(n.peers, func(p *peer) bool {
			return !p.cut && (p.Applied() != leader.LastIndex() || p.Leader() != leader.id)
		})
	})
}

func (p *peer) propose(data string) {
	p.net.t.Helper()
	if err := p.Propose([]byte(data)); err != nil {
		p.net.t.Fatalf("propose: %v", err)
	}
	p.Flush()
}

// Now is the peer's own clock.
func (p *peer) Now() time.Duration {
	return time.Hour + p.net.now*time.Duration(p.rate)/1000
}

func (p *peer) Wall() int64                 { return 0 }
func (p *peer) After(time.Duration, func()) { panic("a member sets no timers") }

func (p *peer) onTick() {
	p.net.after(tick*1000/time.Duration(p.rate), p.onTick)
	if p.paused {
		return // what is missed is not made up for
	}
	p.ticks++
	p.Tick(p.ticks)
	p.Flush()
}

func (p *peer) resume() {
	p.paused = false
	held := p.held
	p.held = nil
	for _, do := range held {
		do()
	}
	p.Flush()
}

// RoleChanged is part of Output. Who takes the lead looks at its state in the midst of a turn, to see what a leader before has left.
func (p *peer) RoleChanged() {
	p.told++
	if p.Member != nil && p.Leads() && p.state.index < p.net.acked {
		p.net.t.Fatalf("%v: replica %d leads at index %d; a write at %d is acknowledged", p.net.now, p.id, p.state.index, p.net.acked)
	}
}

// Send is part of Output.
func (p *peer) Send(to wire.ReplicaID, m wire.Message) {
	n := p.net
	p.sent++
	i := slices.IndexFunc(n.peers, func(q *peer) bool { return q.id == to })
	if i < 0 {
		return
	}
	copies := 1
	if n.rand.intN(1000) < n.double {
		copies = 2
	}
	for range copies {
		if n.rand.intN(1000) >= n.loss {
			delay := n.delayMin + time.Duration(n.rand.intN(int(n.delayMax-n.delayMin)+1))
			n.after(delay, func() { n.deliver(p, n.peers[i], m) })
		}
	}
}

func (n *network) deliver(from, to *peer, m wire.Message) {
	if from.cut || to.cut || n.drop != nil && n.drop(from, to, m) {
		return
	}
	do := func() { to.take(m) }
	if to.paused {
		to.held = append(to.held, do)
		return
	}
	do()
	to.Flush()
}

func (p *peer) take(m wire.Message) {
	switch m := m.(type) {
	case *wire.Raft:
		p.Step(&m.RaftMessage)
	case *wire.SnapshotChunk:
		p.OnSnapshotChunk(m)
	case *wire.SnapshotAck:
		p.OnSnapshotAck(m)
	}
}

// kind is raft's type of a message, or -1.
func kind(m wire.Message) pb.MessageType {
	if r, ok := m.(*wire.Raft); ok {
		return pb.MessageType(r.Type)
	}
	return -1
}

// machine is a state that remembers all that was ever applied, and checks that it is what every
// other one applied at the same index.
type machine struct {
	peer  *peer
	index uint64 // of the newest entry, or the snapshot
	state []byte // index and length and data of each entry
	hash  uint64
}

func (s *machine) Apply(index uint64, data []byte) {
	n := s.peer.net
	if index <= s.index {
		n.t.Fatalf("replica %d applies %d after %d", s.peer.id, index, s.index)
	}
	if first, known := n.entries[index]; known && first != string(data) {
		n.t.Fatalf("replica %d applies %.20q at %d, another one %.20q", s.peer.id, data, index, first)
	}
	n.entries[index] = string(data)
	s.state = binary.BigEndian.AppendUint64(s.state, index)
	s.state = binary.BigEndian.AppendUint32(s.state, uint32(len(data)))
	s.state = append(s.state, data...)
	s.set(index, s.hash*1099511628211+hashOf(data)+index)
	if s.peer.IsLeader() {
		n.acked = max(n.acked, index)
	}
}

func hashOf(data []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(data)
	return h.Sum64()
}

// set takes a state and compares it with the others' at the same index.
func (s *machine) set(index, hash uint64) {
	n := s.peer.net
	if first, known := n.digests[index]; known && first != hash {
		n.t.Fatalf("replica %d differs at %d", s.peer.id, index)
	}
	n.digests[index] = hash
	s.index, s.hash = index, hash
}

func (s *machine) Digest() uint64 { return s.hash }

// Snapshot is a copy of the present state: the state only grows, so its head stays as it is.
func (s *machine) Snapshot() Source {
	s.peer.taken = append(s.peer.taken, s.peer.Applied())
	head := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s.index), s.hash)
	s.peer.open++
	return &copySource{peer: s.peer, data: slices.Concat(head, s.state)}
}

type copySource struct {
	peer *peer
	data []byte
}

func (c *copySource) Next(size int) ([]byte, bool) {
	size = min(size, len(c.data))
	part := c.data[:size:size]
	c.data = c.data[size:]
	return part, len(c.data) == 0
}

func (c *copySource) Close() { c.peer.open-- }

func (s *machine) Restore() Restorer {
	s.peer.open++
	return &restorer{machine: s}
}

type restorer struct {
	machine  *machine
	data     []byte
	finished bool
}

func (r *restorer) Add(chunk []byte) error {
	if r.finished {
		return fmt.Errorf("more after the end")
	}
	r.data = append(r.data, chunk...)
	return nil
}

func (r *restorer) Finish() error {
	if r.finished || len(r.data) < 16 {
		return fmt.Errorf("cut off")
	}
	r.finished = true
	return nil
}

func (r *restorer) Close() { r.machine.peer.open-- }

// Install checks that the snapshot is exact: it holds every entry up to its index and none after.
func (r *restorer) Install() {
	s, n := r.machine, r.machine.peer.net
	s.peer.open--
	meta := s.peer.ships.in.meta.Index
	s.peer.installed = append(s.peer.installed, meta)
	s.state = r.data[16:]
	newest := binary.BigEndian.Uint64(r.data)
	if newest > meta {
		n.t.Fatalf("a snapshot at %d holds entry %d", meta, newest)
	}
	for index := newest + 1; index <= meta; index++ {
		if _, missing := n.entries[index]; missing {
			n.t.Fatalf("a snapshot at %d lacks entry %d", meta, index)
		}
	}
	s.set(newest, binary.BigEndian.Uint64(r.data[8:]))
}
