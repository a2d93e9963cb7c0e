package linearizability

import (
	"math"
	"strconv"
	"time"
)

// Open is the Return of an operation whose end nobody saw: it may take effect at any time
// after its call, or never.
const Open int64 = math.MaxInt64

// Kind is what an operation does to its key.
type Kind uint8

// The kinds. The Redis command that each stands for is in brackets.
const (
	Read      Kind = iota + 1 // the value, or nothing [GET]
	Write                     // sets the value, perhaps with a TTL [SET, SETEX]
	Delete                    // removes the key; Applied says whether it was there [DEL]
	CAS                       // sets the value if the present one is as expected
	SetNX                     // sets the value if the key is absent [SETNX]
	GetDel                    // reads and removes [GETDEL]
	Increment                 // adds Delta, answers the sum [INCRBY]
	Append                    // adds text at the end, answers the length in bytes [APPEND]
	Touch                     // gives the key a TTL, or with TTL 0 takes it away [PEXPIRE, PERSIST]
	Lease                     // asks for the right to fill the key, whose value it has seen (Torc's own)
	Fill                      // sets the value, if nothing was done to the key since the lease (Torc's own)
	Evict                     // the system itself gave the key up, to make room (eviction.go)
	kindEnd
)

var kindNames = [kindEnd]string{
	Read: "read", Write: "write", Delete: "delete", CAS: "cas", SetNX: "setnx",
	GetDel: "getdel", Increment: "increment", Append: "append", Touch: "touch",
	Lease: "lease", Fill: "fill", Evict: "evict",
}

var kindLetters = [kindEnd]byte{
	Read: 'r', Write: 'w', Delete: 'd', CAS: 'c', SetNX: 'n',
	GetDel: 'g', Increment: 'i', Append: 'a', Touch: 't',
	Lease: 'l', Fill: 'f', Evict: 'e',
}

func (k Kind) String() string {
	if k > 0 && k < kindEnd {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Outcome is what the client knows about an operation.
type Outcome uint8

// The outcomes.
const (
	OK      Outcome = iota + 1 // answered: Out is what the system said
	Failed                     // surely not applied, now or later
	Unknown                    // it may have been applied, or may yet be: Return is Open
	outcomeEnd
)

var outcomeNames = [outcomeEnd]string{OK: "ok", Failed: "failed", Unknown: "unknown"}

func (o Outcome) String() string {
	if o > 0 && o < outcomeEnd {
		return outcomeNames[o]
	}
	return "outcome " + strconv.Itoa(int(o))
}

// Value is a key's value, or its absence. The zero Value is Absent; an empty string that is
// there is Some(""). The two must never be mistaken for each other.
type Value struct {
	Text  string
	Found bool
}

// Absent is the value of a key that is not there.
var Absent = Value{}

// Some is a value that is there.
func Some(text string) Value { return Value{Text: text, Found: true} }

// Input is what the client asked for. Which fields count depends on the kind.
type Input struct {
	Value     string        // Write, SetNX, CAS: the new value; Append: the text to add, never empty
	Expect    Value         // CAS by value: what must be there
	ByVersion bool          // CAS: compare Version, not Expect
	Version   uint64        // CAS by version, Lease: 0 = the key must be absent; Fill: the lease; Evict: what was removed
	Delta     int64         // Increment
	TTL       time.Duration // Write: 0 = lives for ever; Touch: 0 = persist
}

// Output is what the system answered. It counts only when the outcome is OK.
type Output struct {
	Value   Value  // Read, GetDel; Lease: what was there instead
	Applied bool   // Delete: the key was there; CAS, SetNX, Touch: the condition held; Lease: granted; Fill: taken
	Number  int64  // Increment: the sum; Append: the length in bytes; Lease: its number, if it was granted
	Version uint64 // the key's version after the operation; 0 = not recorded
}

// Operation is one call by one client, from invocation to answer. Times are nanoseconds on
// one clock that all clients share (the simulator's, or one process's monotonic clock),
// counted from the start of the run. The interval is closed: an operation that returns at
// the instant at which another is called overlaps it.
type Operation struct {
	ID      int // names the operation in sentences; increases along the history
	Client  int
	Call    int64
	Return  int64 // Open if Outcome is Unknown
	Kind    Kind
	Key     string
	In      Input
	Out     Output
	Outcome Outcome
	// Batch is the transaction that the operation is part of, 0 if it is alone. Operations with
	// the same number were sent by one client as one message, and the system promises to do
	// them as one: in order of ID, with nothing in between, and if the outcome is unknown all
	// of them or none. A batch without that promise has no number.
	Batch int
}

// Name is the short name used in files and sentences: the kind's letter and the ID, as in
// r17 or w12.
func (op *Operation) Name() string {
	letter := byte('?')
	if op.Kind > 0 && op.Kind < kindEnd {
		letter = kindLetters[op.Kind]
	}
	return string(letter) + strconv.Itoa(op.ID)
}

// before says that op surely took effect before other: it had returned when other began.
func (op *Operation) before(other *Operation) bool { return op.Return < other.Call }

// acknowledged says that the client was told that the operation changed the key.
func (op *Operation) acknowledged() bool {
	if op.Outcome != OK {
		return false
	}
	switch op.Kind {
	case Write, Increment, Append:
		return true
	case Delete, CAS, SetNX, Touch, Fill:
		return op.Out.Applied
	case GetDel:
		return op.Out.Value.Found
	}
	return false
}

// version is the version of its key that an operation tells: the one after it, or the one that it removed. 0 = none.
func (op *Operation) version() uint64 {
	switch {
	case op.Outcome != OK:
		return 0
	case op.Kind == Evict:
		return op.In.Version
	}
	return op.Out.Version
}

// observes says that the operation answered with the key's value.
func (op *Operation) observes() bool {
	return op.Outcome == OK && (op.Kind == Read || op.Kind == GetDel)
}

// setsWhole says that the kind puts a value of the client's choosing in place of the old one.
func (k Kind) setsWhole() bool { return k == Write || k == CAS || k == SetNX || k == Fill }
