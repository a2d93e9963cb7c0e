package host

import (
	"time"

	"torc/core/wire"
)

// SlowCall is a request of this node's own clients that took long.
type SlowCall struct {
	Took     time.Duration // from when it came to the host until its answer
	Shard    wire.ShardID
	Op       wire.Op // of its first command
	Commands int
	Outcome  wire.Outcome
	Reason   wire.Reason
}

// watched stands before a request's sink, and looks at how long the answer took. There is one for each request while
// somebody wants to know of slow ones (Config.OnSlow), and none otherwise.
type watched struct {
	wire.Sink
	host *Host
	call *wire.Call
	came time.Time
}

// watchedFlusher is watched for a sink that is a Flusher.
type watchedFlusher struct{ watched }

func (w *watchedFlusher) Within(atEnd func(flush func(many bool))) { w.Sink.(Flusher).Within(atEnd) }

// Gone reports whether whoever waited has gone, for sinks that know.
func (w *watched) Gone() bool {
	who, says := w.Sink.(interface{ Gone() bool })
	return says && who.Gone()
}

// Unwrap is the sink itself, for wire.HolderOf.
func (w *watched) Unwrap() wire.Sink { return w.Sink }

// watch puts itself before a request's sink.
func (h *Host) watch(c *wire.Call) {
	w := watched{Sink: c.Sink, host: h, call: c, came: time.Now()}
	if _, ok := c.Sink.(Flusher); ok {
		c.Sink = &watchedFlusher{w}
	} else {
		c.Sink = &w
	}
}

// Deliver passes the response on, and tells of it if it is late.
func (w *watched) Deliver(tag uint64, resp *wire.Response) {
	took := time.Since(w.came)
	if took < w.host.cfg.SlowAfter {
		w.Sink.Deliver(tag, resp)
		return
	}
	s := SlowCall{Took: took, Shard: w.call.Shard, Commands: len(w.call.Commands), Outcome: resp.Outcome, Reason: resp.Reason}
	if s.Commands > 0 {
		s.Op = w.call.Commands[0].Op
	}
	w.Sink.Deliver(tag, resp) // the call and the response may be used again from here on
	w.host.cfg.OnSlow(s)
}
