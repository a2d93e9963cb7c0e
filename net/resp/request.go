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

	into *element // where it leaves what it would reply or ask: it is one of a transaction (exec.go)
}

// begin opens the place of a reply that is known at once, until finish.
func (r *request) begin() *output {
	if r.into != nil {
		return &r.into.out
	}
	return r.conn.begin()
}

func (r *request) finish() {
	if r.into == nil {
		r.conn.finish()
	}
}

func (r *request) fail(text string) {
	r.begin().fail(text)
	r.finish()
	r.srv.stats.errors.Add(1)
}

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
	text := r.notReady()
	if text != "" {
		r.fail(text)
	}
	return text == ""
}

// notReady is the error as long as the node is in no cluster.
func (r *request) notReady() string {
	if r.topology == nil || r.topology.Shards == 0 {
		return refusals[wire.ReasonNotReady]
	}
	return ""
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
	switch {
	case r.into != nil:
		r.into.one(shard, cmd, render)
		return
	case r.srv.opts.Redirect && r.redirected(slot, shard):
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
func (r *request) many(j job) { r.manyOf(j, false) }

// manyAlone is many in Calls that no other command's parts share: a guard among them is one of all that its Call asks for.
func (r *request) manyAlone(j job) { r.manyOf(j, true) }

func (r *request) manyOf(j job, alone bool) {
	switch {
	case len(r.shards) == 0:
		j.render(r.begin(), r.proto)
		r.finish()
		return
	case r.into != nil:
		r.into.many(r.shards, r.commands, j)
	default:
		r.lookNow()
		r.in.keep()
		r.mu.Lock()
		r.askTogether(j, r.shards, r.commands, alone)
		r.mu.Unlock()
	}
	clear(r.commands)
	r.shards, r.commands = r.shards[:0], r.commands[:0]
	if cap(r.commands) > argsKept {
		r.commands, r.shards = nil, nil
	}
}

// askTogether puts all parts of a command into their shards' queues, once there is room. Locked.
func (r *request) askTogether(j job, shards []wire.ShardID, commands []wire.Command, alone bool) (seq uint64) {
	r.reserve()
	bytes := 0
	for i := range commands {
		bytes += len(commands[i].Key) + len(commands[i].Value)
	}
	of := r.roomFor(bytes)
	seq, s := r.openSlot(r.spec)
	s.job, s.left, s.room, s.alone = j, len(shards), of, alone
	if of == roomClaim {
		r.heavyParts += s.left
	}
	for i, shard := range shards {
		r.enqueue(shard, ref{seq: seq, index: i}, commands[i])
	}
	return seq
}

// routed checks in redirect mode that the keys are of one slot that is led here, and replies
// with CROSSSLOT or MOVED otherwise.
func (r *request) routed() bool {
	if !r.srv.opts.Redirect || r.into != nil { // EXEC has seen to it for all its commands
		return true
	}
	slot, same := r.slot()
	if !same {
		r.fail(errCrossSlot)
		return false
	}
	return !r.redirected(slot, r.shardOf(slot))
}

// slot is the one of the command's keys, and whether all have it.
func (r *request) slot() (slot uint16, same bool) {
	i, last := r.spec.keyRange(len(r.args))
	slot = wire.Slot(r.args[i])
	for i += r.spec.step; i <= last; i += r.spec.step {
		if wire.Slot(r.args[i]) != slot {
			return slot, false
		}
	}
	return slot, true
}

// redirected replies with MOVED when another node leads the shard.
func (r *request) redirected(slot uint16, shard wire.ShardID) bool {
	text := r.movedText(slot, shard, r.spec.has("readonly"))
	if text != "" {
		r.fail(text)
	}
	return text != ""
}

// moved says, in redirect mode, where the command's keys are, if that is not here. They are of one slot.
func (r *request) moved() string {
	if !r.srv.opts.Redirect || r.spec.first == 0 {
		return ""
	}
	slot, _ := r.slot()
	return r.movedText(slot, r.shardOf(slot), r.spec.has("readonly"))
}

// movedText is the redirect to the node that leads a shard, or nothing.
func (r *request) movedText(slot uint16, shard wire.ShardID, reads bool) string {
	leader := r.srv.leaderOf(r.topology, shard)
	if leader == 0 || leader == r.srv.self {
		return "" // nobody better is known: the lane answers or refuses
	}
	if r.readOnly && reads && r.srv.isReplica(r.topology, shard) {
		return "" // the lane asks the leader, if need be
	}
	if text, ok := r.srv.movedTo(slot, leader); ok {
		return text
	}
	return refusals[wire.ReasonNotLeader]
}

// ownShards are the shards that a command without a key concerns: all of them, or in
// redirect mode those led here.
func (r *request) ownShards() []wire.ShardID {
	return r.srv.ownShards(r.topology)
}

func errKeyTooLong(limit int) string {
	return "ERR key exceeds maximum allowed size (" + strconv.Itoa(limit) + " bytes)"
}
