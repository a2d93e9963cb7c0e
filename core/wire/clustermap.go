package wire

// Role is a replica's part in its group.
type Role uint8

// The roles.
const (
	RoleLearner Role = iota // receives the log, counts in no quorum
	RoleVoter
	RoleLeaving // a voter that goes as soon as its successor votes
	roleEnd
)

// Votes reports whether replicas of this role count in their group's quorums.
func (r Role) Votes() bool { return r != RoleLearner }

// MemberState is what the meta group has decided about a node. (What gossip believes is
// advice and is kept elsewhere.)
type MemberState uint8

// The states.
const (
	MemberActive MemberState = iota
	MemberDown               // decided gone: its replicas are replaced
	MemberLeft               // drained and gone for good
	memberEnd
)

// Member is a node in the cluster map.
type Member struct {
	ID          NodeID
	Incarnation Incarnation // the life that is admitted; every other one is fenced out
	Name        string
	PeerAddr    string // host:port for other nodes
	RESPAddr    string // host:port for Redis clients
	GRPCAddr    string // host:port for Torc clients
	Weight      uint32 // hundredths: 100 is weight 1; what the node was started with
	State       MemberState
	Override    uint32 // the weight that an operator has set instead, or zero
	Draining    bool   // it gets no new replicas and gives away those it has, then has left
}

// Share is the weight that counts.
func (m *Member) Share() uint32 {
	if m.Override != 0 {
		return m.Override
	}
	return m.Weight
}

// MayHold reports whether the node may be given replicas.
func (m *Member) MayHold() bool { return m.State == MemberActive && !m.Draining }

// Replica is a copy of a shard on one incarnation of one node.
type Replica struct {
	ID          ReplicaID
	Node        NodeID
	Incarnation Incarnation
	Role        Role
}

// Placement is where a shard lives.
type Placement struct {
	Shard     ShardID
	Replicas  []Replica // ordered by ReplicaID
	Preferred NodeID    // the node that should lead, for balance
	ConfIndex uint64    // log index of the configuration that the roles were last reported from

	// What a shard has been through that lost its quorum for good (cluster, loss.go).
	Seal     Epoch       // not zero: its replicas take no part in anything any more, since the map of this epoch
	Losses   uint64      // how often it was made anew, empty: its loss epoch
	LostAt   int64       // the last time, by the wall clock of who decided it, in Unix milliseconds
	Founders []ReplicaID // with which voters its present group began; of a meta group that began with the cluster nobody is named
}

// ClusterMap is the meta group's state: who is in the cluster and who holds what. A map is
// immutable once made; a change makes a new one under a greater epoch.
type ClusterMap struct {
	ClusterID   uint64
	Epoch       Epoch
	Shards      uint32 // number of data shards, fixed at creation
	Replication uint32 // replicas per shard, when there are nodes enough
	Fewest      uint32 // the fewest that any map of this cluster wanted, since there were not; 0: nobody knows
	NextReplica ReplicaID
	Policy      uint32      // what is given up when memory is full: 1 + the policy's number; 0: as each leader's node was started
	Seed        [2]uint64   // by which stores place keys: a secret of the cluster, drawn when it was founded; zero: none
	Limits      Limits      // fixed at creation, too
	Members     []Member    // ordered by ID
	Placements  []Placement // ordered by Shard; index 0 is MetaShard
}

// Limits are what replicas compute by when they apply the log, beside the number of shards. Were they each node's own, replicas on nodes
// that were started differently would come to hold different things. Zero is core/store's default.
type Limits struct {
	MaxValue     uint64 // longest value that a command may make of another, in bytes
	SessionTTL   uint64 // how long an idle session is remembered, in milliseconds of log time
	SessionsMax  uint32 // of how many a shard knows
	SessionBytes uint64 // and what they take with their outcomes

	// How long a shard's quorum must have been lost before it is begun anew, at least, in milliseconds: what may outlive it (a leader's lease,
	// what it has promised to clients) is kept below this by all nodes (cluster, grace.go).
	ResetGrace uint64
}

// Public is the map as clients may see it: without the seed.
func (m *ClusterMap) Public() *ClusterMap {
	public := *m
	public.Seed = [2]uint64{}
	return &public
}

// Cluster is the ID of the cluster whose map this is; zero without a map.
func (m *ClusterMap) Cluster() uint64 {
	if m == nil {
		return 0
	}
	return m.ClusterID
}

// IsOther reports whether a frame or a request is of another cluster than this map's. It is not while one of the two is in none.
func (m *ClusterMap) IsOther(cluster uint64) bool {
	return m.Cluster() != 0 && cluster != 0 && cluster != m.Cluster()
}

// Member returns the member with this ID, or nil.
func (m *ClusterMap) Member(id NodeID) *Member {
	if m == nil {
		return nil
	}
	for i := range m.Members {
		if m.Members[i].ID == id {
			return &m.Members[i]
		}
	}
	return nil
}

// Placement returns where a shard lives, or nil.
func (m *ClusterMap) Placement(shard ShardID) *Placement {
	if m == nil || int(shard) >= len(m.Placements) {
		return nil
	}
	return &m.Placements[shard]
}

// Replica returns the replica with this ID, or nil.
func (p *Placement) Replica(id ReplicaID) *Replica {
	for i := range p.Replicas {
		if p.Replicas[i].ID == id {
			return &p.Replicas[i]
		}
	}
	return nil
}

// On returns the replica that lives on this incarnation of a node, or nil.
func (p *Placement) On(node NodeID, inc Incarnation) *Replica {
	for i := range p.Replicas {
		if p.Replicas[i].Node == node && p.Replicas[i].Incarnation == inc {
			return &p.Replicas[i]
		}
	}
	return nil
}

// Clone returns a deep copy, to be changed and published under a new epoch.
func (m *ClusterMap) Clone() *ClusterMap {
	c := *m
	c.Members = append([]Member(nil), m.Members...)
	c.Placements = make([]Placement, len(m.Placements))
	for i, p := range m.Placements {
		p.Replicas = append([]Replica(nil), p.Replicas...)
		c.Placements[i] = p
	}
	return &c
}

// MetaKind is what a meta command asks for.
type MetaKind uint8

// The meta commands.
const (
	MetaNone       MetaKind = iota
	MetaInit                // Map: the first map; a no-op when there is one
	MetaJoin                // Member: admit this incarnation
	MetaSetState            // Node, Incarnation, State
	MetaAddReplica          // Shard, Node, Incarnation: assign a new replica ID, as learner; Replica, if any, is to leave for it
	MetaSetRoles            // Shard, Index, Voters, Learners, Replica (the greatest ID that ever was in it): the group's configuration as applied at Index, as its leader reports it
	MetaRelieve             // Shard, Replica: it is to leave
	MetaPrefer              // Shard, Node: who should lead
	MetaSetWeight           // Node, Weight: its override, zero for none
	MetaDrain               // Node, Force: it is to give away what it holds; without Force only if enough others are left
	MetaUndrain             // Node: it takes part again
	MetaSeal                // Shard, Index: its replicas are to take no part in anything; void if the roles come from another configuration than the one at Index
	MetaUnseal              // Shard, Seal: they may again
	MetaReset               // Shard, Seal, Voters (all its replicas), Founders, At: it is lost; begin it anew, empty
	MetaForget              // Node, Incarnation: this life is over, on the operator's word
	MetaSetPolicy           // Weight: the map's Policy
	metaEnd
)

// MetaCommand is one change of the cluster map.
type MetaCommand struct {
	Kind        MetaKind
	Shard       ShardID
	Node        NodeID
	Incarnation Incarnation
	Replica     ReplicaID
	State       MemberState
	Weight      uint32
	Index       uint64
	Force       bool
	IfEpoch     Epoch // apply only while the map has this epoch; 0 = always
	Voters      []ReplicaID
	Learners    []ReplicaID
	Member      *Member
	Map         *ClusterMap
	Seal        Epoch
	At          int64     // Unix milliseconds
	Founders    []Replica // without IDs
}
