package resp

import "torc/core/wire"

// EXEC runs each queued command's handler, which leaves in its element what it would reply at once or ask of a shard, and how the answer is
// worded. Then all that is asked goes out together, and the reply is the array of what the elements come to.

// element is one command of a transaction.
type element struct {
	queued
	exec  *execJob
	at    int // its place in the transaction
	proto int
	out   output // the reply, if it is known

	render renderer // of the result, if one part was asked for
	result wire.Result
	job    job // of several parts, or nil
}

// asked is whose a part of the request is.
type asked struct {
	element int // guardPart: of none
	index   int // the part's number within its command
}

const guardPart = -1

// execJob is the job of EXEC.
type execJob struct {
	elements []element
	proto    int
	hasLocal bool // some of them ask no shard
	split    bool // there may be requests to several shards, each with an outcome of its own
	write    bool

	shards   []wire.ShardID
	commands []wire.Command
	asked    []asked
	asks     int // bytes of the commands

	changed        bool   // a watched key was
	fault          string // the whole was refused, or its outcome is not known
	bytes, longest int    // of values that were read
	local          int    // bytes of replies that no shard was asked for
}

func newExecJob(r *request, t *transaction) *execJob {
	j := &execJob{elements: make([]element, len(t.commands)), proto: r.proto, split: t.several, write: !t.reads}
	for i, q := range t.commands {
		j.elements[i] = element{queued: q, exec: j, at: i, proto: r.proto}
	}
	return j
}

// guard makes the request depend on what was watched.
func (j *execJob) guard(r *request, watched []watch) {
	for _, w := range watched {
		cmd := wire.Command{Op: wire.OpGuard, Key: w.key, Version: w.version}
		j.ask(r.shardOf(wire.Slot(w.key)), cmd, asked{element: guardPart})
	}
}

func (j *execJob) ask(shard wire.ShardID, cmd wire.Command, whose asked) {
	j.shards = append(j.shards, shard)
	j.commands = append(j.commands, cmd)
	j.asked = append(j.asked, whose)
	j.asks += len(cmd.Key) + len(cmd.Value)
}

// record lets the commands that have keys say what they ask.
func (j *execJob) record(r *request) {
	for i := range j.elements {
		if e := &j.elements[i]; e.spec.first > 0 {
			e.run(r)
		} else {
			j.hasLocal = true
		}
	}
}

// runLocal carries the other commands out. Each is answered in the protocol that those before it have left.
func (j *execJob) runLocal(r *request) {
	for i := range j.elements {
		e := &j.elements[i]
		if e.spec.first == 0 {
			e.run(r)
			j.bound(r.conn, &e.out)
		}
		e.proto = r.proto
	}
}

// bound takes the reply of a command that asks no shard away if it makes too much of the whole: a command of some bytes may have one of many (COMMAND DOCS, CLIENT
// LIST), and here nobody waits for the client to read those before.
func (j *execJob) bound(c *conn, o *output) {
	size, tooLong := o.len(), refusals[wire.ReasonTooLarge]
	if all := j.local + size; size > len(tooLong)+3 && (all > c.srv.opts.OutputBufferMax || c.hopeless(all)) {
		*o = output{}
		o.fail(tooLong)
	}
	j.local += o.len()
}

func (e *element) run(r *request) {
	own := request{conn: r.conn, spec: e.spec, args: e.args, into: e}
	e.spec.run(&own)
	r.quit = r.quit || own.quit
}

// one notes an operation on one key.
func (e *element) one(shard wire.ShardID, cmd wire.Command, render renderer) {
	e.render = render
	e.ask(shard, cmd, 0)
}

// many notes several operations.
func (e *element) many(shards []wire.ShardID, commands []wire.Command, j job) {
	e.job = j
	for i := range commands {
		e.ask(shards[i], commands[i], i)
	}
}

func (e *element) ask(shard wire.ShardID, cmd wire.Command, index int) {
	e.exec.ask(shard, cmd, asked{element: e.at, index: index})
}

func (j *execJob) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	whose := j.asked[r.index]
	switch {
	case fail != nil && !j.split:
		j.fault = c.failText(fail, cmd.Key, j.write)
	case fail == nil && res.Kind == wire.KindError && res.Code == wire.CodeGuard:
		j.changed = true
	case whose.element == guardPart:
	default:
		if fail == nil && j.hopeless(c, cmd, res) {
			res, fail = nil, &failure{outcome: wire.OutcomeRefused, reason: wire.ReasonTooLarge}
		}
		j.elements[whose.element].take(c, ref{seq: r.seq, index: whose.index}, cmd, res, fail)
	}
}

// hopeless says that what is read is too much for one reply, and must not be kept.
func (j *execJob) hopeless(c *conn, cmd *wire.Command, res *wire.Result) bool {
	j.bytes += len(res.Value)
	j.longest = max(j.longest, len(res.Value))
	return !cmd.Op.IsWrite() && c.hopeless(j.bytes-j.longest)
}

func (e *element) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	switch {
	case e.job != nil:
		e.job.take(c, r, cmd, res, fail)
	case fail != nil:
		e.out.fail(c.failText(fail, cmd.Key, cmd.Op.IsWrite()))
	default:
		e.result = *res
	}
}

func (j *execJob) render(o *output, proto int) {
	switch {
	case j.changed:
		o.nullArray(proto)
	case j.fault != "":
		o.fail(j.fault)
	default:
		o.array(len(j.elements))
		for i := range j.elements {
			j.elements[i].reply(o)
		}
	}
}

func (e *element) reply(o *output) {
	switch {
	case !e.out.empty():
		o.move(&e.out)
	case e.job != nil:
		e.job.render(o, e.proto)
	case e.result.Kind == wire.KindError:
		o.fail(codeText(e.result.Code, e.spec.name))
	default:
		e.render(o, e.proto, &e.result)
	}
}
