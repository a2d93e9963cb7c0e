package ui

// Recording is all that the page knows of a run. Hosts, messages and operations are named by their
// index in their list. Times are nanoseconds since the run began; the page shows microseconds.
type Recording struct {
	Title   string // which run
	Story   string // what the run is about, in a sentence or two
	Good    bool
	Verdict string
	Replay  string // the command that makes the run again
	Facts   []Fact
	Notes   []string // what a reader should know about the page
	Links   []Link

	Shards     int    // data shards count from 1 to Shards; 0 is the meta group
	Hosts      []Host // nodes first, in the order of their lanes
	Events     []Event
	Messages   []Message // in the order of their Send events
	Operations []Operation
	Spans      []Span
	Findings   []Finding

	// Boring lists classes of messages that may be left out when the page grows larger than BytesMax
	// (0: DefaultBytesMax), the most boring first.
	Boring   []string
	BytesMax int
}

// DefaultBytesMax is how large a page may grow.
const DefaultBytesMax = 5 << 20

// Fact is a line about the run.
type Fact struct{ Name, Text string }

// Link leads to another file about the run.
type Link struct{ Text, Href string }

// Host is who has a lane.
type Host struct {
	Name   string
	Client bool
}

// Kind says what an event is.
type Kind uint8

// The kinds. The comment names what the fields mean; Host is who it happened to (-1: the world).
const (
	Send     Kind = iota // Ref = message
	Arrive               // Ref = message
	Lost                 // Ref = message; Host is the sender if it was lost on leaving, the receiver if on arriving
	Invoke               // Ref = operation
	Return               // Ref = operation
	Role                 // Shard, Term, A = 0 follower, 1 candidate, 2 leader, 3 pre-candidate; B = host that leads it plus 1, or 0
	Apply                // Shard, Index, Text = digest
	Conf                 // Shard, Index, Text = the configuration
	Lease                // Shard, Term, A = 1 gained, 0 lost
	Snapshot             // Shard, Index, A = 0 sent, 1 installed, 2 failed; B = host it is for plus 1, or 0
	Map                  // A = epoch
	Member               // A = host it is about plus 1, Text = what Host believes
	Crash                // Text = which life
	Restart              // Text = which life
	Pause
	Resume
	Cut     // nothing passes to host A-1
	Mend    // it does again
	Moment  // Text: a fault, a phase
	Accused // Ref = finding
	kindEnd
)

// Event is one thing that happened.
type Event struct {
	At    int64
	Kind  Kind
	Host  int
	Ref   int
	Shard int
	Term  uint64
	Index uint64
	A, B  int64
	Text  string
}

// Message is one frame under way. When it was sent and what became of it is told by events.
type Message struct {
	From, To int
	Class    string // its kind in one word or two: what a reader filters by
	Copy     bool   // the network's doing: a second one of the same frame
	Late     bool   // it took longer than links in good health ever take
	Parts    []Part
}

// Part is one thing that a message says.
type Part struct {
	Shard   int // -1: of no shard
	Term    uint64
	Text    string   // each # stands for the next of Numbers
	Numbers []uint64 // what differs from message to message stands apart, so that Text is often the same
}

// Outcome is what became of an operation.
type Outcome uint8

// The outcomes.
const (
	OK Outcome = iota
	Refused
	Unknown
	outcomeEnd
)

// Operation is one call of a client.
type Operation struct {
	Name    string // short, as in r17
	Host    int
	Shard   int
	Key     string
	Read    bool   // it changes nothing
	Asked   string // in words: read, write "v4"
	Got     string // in words: returned "v4"
	Outcome Outcome
}

// Span is something that lasted: a fault, as the lane of faults shows it.
type Span struct {
	From, To int64
	Text     string
}

// Finding is why a run was not good.
type Finding struct {
	At         int64
	Letter     string // of the oracle
	Meaning    string // what it believes
	Headline   string // one plain sentence
	Sentence   string // the whole story
	Operations []int  // the accused one first, then what convicts it; may be empty
	Shard      int    // -1: unknown
}
