package linearizability

import (
	"strconv"
	"strings"
	"time"
)

// The sentences of verdicts are put together from these words.

// seconds says a time or a duration: "12.4 s", "850 ms", "3 us". Digits below a microsecond
// are dropped above one microsecond; sentences are for people, the operations are exact.
func seconds(ns int64) string {
	if ns < 0 {
		return "-" + seconds(-ns)
	}
	switch {
	case ns == 0:
		return "0 s"
	case ns < int64(time.Microsecond):
		return strconv.FormatInt(ns, 10) + " ns"
	case ns < int64(time.Millisecond):
		return decimal(ns, int64(time.Microsecond)) + " us"
	case ns < int64(time.Second):
		return decimal(ns/1000, 1000) + " ms"
	default:
		return decimal(ns/1000, 1_000_000) + " s"
	}
}

func decimal(n, unit int64) string {
	whole, rest := strconv.FormatInt(n/unit, 10), n%unit
	if rest == 0 {
		return whole
	}
	digits := strconv.FormatInt(unit+rest, 10)[1:]
	return whole + "." + strings.TrimRight(digits, "0")
}

// shown quotes a value, cut short if it is long: what matters about a long one is its end.
func shown(text string) string {
	const most = 48
	if len(text) <= most {
		return strconv.Quote(text)
	}
	return `"..."+` + strconv.Quote(text[len(text)-most/2:]) + " (" + strconv.Itoa(len(text)) + " bytes)"
}

func (v Value) String() string {
	if !v.Found {
		return "nothing"
	}
	return shown(v.Text)
}

// who names an operation and its client: `read r17 by client 3`.
func who(op *Operation) string {
	if op.Kind == Evict {
		return deed(op)
	}
	return op.Kind.String() + " " + op.Name() + by(op)
}

// by names an operation's client, if one asked for it.
func by(op *Operation) string {
	if op.Kind == Evict {
		return ""
	}
	return " by client " + strconv.Itoa(op.Client)
}

// deed says what an operation was to do: `write w12="4"`, `increment i5 of 2`, `read r17`.
func deed(op *Operation) string {
	name := op.Kind.String() + " " + op.Name()
	switch op.Kind {
	case Write, CAS, SetNX:
		return name + "=" + shown(op.In.Value)
	case Fill:
		return name + "=" + shown(op.In.Value) + " under lease " + strconv.FormatUint(op.In.Version, 10)
	case Append:
		return name + " of " + shown(op.In.Value)
	case Increment:
		return name + " of " + strconv.FormatInt(op.In.Delta, 10)
	case Evict:
		return "eviction " + op.Name() + " of version " + strconv.FormatUint(op.In.Version, 10)
	}
	return name
}

// answer says what an operation came to: `returned "3" at 12.4 s`.
func answer(op *Operation) string {
	if op.Outcome != OK {
		return "never returned"
	}
	at := " at " + seconds(op.Return)
	switch op.Kind {
	case Read, GetDel:
		if !op.Out.Value.Found {
			return "found nothing" + at
		}
		return "returned " + shown(op.Out.Value.Text) + at
	case Increment, Append:
		return "returned " + strconv.FormatInt(op.Out.Number, 10) + at
	case Write:
		return "was acknowledged" + at
	case Evict:
		return "came" + at
	case Delete:
		if !op.Out.Applied {
			return "found nothing to delete" + at
		}
	case Lease:
		if op.Out.Applied {
			return "was granted number " + strconv.FormatInt(op.Out.Number, 10) + at
		}
	}
	if op.Out.Applied {
		return "was applied" + at
	}
	return "was refused" + at
}

// evidence says what had happened by the time an operation returned:
// `write w12="4" had been acknowledged`, `read r9 had returned "4"`.
func evidence(op *Operation) string {
	switch op.Kind {
	case Read, GetDel:
		if !op.Out.Value.Found {
			return deed(op) + " had found nothing"
		}
		return deed(op) + " had returned " + shown(op.Out.Value.Text)
	case Increment, Append:
		return deed(op) + " had returned " + strconv.FormatInt(op.Out.Number, 10)
	case Write:
		if op.Outcome != OK {
			return deed(op) + " had been seen"
		}
		return deed(op) + " had been acknowledged"
	case Evict:
		return deed(op) + " had come"
	case Delete:
		if !op.Out.Applied {
			return deed(op) + " had found nothing"
		}
	}
	if !op.Out.Applied {
		return deed(op) + " had been refused"
	}
	return deed(op) + " had been applied"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
