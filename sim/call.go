package sim

import (
	"strconv"
	"time"

	"torc/core/wire"
	"torc/linearizability"
)

// Call is what a client does at one time, as plain data: one operation, or a batch of them.
// A run writes down the calls that it drew, and can be made again from them.
type Call struct {
	At     time.Duration // from the start of the torture
	Client int           // by index: those with sessions first
	Via    Target        // the node that a plain client asks; n1 if it is not said
	Atomic bool          // the operations, reads and appends of one slot, are one to everybody
	Ops    []Op
}

// Op is one operation of a call.
type Op struct {
	Kind linearizability.Kind
	Key  string
	In   linearizability.Input
	// Seen: a CAS, or a lease, by the version of the key that any client saw last; a fill under the lease of the key
	// that any client was granted last; a read is a guard, that the key has not changed since any client read it last, and with it those of its batch.
	// In.Version is not used.
	Seen bool
	// Want is what must come of it, in the words of OutcomeText; several, parted by "|", are all
	// right. "" = anything.
	Want string
}

// guard reports whether an operation is a guard.
func (op *Op) guard() bool { return op.Kind == linearizability.Read && op.Seen }

// leaseFor is how long leases last: some are over before they are used.
const leaseFor = 2 * time.Second

// command is the operation as nodes know it.
func (op *Op) command() wire.Command {
	c := wire.Command{Key: []byte(op.Key)}
	switch op.Kind {
	case linearizability.Read:
		if c.Op = wire.OpGet; op.Seen {
			c.Op, c.Version = wire.OpGuard, op.In.Version
		}
	case linearizability.Write, linearizability.CAS, linearizability.SetNX:
		c.Op, c.Value = wire.OpSet, []byte(op.In.Value)
	case linearizability.Lease:
		c.Op, c.Version, c.TTL = wire.OpLease, op.In.Version, leaseFor.Milliseconds()
	case linearizability.Fill:
		c.Op, c.Version, c.Value = wire.OpFill, op.In.Version, []byte(op.In.Value)
	case linearizability.Delete:
		c.Op = wire.OpDelete
	case linearizability.GetDel:
		c.Op = wire.OpGetDelete
	case linearizability.Increment:
		c.Op, c.Delta = wire.OpIncr, op.In.Delta
	case linearizability.Append:
		c.Op, c.Value = wire.OpAppend, []byte(op.In.Value)
	case linearizability.Touch:
		if c.Op = wire.OpExpire; op.In.TTL == 0 {
			c.Op = wire.OpPersist
		}
	}
	switch op.Kind {
	case linearizability.CAS:
		c.Flags, c.Version = wire.FlagVersion, op.In.Version
	case linearizability.SetNX:
		c.Flags = wire.FlagNX
	}
	if op.In.TTL != 0 {
		c.TTLKind, c.TTL = wire.TTLRelative, op.In.TTL.Milliseconds()
	}
	return c
}

// OutcomeText is what came of an operation, in a word or two: ok, absent, a quoted value, a number,
// yes, no, refused, unknown.
func OutcomeText(kind linearizability.Kind, outcome linearizability.Outcome, out *linearizability.Output) string {
	switch outcome {
	case linearizability.Failed:
		return "refused"
	case linearizability.Unknown:
		return "unknown"
	}
	switch kind {
	case linearizability.Read, linearizability.GetDel:
		if !out.Value.Found {
			return "absent"
		}
		return strconv.Quote(out.Value.Text)
	case linearizability.Increment, linearizability.Append:
		return strconv.FormatInt(out.Number, 10)
	case linearizability.Write:
		return "ok"
	}
	if out.Applied {
		return "yes"
	}
	return "no"
}
