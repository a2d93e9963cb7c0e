package resp

import (
	"torc/core/wire"
	"torc/net/script"
)

// partsOfKey is what is asked of a key that is read.
const partsOfKey = 3

// evalJob gathers what an evaluation has asked for, and its reply.
type evalJob struct {
	tally
	results  []wire.Result // of what is read
	bytes    int           // of them
	conflict bool          // a guard was not met: nothing was done

	value script.Value
	text  string // an error to answer instead
}

// begin forgets what was asked before.
func (j *evalJob) begin(results int) {
	j.tally = tally{command: j.command, write: j.write}
	j.results, j.bytes, j.conflict = make([]wire.Result, results), 0, false
}

func (j *evalJob) end(v script.Value, text string) { j.value, j.text = v, text }

func (j *evalJob) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	switch {
	case fail == nil && res.Kind == wire.KindError && res.Code == wire.CodeGuard:
		j.conflict = true
	case cmd.Op == wire.OpGuard:
		if fail != nil {
			j.note(c, cmd, nil, fail)
		}
	case j.note(c, cmd, res, fail) && r.index < len(j.results):
		j.results[r.index] = *res
		j.bytes += len(res.Value)
	}
}

func (j *evalJob) render(o *output, proto int) {
	if j.text != "" {
		o.fail(j.text)
		return
	}
	writeValue(o, proto, &j.value)
}

// writeValue writes what a script has returned.
func writeValue(o *output, proto int, v *script.Value) {
	switch v.Kind {
	case script.Int:
		o.int(v.Int)
	case script.Bulk:
		o.text(v.Text)
	case script.Status:
		o.simple(oneLine(v.Text))
	case script.Error:
		o.fail(v.Text)
	case script.List:
		o.array(len(v.List))
		for i := range v.List {
			writeValue(o, proto, &v.List[i])
		}
	default:
		o.null(proto)
	}
}

// oneLine makes a status of what may have several lines.
func oneLine(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == '\r' || c == '\n' {
			b[i] = ' '
		}
	}
	return string(b)
}

// ask asks the shard for some commands in one Call, and waits for the answers. It reports whether there are any: the connection may have ended.
func (e *evaluation) ask(commands []wire.Command, results int) bool {
	shard := e.shardOf(uint16(e.slot))
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		return false
	}
	e.job.begin(results)
	e.copies = nil // a shard that has no room, or no majority, is waited for long, and by thousands
	s := e.window.at(e.seq)
	s.left += len(commands)
	e.hold(s, len(commands))
	s.until = e.deadline
	e.gathering = true
	for i := range commands {
		e.enqueue(shard, ref{seq: e.seq, index: i}, commands[i])
	}
	e.awaitWave(e.seq, 1)
	return !e.dead
}

// read reads all keys that are known, at one point of time.
func (e *evaluation) read() (text string) {
	if len(e.order) == 0 {
		e.job.begin(0)
		return ""
	}
	commands := make([]wire.Command, 0, partsOfKey*len(e.order))
	for _, key := range e.order {
		commands = append(commands, wire.Command{Op: wire.OpGet, Key: key}, wire.Command{Op: wire.OpTTL, Key: key}, wire.Command{Op: wire.OpExpireTime, Key: key})
	}
	e.job.write = false
	if !e.ask(commands, len(commands)) {
		return refusals[wire.ReasonStopping] // nobody reads it
	}
	return e.job.failText()
}

// commit asks for what the script has written, if the keys that it touched are as they were read.
func (e *evaluation) commit() (text string, next outcome) {
	commands := e.copies.guards()
	commands = append(commands, e.copies.writes...)
	e.job.write = true
	switch {
	case !e.ask(commands, 0):
		return refusals[wire.ReasonStopping], isOver
	case e.job.conflict:
		return "", hasConflict
	}
	return e.job.failText(), isOver
}
