package resp

import "strings"

const (
	errNestedMulti   = "ERR MULTI calls can not be nested"
	errWatchInMulti  = "ERR WATCH inside MULTI is not allowed"
	errNotInMulti    = "ERR Command not allowed inside a transaction"
	errAborted       = "EXECABORT Transaction discarded because of previous errors."
	errAbortedFor    = "EXECABORT Transaction discarded because of: " // Redis's words, too, where it knows of one error
	errCrossMulti    = errCrossSlot + ": nothing of the transaction is done. Give its keys the same {tag}, or use your library's pipeline without a transaction"
	errCrossWatch    = errCrossSlot + ": what a connection watches has one slot. Give the keys the same {tag}"
	errMSetNXInMulti = "ERR Torc does not support MSETNX of several keys in a transaction: WATCH them, and use MSET"
)

func runMulti(r *request) {
	if r.multi != nil {
		r.fail(errNestedMulti)
		return
	}
	r.multi = &transaction{slot: noSlot, reads: true}
	r.holdsMulti(0, 0)
	r.ok()
}

func runDiscard(r *request) {
	if r.multi == nil {
		r.fail("ERR DISCARD without MULTI")
		return
	}
	r.endMulti()
	r.ok()
}

// runExec does what was queued: all of it in one request of its shard, behind all that the connection has asked before.
func runExec(r *request) {
	t := r.multi
	if t == nil {
		r.fail("ERR EXEC without MULTI")
		return
	}
	defer r.endMulti()
	if t.broken {
		r.fail(t.aborted())
		return
	}
	watched, fault := r.watched()
	if fault != "" {
		r.fail(errAbortedFor + fault)
		return
	}
	if text := r.led(t, watched); text != "" {
		r.fail(text)
		return
	}
	j := newExecJob(r, t)
	j.guard(r, watched)
	j.record(r)
	r.exec(j)
}

// led reports whether the transaction's shard is known, and led here if it has to be; otherwise it says what to answer.
func (r *request) led(t *transaction, watched []watch) string {
	slot := t.slot
	if len(watched) > 0 {
		slot = int(r.watches.slot)
	}
	switch {
	case slot == noSlot:
		return ""
	case r.notReady() != "":
		return r.notReady()
	case !r.srv.opts.Redirect:
		return ""
	}
	return r.movedText(uint16(slot), r.shardOf(uint16(slot)), t.reads)
}

// exec asks for what a transaction's commands have recorded. Commands that ask no shard are carried out once the others are: only then it is certain
// that they are to be.
func (r *request) exec(j *execJob) {
	if len(j.commands) == 0 {
		j.runLocal(r)
		j.render(r.begin(), j.proto)
		r.finish()
		return
	}
	r.lookNow()
	if !r.roomForKeys(len(j.commands)) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	seq := r.askTogether(j, j.shards, j.commands, true)
	r.multiBytes = max(0, r.multiBytes-j.asks) // it counts as what is asked from here on
	r.note()
	if !j.hasLocal {
		return
	}
	r.window.at(seq).left++
	if r.awaitWave(seq, 1); r.dead {
		return
	}
	if !j.changed && j.fault == "" {
		r.mu.Unlock()
		j.runLocal(r)
		r.mu.Lock()
	}
	r.window.at(seq).left--
	j.render(r.window.target(seq, &r.out), j.proto)
	r.window.complete(seq, &r.out)
}

// aloneInMulti are the commands that are carried out at once between MULTI and EXEC.
func aloneInMulti(name string) bool {
	switch name {
	case "multi", "exec", "discard", "watch", "quit", "reset":
		return true
	}
	return false
}

// unfitForMulti says why a command cannot be one of a transaction, whatever its keys.
func unfitForMulti(spec *command, args [][]byte) string {
	switch spec.name {
	case "keys", "scan", "dbsize", "randomkey", "flushall", "flushdb", "cluster|countkeysinslot", "cluster|getkeysinslot", "client|reply",
		"eval", "evalsha", "eval_ro", "evalsha_ro":
		return "ERR Torc does not support " + strings.ToUpper(strings.ReplaceAll(spec.name, "|", " ")) + " in a transaction"
	case "msetnx":
		if len(args) > 3 {
			return errMSetNXInMulti
		}
	}
	if spec.group == "unsupported" {
		return errUnsupported(spec.name)
	}
	return ""
}
