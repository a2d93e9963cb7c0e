package resp

import "torc/core/wire"

// The shapes of replies to commands of one part.

// replyValue: the value, or null when there is none.
func replyValue(o *output, proto int, res *wire.Result) {
	switch res.Kind {
	case wire.KindBytes:
		o.bulk(res.Value)
	case wire.KindOK:
		o.simple("OK")
	default:
		o.null(proto)
	}
}

// replyFault: null when there is no key, and what is wrong with the command otherwise.
func replyFault(fault string) renderer {
	return func(o *output, proto int, res *wire.Result) {
		if res.Kind == wire.KindNil {
			o.null(proto)
		} else {
			o.fail(fault)
		}
	}
}

// replyElement: the value as one of several, null when there is none.
func replyElement(o *output, proto int, res *wire.Result) {
	if res.Kind == wire.KindBytes {
		o.bulk(res.Value)
	} else {
		o.null(proto)
	}
}

// replyBytes: the value, empty when there is none.
func replyBytes(o *output, _ int, res *wire.Result) { o.bulk(res.Value) }

// replyStatus: the value as a status.
func replyStatus(o *output, _ int, res *wire.Result) { o.simple(string(res.Value)) }

func replyInt(o *output, _ int, res *wire.Result) { o.int(res.Int) }

// replyDone: whether the condition was met, as 1 or 0.
func replyDone(o *output, _ int, res *wire.Result) {
	if res.Kind == wire.KindOK {
		o.int(1)
	} else {
		o.int(0)
	}
}

// replySeconds: milliseconds rounded to seconds. Negative numbers have a meaning of their own.
func replySeconds(o *output, _ int, res *wire.Result) {
	n := res.Int
	if n >= 0 {
		n = n/1000 + (n%1000+500)/1000 // n + 500 may be too large
	}
	o.int(n)
}

func replyList(o *output, _ int, res *wire.Result) {
	o.array(len(res.List))
	for _, item := range res.List {
		o.bulk(item)
	}
}
