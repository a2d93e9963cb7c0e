package page

import (
	"strconv"
	"time"

	"torc/core/wire"
	"torc/linearizability"
	"torc/ui"
)

// operationOf says an operation of the history in the page's words.
func operationOf(op *linearizability.Operation, shard int, reason wire.Reason) ui.Operation {
	u := ui.Operation{Name: op.Name(), Shard: shard, Key: op.Key, Read: op.Kind == linearizability.Read, Asked: asked(op), Got: got(op)}
	switch op.Outcome {
	case linearizability.Failed:
		u.Outcome, u.Got = ui.Refused, "refused"
	case linearizability.Unknown:
		u.Outcome, u.Got = ui.Unknown, "outcome unknown"
	}
	if op.Outcome != linearizability.OK && reason != wire.ReasonNone {
		u.Got += ": " + reason.String()
	}
	return u
}

// asked is what the client asked for.
func asked(op *linearizability.Operation) string {
	in := &op.In
	words := op.Kind.String()
	switch op.Kind {
	case linearizability.Write, linearizability.SetNX, linearizability.Append:
		words += " " + quoted(in.Value)
	case linearizability.CAS:
		words += " " + quoted(in.Value)
		if in.ByVersion {
			words += " if version " + strconv.FormatUint(in.Version, 10)
		} else {
			words += " if " + value(in.Expect)
		}
	case linearizability.Evict:
		return "given up, version " + strconv.FormatUint(in.Version, 10)
	case linearizability.Increment:
		words += " by " + strconv.FormatInt(in.Delta, 10)
	case linearizability.Touch:
		if in.TTL == 0 {
			return "persist"
		}
		return "expire in " + in.TTL.String()
	}
	if in.TTL != 0 {
		words += " for " + in.TTL.String()
	}
	return words
}

// got is what the client was told.
func got(op *linearizability.Operation) string {
	switch op.Kind {
	case linearizability.Read, linearizability.GetDel:
		if !op.Out.Value.Found {
			return "found nothing"
		}
		return "returned " + quoted(op.Out.Value.Text)
	case linearizability.Increment:
		return "brought it to " + strconv.FormatInt(op.Out.Number, 10)
	case linearizability.Append:
		return "made it " + strconv.FormatInt(op.Out.Number, 10) + " bytes long"
	case linearizability.Write:
		return "was acknowledged"
	case linearizability.Evict:
		return "came"
	}
	if op.Out.Applied {
		return "was applied"
	}
	return "was not applied: the condition did not hold"
}

// quoted quotes a text, its end only if it is long.
func quoted(s string) string {
	const most = 28
	if len(s) > most {
		return "…" + strconv.Quote(s[len(s)-most:])
	}
	return strconv.Quote(s)
}

func value(v linearizability.Value) string {
	if !v.Found {
		return "nothing"
	}
	return quoted(v.Text)
}

// span says a stretch of time as people do.
func span(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d >= time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d >= 10*time.Millisecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d >= time.Millisecond:
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
	}
	return strconv.FormatInt(d.Microseconds(), 10) + " µs"
}
