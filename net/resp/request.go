package resp

import (
	"strconv"

	"torc/core/wire"
)

// request is one command while its handler runs, on the reader's goroutine.
type request struct {
	*conn
	spec *command
	args [][]byte
	quit bool // close the connection once the reply is sent

	heavy bool // what its keys cost is held for it (waves.go)
}

func (r *request) fail(text string) { r.replyError(text) }

func (r *request) ok() { r.simple("OK") }

func (r *request) simple(s string) {
	r.begin().simple(s)
	r.finish()
}

func (r *request) int(n int64) {
	r.begin().int(n)
	r.finish()
}

func (r *request) verbatim(s string) {
	r.begin().verbatim(r.proto, s)
	r.finish()
}

// number parses an argument as Redis parses integers, or replies with the error.
func (r *request) number(i int) (int64, bool) {
	n, ok := parseInt(r.args[i])
	if !ok {
		r.fail(errNotInteger)
	}
	return n, ok
}

// ready replies with LOADING unless the node is in a cluster.
func (r *request) ready() bool {
	if r.topology == nil || r.topology.Shards == 0 {
		r.fail(refusals[wire.ReasonNotReady])
		return false
	}
	return true
}

func (r *request) shardOf(slot uint16) wire.ShardID {
	return wire.ShardOf(slot, int(r.topology.Shards))
}

// one asks the key's shard for one operation.
func (r *request) one(cmd wire.Command, render renderer) {
	if !r.ready() {
		return
	}
	slot := wire.Slot(cmd.Key)
	shard := r.shardOf(slot)
	if r.srv.opts.Redirect && r.redirected(slot, shard) {
		return
	}
	if !cmd.Op.IsWrite() {
		r.gather(shard, cmd, render)
		return
	}
	r.oneOn(shard, cmd, render)
}

// oneOn asks a shard for one operation.
func (r *request) oneOn(shard wire.ShardID, cmd wire.Command, render renderer) {
	r.lookNow()
	r.in.keep()
	r.mu.Lock()
	r.reserve()
	of := r.roomFor(len(cmd.Key) + len(cmd.Value))
	r.ask(shard, cmd, &replyForm{spec: r.spec, render: render, proto: r.proto, mute: r.mute(), room: of})
	r.mu.Unlock()
}

// add notes an operation for many.
func (r *request) add(shard wire.ShardID, cmd wire.Command) {
	r.shards = append(r.shards, shard)
	r.commands = append(r.commands, cmd)
}

// many asks for all operations that were added: those on one shard in one Call, the shards in
// parallel. Part i of the job is the i-th that was added.
func (r *request) many(j job) {
	if len(r.shards) == 0 {
		j.render(r.begin(), r.proto)
		r.finish()
		return
	}
	r.lookNow()
	r.in.keep()
	r.mu.Lock()
	r.reserve()
	bytes := 0
	for i := range r.commands {
		bytes += len(r.commands[i].Key) + len(r.commands[i].Value)
	}
	of := r.roomFor(bytes)
	seq, s := r.openSlot(r.spec)
	s.job, s.left, s.room = j, len(r.shards), of
	if of == roomClaim {
		r.heavyParts += s.left
	}
	for i, shard := range r.shards {
		r.enqueue(shard, ref{seq: seq, index: i}, r.commands[i])
	}
	r.mu.Unlock()
	clear(r.commands)
	r.shards, r.commands = r.shards[:0], r.commands[:0]
	if cap(r.commands) > argsKept {
		r.commands, r.shards = nil, nil
	}
}

// routed checks in redirect mode that the keys are of one slot that is led here, and replies
// with CROSSSLOT or MOVED otherwise.
func (r *request) routed() bool {
	if !r.srv.opts.Redirect {
		return true
	}
	i, last := r.spec.keyRange(len(r.args))
	slot := wire.Slot(r.args[i])
	for i += r.spec.step; i <= last; i += r.spec.step {
		if wire.Slot(r.args[i]) != slot {
			r.fail(errCrossSlot)
			return false
		}
	}
	return !r.redirected(slot, r.shardOf(slot))
}

// redirected replies with MOVED when another node leads the shard.
func (r *request) redirected(slot uint16, shard wire.ShardID) bool {
	leader := r.srv.leaderOf(r.topology, shard)
	if leader == 0 || leader == r.srv.self {
		return false // nobody better is known: the lane answers or refuses
	}
	if r.readOnly && r.spec.has("readonly") && r.srv.isReplica(r.topology, shard) {
		return false // the lane asks the leader, if need be
	}
	text, ok := r.srv.movedTo(slot, leader)
	if !ok {
		text = refusals[wire.ReasonNotLeader]
	}
	r.fail(text)
	return true
}

// ownShards are the shards that a command without a key concerns: all of them, or in
// redirect mode those led here.
func (r *request) ownShards() []wire.ShardID {
	return r.srv.ownShards(r.topology)
}

func errKeyTooLong(limit int) string {
	return "ERR key exceeds maximum allowed size (" + strconv.Itoa(limit) + " bytes)"
}
