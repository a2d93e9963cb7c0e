package wire

// Frame is what travels from one node to another in one piece: everything one lane has to
// say to that node in one turn. A frame for a past incarnation of the receiver is dropped:
// what was said to a former life concerns nobody now.
type Frame struct {
	From            NodeID
	FromIncarnation Incarnation
	To              NodeID      // zero: whoever listens there (first contact)
	ToIncarnation   Incarnation // zero: any
	Cluster         uint64      // that the sender is in; zero: it seeks one, or a lane of it has no map yet
	Messages        []Message
}

// Message is one thing said in a frame: *Raft, *Forward, *Reply, *SnapshotChunk,
// *SnapshotAck, *Hello, *Pledge, *Pledged, *MapUpdate, *Report, *Gossip, *Ask, *Told, *Inspect,
// *Inspected, *Sealed, *Used, *Room, *Recall, *Ping, *Pong or *Dropped.
type Message interface {
	// Group is the shard whose lane handles the message.
	Group() ShardID
	kind() messageKind
}

type messageKind uint8

const (
	kindNone messageKind = iota
	kindRaft
	kindForward
	kindReply
	kindSnapshotChunk
	kindSnapshotAck
	kindHello
	kindPledge
	kindPledged
	kindMapUpdate
	kindReport
	kindGossip
	kindAsk
	kindTold
	kindInspect
	kindInspected
	kindSealed
	kindUsed
	kindRoom
	kindRecall
	kindPing
	kindPong
	kindDropped
	kindEnd
)

// EntryKind is what a log entry holds.
type EntryKind uint8

// The kinds, with raft's own numbers.
const (
	EntryNormal EntryKind = iota
	EntryConfChange
	EntryConfChangeV2
	entryEnd
)

// Entry is one entry of a group's log.
type Entry struct {
	Term, Index uint64
	Kind        EntryKind
	Data        []byte
}

// ConfState is a group's membership as raft applies it.
type ConfState struct {
	Voters, Learners, VotersOutgoing, LearnersNext []uint64
	AutoLeave                                      bool
	Newest                                         ReplicaID // the greatest ID that was ever a member: none up to it comes in again
}

// RaftMessage is raft's own message (raftpb.Message) in Torc's form. Type is
// raftpb.MessageType. Heartbeats of many groups are small here and share a frame.
type RaftMessage struct {
	Type       uint8
	To, From   ReplicaID
	Term       uint64
	LogTerm    uint64
	Index      uint64
	Commit     uint64
	Reject     bool
	RejectHint uint64
	Context    []byte
	Entries    []Entry
	Snapshot   *SnapshotMeta // MsgSnap only: the data travels in chunks

	// Stamp is the leader's monotonic clock (nanoseconds) when it sent an append or a
	// heartbeat; followers send the newest one back with every answer to that leader. It is
	// what the lease rests on (core/raft, lease.go).
	Stamp int64

	// Promise is for how many microseconds a follower elects nobody else after it has taken the Stamp that
	// it sends back.
	Promise uint64
}

// SnapshotMeta says which state a snapshot is.
type SnapshotMeta struct {
	Index, Term uint64
	Conf        ConfState
}

// Raft carries one raft message of one group.
type Raft struct {
	Shard ShardID
	RaftMessage
}

// Forward carries a request to the node that should lead its shard.
type Forward struct {
	ID            uint64 // the origin lane's running number, never used twice in its life
	TimeoutMillis int64
	Request       Request
}

// Reply answers a Forward.
type Reply struct {
	ID       uint64
	Shard    ShardID
	Response Response
}

// SnapshotChunk carries a part of a snapshot. Seq counts from 0; the last part has Last set.
// The receiver answers each with a SnapshotAck; the sender keeps a small window in flight.
type SnapshotChunk struct {
	Shard    ShardID
	From, To ReplicaID
	Term     uint64 // the leader's
	Meta     SnapshotMeta
	Seq      uint64
	Last     bool
	Data     []byte
}

// SnapshotAck says that all chunks below Next have arrived (or, with Reject, that the
// receiver wants no more of this snapshot).
type SnapshotAck struct {
	Shard    ShardID
	From, To ReplicaID
	Index    uint64 // of the snapshot
	Next     uint64
	Done     bool
	Reject   bool
}

// Hello introduces a node: to the addresses it was told to join while it seeks a cluster,
// and now and then to fellow members, with the epoch of its map.
type Hello struct {
	Member    Member // of the sender; Incarnation is its present life
	Expect    uint32 // how many nodes form a new cluster
	Shards    uint32 // wishes for a new cluster
	Replicas  uint32
	ClusterID uint64 // zero while it belongs to none
	Epoch     Epoch
	Pledged   uint64   // the proposal this life is pledged to, or zero
	Answer    bool     // sent in answer to a Hello: not to be answered
	Known     []Member // who else it has heard from (seeking nodes only, bounded)
}

// Pledge asks a seeking node to give its one pledge to this proposal. Without Members it says that
// its sender has given the proposal up.
type Pledge struct {
	Proposal uint64
	Members  []Member // exactly who will form the cluster, with their incarnations
}

// Pledged answers a Pledge.
type Pledged struct {
	Proposal uint64
	Accept   bool
	Other    uint64 // when refused: the proposal this life is pledged to
}

// MapUpdate carries a cluster map to a node that has an older one (or none). With Initial
// it founds the cluster: the receiver starts its replicas with the whole first
// configuration instead of waiting to be contacted.
type MapUpdate struct {
	Proposal uint64 // Initial only: the proposal that collected every pledge
	Initial  bool
	Map      *ClusterMap
}

// Report tells the meta group's leader how a shard stands, from that shard's leader.
type Report struct {
	Shard    ShardID
	Replica  ReplicaID // the leader
	Term     uint64
	Applied  uint64
	Conf     ConfState
	CaughtUp []ReplicaID // learners and voters that hold (nearly) all of the log
}

// Gossip carries an opaque message of the membership protocol (SWIM) between nodes.
type Gossip struct {
	Data []byte
}

// Group says which lane handles the message.
func (m *Raft) Group() ShardID { return m.Shard }

// Group says which lane handles the message.
func (m *Forward) Group() ShardID { return m.Request.Shard }

// Group says which lane handles the message.
func (m *Reply) Group() ShardID { return m.Shard }

// Group says which lane handles the message.
func (m *SnapshotChunk) Group() ShardID { return m.Shard }

// Group says which lane handles the message.
func (m *SnapshotAck) Group() ShardID { return m.Shard }

// Group says which lane handles the message.
func (m *Hello) Group() ShardID { return MetaShard }

// Group says which lane handles the message.
func (m *Pledge) Group() ShardID { return MetaShard }

// Group says which lane handles the message.
func (m *Pledged) Group() ShardID { return MetaShard }

// Group says which lane handles the message.
func (m *MapUpdate) Group() ShardID { return MetaShard }

// Group says which lane handles the message.
func (m *Report) Group() ShardID { return MetaShard }

// Group says which lane handles the message.
func (m *Gossip) Group() ShardID { return MetaShard }

func (*Raft) kind() messageKind          { return kindRaft }
func (*Forward) kind() messageKind       { return kindForward }
func (*Reply) kind() messageKind         { return kindReply }
func (*SnapshotChunk) kind() messageKind { return kindSnapshotChunk }
func (*SnapshotAck) kind() messageKind   { return kindSnapshotAck }
func (*Hello) kind() messageKind         { return kindHello }
func (*Pledge) kind() messageKind        { return kindPledge }
func (*Pledged) kind() messageKind       { return kindPledged }
func (*MapUpdate) kind() messageKind     { return kindMapUpdate }
func (*Report) kind() messageKind        { return kindReport }
func (*Gossip) kind() messageKind        { return kindGossip }
