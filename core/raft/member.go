package raft

import (
	"errors"
	"fmt"
	"slices"
	"time"

	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/env"
	"torc/core/mutant"
	"torc/core/trace"
	"torc/core/wire"
)

// ErrDropped says that a proposal was not accepted: it is surely not in the log.
var ErrDropped = errors.New("raft: proposal dropped")

// Machine is the replicated state that the group's log drives.
type Machine interface {
	// Apply applies one committed entry's data.
	Apply(index uint64, data []byte)
	// Digest describes the state; equal states have equal digests.
	Digest() uint64
	// Snapshot begins a copy of the state, exact now.
	Snapshot() Source
	// Restore begins to take in a copy that will replace the state.
	Restore() Restorer
}

// Source yields a snapshot's bytes in parts. Close is called when no more are wanted, whether all were
// yielded or not.
type Source interface {
	Next(max int) (chunk []byte, done bool)
	Close()
}

// Restorer takes a snapshot's parts in order; Install puts the finished state in place. Close is called instead
// when there will be no Install.
type Restorer interface {
	Add(chunk []byte) error
	Finish() error
	Install()
	Close()
}

// Output takes a member's effects.
type Output interface {
	// Send sends a message to another replica of the group.
	Send(to wire.ReplicaID, m wire.Message)
	// RoleChanged tells that the member became leader or ceased to be it, or learnt of another leader.
	RoleChanged()
}

// Config shapes a member.
type Config struct {
	Shard          wire.ShardID
	Replica        wire.ReplicaID
	Node           wire.NodeID      // for the trace
	Voters         []wire.ReplicaID // the first configuration; empty: wait to be contacted
	Tick           time.Duration
	ElectionTicks  int
	HeartbeatTicks int
	ClockDrift     int           // thousandths
	LeaseMost      time.Duration // no lease lasts longer; 0: as long as the promises behind it
	LogBytes       int64
	PromptCommit   bool        // followers are told at once what is committed, for those that answer reads
	Uncommitted    int64       // bytes proposed and not yet committed, at most (one entry always may be); 0 = 256 MiB
	Pace           Pace        // of snapshots; nil: no bound
	Admit          func() bool // whether there is memory for a copy to come in now; nil: always
	Clock          env.Clock
	Trace          trace.Sink
	Machine        Machine
	Output         Output
}

// Member is one member of one group.
type Member struct {
	cfg      Config
	node     engine
	log      *memoryLog
	conf     wire.ConfState
	applied  uint64
	role     etcdraft.StateType
	lead     wire.ReplicaID
	term     uint64
	ownTerm  uint64 // the newest term of which this member applied an entry as leader
	inStep   bool   // a leader whose heartbeats leave together with other groups'
	lease    lease
	stamp    int64  // newest stamp taken from the leader of stampTerm
	stampIn  uint64 // term of stamp
	promise  uint64 // what goes back with it
	reads    reads
	ships    ships
	settling settling
	closed   bool
	logMax   int64 // bytes of log beyond which it is cut,
	keepMax  int64 // and those up to which snapshots under way may keep it longer

	beatAnswered bool // a heartbeat's answer has come since the last Flush

	answer message // the one that raft is given just now, if it keeps nothing of it

	silentTicks int // of a follower: since it heard from its leader
}

// New makes a member. It sends nothing before it is ticked or stepped.
func New(cfg Config) (*Member, error) {
	if cfg.Pace == nil {
		cfg.Pace = unpaced{}
	}
	if cfg.Uncommitted <= 0 {
		cfg.Uncommitted = 256 << 20
	}
	m := &Member{cfg: cfg, log: newMemoryLog()}
	m.BoundLog(cfg.LogBytes, keepFactor*cfg.LogBytes)
	m.log.snapshot = m.snapshotNow
	m.lease, m.promise = newLease(&cfg), promise(&cfg)
	if len(cfg.Voters) > 0 {
		m.beginWith(cfg.Voters)
	}
	readOnly := etcdraft.ReadOnlySafe
	if mutant.On(mutant.LeaseCheckQuorum) {
		readOnly = etcdraft.ReadOnlyLeaseBased
	}
	node, err := etcdraft.NewRawNode(&etcdraft.Config{
		ID: uint64(cfg.Replica), ElectionTick: cfg.ElectionTicks, HeartbeatTick: cfg.HeartbeatTicks, Storage: m.log,
		Applied: m.applied, MaxSizePerMsg: 1 << 20, MaxCommittedSizePerReady: 8 << 20, MaxUncommittedEntriesSize: uint64(cfg.Uncommitted),
		MaxInflightMsgs: 256, MaxInflightBytes: 64 << 20, CheckQuorum: !mutant.On(mutant.NoPreVote), PreVote: !mutant.On(mutant.NoPreVote),
		ReadOnlyOption: readOnly, DisableProposalForwarding: true, StepDownOnRemoval: !mutant.On(mutant.RemovedLeaderLingers), Logger: silent{},
	})
	if err != nil {
		return nil, fmt.Errorf("start member %d of shard %d: %w", cfg.Replica, cfg.Shard, err)
	}
	m.node = engine{RawNode: node, stirred: true}
	return m, nil
}

// beginWith starts from the group's first configuration as if a snapshot at index 1 of term 1
// held it, as raft recommends.
func (m *Member) beginWith(voters []wire.ReplicaID) {
	conf := &pb.ConfState{}
	for _, v := range voters {
		conf.Voters = append(conf.Voters, uint64(v))
	}
	m.log.conf, m.conf = conf, confToWire(conf)
	m.conf.Newest = slices.Max(voters)
	m.log.restart(1, 1)
	m.log.hard = &pb.HardState{Term: new(uint64(1)), Vote: new(uint64(0)), Commit: new(uint64(1))}
	m.applied = 1
}

// Tick lets one tick of the member's clock pass. After a pause it is called once, not once for
// every tick missed. number counts the ticks of all the members that share a loop: a new leader
// waits for the tick with which the others begin to count, once, so that all heartbeats leave
// at the same ticks and share frames.
func (m *Member) Tick(number int) {
	switch {
	case m.role != etcdraft.StateLeader:
		m.inStep = false
	case !m.inStep:
		m.inStep = number%m.cfg.HeartbeatTicks == 0
	}
	if m.role != etcdraft.StateLeader || m.inStep {
		m.node.Tick()
	}
	m.tickSilence()
	m.tickShips()
	m.tickReads()
	m.tellLease()
}

// Step takes a message from another replica.
func (m *Member) Step(msg *wire.RaftMessage) {
	if msg.To != m.cfg.Replica && !mutant.On(mutant.GroupMixup) || !sendable(msg) {
		return
	}
	m.step(msg)
}

// sendable reports whether a member may have sent such a message. Of a proposal or a question that is empty raft would panic.
func sendable(msg *wire.RaftMessage) bool {
	switch pb.MessageType(msg.Type) {
	case pb.MsgSnap:
		return false // it comes in parts (snapshot.go)
	case pb.MsgProp:
		return false // who does not lead proposes nothing
	case pb.MsgReadIndex:
		return len(msg.Entries) == 1
	}
	return true
}

func (m *Member) step(msg *wire.RaftMessage) {
	if m.unasked(msg) {
		return
	}
	if pb.MessageType(msg.Type) == pb.MsgHeartbeatResp {
		m.beatAnswered = true
	}
	if err := m.node.Step(m.fromWire(msg), m.ordinary(msg)); err != nil {
		return // from a replica that is no member now, or out of time
	}
	st := m.stance()
	if msg.From == st.lead && msg.Term == st.term {
		m.silentTicks = 0
	}
	if msg.Term != st.term || msg.Stamp == 0 {
		return
	}
	switch pb.MessageType(msg.Type) {
	case pb.MsgApp, pb.MsgHeartbeat, pb.MsgSnap:
		if st.lead == msg.From && (m.stampIn != msg.Term || msg.Stamp > m.stamp) {
			m.stamp, m.stampIn = msg.Stamp, msg.Term
		}
	case pb.MsgAppResp, pb.MsgHeartbeatResp:
		if st.role == etcdraft.StateLeader {
			stamp := msg.Stamp
			if mutant.On(mutant.LeaseSkew) {
				stamp = int64(m.cfg.Clock.Now())
			}
			m.lease.ack(msg.From, stamp, msg.Promise)
		}
	}
}

// Propose puts data into the log, if this member leads. ErrDropped is definite. The caller may use the data's memory
// again: raft keeps a copy.
func (m *Member) Propose(data []byte) error {
	if err := m.node.Propose(data); err != nil {
		return fmt.Errorf("propose to shard %d: %w: %w", m.cfg.Shard, ErrDropped, err)
	}
	return nil
}

// Leads reports whether this member leads and has applied an entry of its own term, so that its
// state holds everything that was acknowledged before.
func (m *Member) Leads() bool {
	return m.role == etcdraft.StateLeader && (m.ownTerm == m.term || mutant.On(mutant.ReadIndexNewTerm))
}

// IsLeader reports whether this member leads, ready or not.
func (m *Member) IsLeader() bool { return m.role == etcdraft.StateLeader }

// Leader is the leader this member knows of, or zero.
func (m *Member) Leader() wire.ReplicaID { return m.lead }

// Term is the member's present term.
func (m *Member) Term() uint64 { return m.term }

// Conf is the group's configuration as this member has applied it.
func (m *Member) Conf() wire.ConfState { return m.conf }

// Applied is the newest index this member has applied.
func (m *Member) Applied() uint64 { return m.applied }

// BoundLog bounds the log, from the next turn on: past max bytes it is cut, past keep whatever needs it.
func (m *Member) BoundLog(max, keep int64) { m.logMax, m.keepMax = max, keep }

// LogBytes is what the log holds in memory.
func (m *Member) LogBytes() int64 { return m.log.bytes }

// LastIndex is the newest index in the log.
func (m *Member) LastIndex() uint64 { return m.log.last() }

// LeaseValid reports whether the leader may answer reads from memory at this instant. The
// requests it is about to answer must have arrived before the call.
func (m *Member) LeaseValid() bool {
	now := m.cfg.Clock.Now()
	return m.Leads() && now < m.lease.until(m.cfg.Replica, now, m.conf)
}

// Accepting reports whether a proposal can be accepted now: this member leads and does not wait for
// another one to take the leadership over (raft withdraws such an offer after an election timeout).
// It may know of the end of its leadership before Leads does, which changes with Flush.
func (m *Member) Accepting() bool {
	if m.node.steady && !m.lease.void {
		return m.Leads() // and has offered the leadership to nobody in this term
	}
	st := m.node.BasicStatus()
	return m.Leads() && st.RaftState == etcdraft.StateLeader && st.LeadTransferee == 0
}

// Transfer offers the leadership to another replica. The lease ends here, for this term.
func (m *Member) Transfer(to wire.ReplicaID) {
	m.lease.void = true
	m.node.TransferLeader(uint64(to))
}

type silent struct{}

func (silent) Debug(...any)              {}
func (silent) Debugf(string, ...any)     {}
func (silent) Info(...any)               {}
func (silent) Infof(string, ...any)      {}
func (silent) Warning(...any)            {}
func (silent) Warningf(string, ...any)   {}
func (silent) Error(...any)              {}
func (silent) Errorf(string, ...any)     {}
func (silent) Fatal(v ...any)            { panic(fmt.Sprint(v...)) }
func (silent) Fatalf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
func (silent) Panic(v ...any)            { panic(fmt.Sprint(v...)) }
func (silent) Panicf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
