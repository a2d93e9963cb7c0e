package resp

import (
	"strconv"

	"torc/core/wire"
)

// job gathers the answers to a command of several parts. Its methods run on lanes'
// goroutines with the connection locked: they are quick.
type job interface {
	// take notes what a part came to: a result or a failure. It may ask for more (conn.more).
	take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure)
	// render writes the reply, once no part is without an answer.
	render(o *output, proto int)
}

// more adds a part to a command whose job is not over. Locked.
func (c *conn) more(r ref, shard wire.ShardID, cmd wire.Command) {
	c.window.at(r.seq).left++
	c.enqueue(shard, r, cmd)
}

// tally counts how the parts of a command ended, and words the error when not all ended well.
type tally struct {
	command                     string
	write                       bool
	applied, refused, uncertain int
	text                        string // the first refusal or failure
	unknown                     string // the first unknown outcome
}

// note counts one part and reports whether it has a result to look at.
func (t *tally) note(c *conn, cmd *wire.Command, res *wire.Result, fail *failure) bool {
	switch {
	case fail == nil && res.Kind != wire.KindError:
		t.applied++
		return true
	case fail == nil:
		t.refused++
		t.first(codeText(res.Code, t.command))
	case fail.outcome == wire.OutcomeRefused:
		t.refused++
		t.first(c.failText(fail, cmd.Key, cmd.Op.IsWrite()))
	default:
		t.uncertain++
		if t.unknown == "" {
			t.unknown = fail.text(t.write)
		}
	}
	return false
}

func (t *tally) first(text string) {
	if t.text == "" {
		t.text = text
	}
}

// failed writes the error if there is one. A write that was refused in part is no definite
// failure: what was applied stays.
func (t *tally) failed(o *output) bool {
	text := t.failText()
	if text != "" {
		o.fail(text)
	}
	return text != ""
}

// failText is the error, if there is one.
func (t *tally) failText() string {
	switch {
	case t.uncertain > 0:
		return t.unknown
	case t.refused > 0 && t.write && t.applied > 0:
		return "UNKNOWN outcome: applied to " + strconv.Itoa(t.applied) + " of " +
			strconv.Itoa(t.applied+t.refused) + " keys, the others were refused (" + t.text + ")"
	}
	return t.text // which there is if any was refused
}

// okJob answers OK once every part is done: MSET, FLUSHALL.
type okJob struct{ tally }

func (j *okJob) take(c *conn, _ ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	j.note(c, cmd, res, fail)
}

func (j *okJob) render(o *output, _ int) {
	if !j.failed(o) {
		o.simple("OK")
	}
}

// sumJob adds integers up: DEL, EXISTS, DBSIZE.
type sumJob struct {
	tally
	sum int64
}

func (j *sumJob) take(c *conn, _ ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	if j.note(c, cmd, res, fail) {
		j.sum += res.Int
	}
}

func (j *sumJob) render(o *output, _ int) {
	if !j.failed(o) {
		o.int(j.sum)
	}
}

// valuesJob puts values back into their order: MGET.
type valuesJob struct {
	tally
	values         [][]byte // nil: absent
	bytes, longest int      // of all of them as they are sent, and of one
}

// elementBytes is what an element of a reply takes beside its value and the value's length: what is absent takes as much.
const elementBytes = 5

// decimals is how many digits a length has.
func decimals(n int) int {
	digits := 1
	for ; n >= 10; n /= 10 {
		digits++
	}
	return digits
}

var present = []byte{} // an empty value is not an absent one

func (j *valuesJob) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	if !j.note(c, cmd, res, fail) {
		return
	}
	if j.refused > 0 {
		return // it is answered with an error, whatever else comes
	}
	if res.Kind == wire.KindBytes {
		if j.values[r.index] = res.Value; res.Value == nil {
			j.values[r.index] = present
		}
		j.bytes += decimals(len(res.Value)) + len(res.Value)
		j.longest = max(j.longest, len(res.Value))
	}
	j.bytes += elementBytes
	if c.hopeless(j.bytes - j.longest) {
		j.note(c, cmd, nil, &failure{outcome: wire.OutcomeRefused, reason: wire.ReasonTooLarge})
		clear(j.values)
	}
}

func (j *valuesJob) render(o *output, proto int) {
	if j.failed(o) {
		return
	}
	o.array(len(j.values))
	for _, v := range j.values {
		if v == nil {
			o.null(proto)
		} else {
			o.bulk(v)
		}
	}
}
