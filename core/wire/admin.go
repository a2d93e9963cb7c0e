package wire

// AdminOp is what an operator asks of the cluster.
type AdminOp uint8

// The operators' requests.
const (
	AdminNone        AdminOp = iota
	AdminDrain               // Node, Force
	AdminUndrain             // Node
	AdminSetWeight           // Node, Weight (hundredths; 0: back to what the node was started with)
	AdminRollCheck           // Node: may it be stopped now? (0: may any one node be?)
	AdminProgress            // how far the replicas' moves are
	AdminForget              // Node, Confirm: its life never comes back; without the right code it is told what would be done
	AdminRecoverMeta         // Confirm: begin the meta group anew on the node that is asked; without the right code it is told what would be done
	AdminSetPolicy           // Weight: the map's Policy
	adminEnd
)

// IsLocal reports whether a request is for the node that is asked, and never sent on.
func (o AdminOp) IsLocal() bool { return o == AdminRecoverMeta }

// Refusal says why an operator's request was not carried out. But for RefusalUnknown it surely
// was not, and will not be.
type Refusal uint8

// The refusals.
const (
	RefusalNone        Refusal = iota
	RefusalUnknown             // what only asks has no answer; the rest may have been carried out, or may yet be: ask again
	RefusalNoQuorum            // nobody leads the meta group, or nobody was found in time
	RefusalNoNode              // the cluster has no such node
	RefusalTooFew              // too few nodes would be left to hold the replicas
	RefusalAlready             // it is so already
	RefusalState               // the node's state does not allow it
	RefusalValue               // a value is out of its bounds
	RefusalUnsafe              // a check has found something: Lines say what
	RefusalLives               // the node is heard, or was a moment ago
	RefusalUnconfirmed         // Lines say what would be done, Confirm is the code that is wanted with it
	refusalEnd
)

// Ask asks the meta group's leader for something that an operator wants. Sending it twice does no
// harm.
type Ask struct {
	ID            uint64 // the origin's running number, never used twice in its life
	TimeoutMillis int64
	Op            AdminOp
	Shard         ShardID
	Node          NodeID
	Weight        uint32
	Force         bool
	Confirm       uint64 // what the operator has been shown, and wants; zero: nothing yet
}

// Changes reports whether a request may change something. What only asks has no outcome that could be unknown.
func (a *Ask) Changes() bool {
	switch a.Op {
	case AdminRollCheck, AdminProgress:
		return false
	case AdminForget, AdminRecoverMeta:
		return a.Confirm != 0
	}
	return true
}

// Told answers an Ask. Lines are for people, one finding each.
type Told struct {
	ID       uint64
	Refusal  Refusal
	Lines    []string
	Progress Progress // AdminProgress only
	Confirm  uint64   // RefusalUnconfirmed only
}

// Progress is how far the moves of replicas are.
type Progress struct {
	Draining  uint64 // nodes that give away what they hold
	Open      uint64 // shards with a change of replicas under way
	Replicas  uint64 // that are yet to be made, those under way included
	Bytes     uint64 // that those hold, about
	Sent      uint64 // of them already, by snapshots under way
	Shards    uint64 // asked
	NoAnswers uint64 // of which nobody answered: Bytes says nothing of them
}

// Inspect asks the leader of a shard how its replicas are. It answers when every voter has spoken
// since, or after WaitMillis, so that what it says of them is younger than the question.
type Inspect struct {
	ID         uint64
	Shard      ShardID
	WaitMillis int64
}

// Inspected answers an Inspect. Who does not lead does not answer.
type Inspected struct {
	ID    uint64
	Shard ShardID
	Term  uint64
	Conf  ConfState
	Well  []ReplicaID // that have spoken since they were asked about, and lack little of the log
	Bytes uint64      // that the shard holds
	Sent  uint64      // of snapshots under way
}

// Group says which lane handles the message.
func (m *Ask) Group() ShardID { return MetaShard }

// Group says which lane handles the message.
func (m *Told) Group() ShardID { return MetaShard }

// Group says which lane handles the message.
func (m *Inspect) Group() ShardID { return m.Shard }

// Group says which lane handles the message.
func (m *Inspected) Group() ShardID { return MetaShard }

func (*Ask) kind() messageKind       { return kindAsk }
func (*Told) kind() messageKind      { return kindTold }
func (*Inspect) kind() messageKind   { return kindInspect }
func (*Inspected) kind() messageKind { return kindInspected }

var adminTexts = [adminEnd]string{"nothing", "drain", "undrain", "weight", "roll check", "progress", "forget", "recover the meta group", "eviction policy"}

func (o AdminOp) String() string { return adminTexts[min(o, adminEnd-1)] }

var refusalTexts = [refusalEnd]string{"done", "outcome unknown", "the meta group has no leader", "no such node", "too few nodes left", "it is so already", "not in this state", "value out of bounds", "not safe", "the node lives", "not confirmed"}

func (r Refusal) String() string { return refusalTexts[min(r, refusalEnd-1)] }
