package resp

import "torc/core/wire"

// runMSetNX sets all pairs if none of their keys exists. The keys are of one slot, so that it is one request, guarded by their absence.
func runMSetNX(r *request) {
	switch {
	case len(r.args)%2 == 0:
		r.fail(errArity(r.spec.name))
		return
	case len(r.args) == 3:
		runSetNX(r)
		return
	case !r.ready():
		return
	}
	slot, same := r.slot()
	switch most := r.srv.opts.shardKeysMost(); {
	case !same:
		r.fail(errCrossSlot)
		return
	case r.srv.opts.Redirect && r.redirected(slot, r.shardOf(slot)):
		return
	case len(r.args) > most:
		r.fail(errShardKeys(most / 2))
		return
	}
	if r.roomForKeys(len(r.args) - 1) {
		r.guardedSets(r.shardOf(slot))
	}
}

// guardedSets asks for the pairs of MSETNX.
func (r *request) guardedSets(shard wire.ShardID) {
	pairs := r.args[1:]
	for i := 0; i < len(pairs); i += 2 {
		r.add(shard, wire.Command{Op: wire.OpGuard, Key: pairs[i]})
	}
	for i := 0; i < len(pairs); i += 2 {
		r.add(shard, wire.Command{Op: wire.OpSet, Key: pairs[i], Value: pairs[i+1]})
	}
	r.manyAlone(&absentJob{tally: tally{command: r.spec.name, write: true}})
}

// absentJob answers whether the pairs were set.
type absentJob struct {
	tally
	taken bool // some key exists
}

func (j *absentJob) take(c *conn, _ ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	switch {
	case fail == nil && res.Kind == wire.KindError && res.Code == wire.CodeGuard:
		j.taken = true
	case fail == nil && cmd.Op == wire.OpGuard: // it was met
	case fail != nil && cmd.Op == wire.OpGuard: // as its pair
	default:
		j.note(c, cmd, res, fail)
	}
}

func (j *absentJob) render(o *output, _ int) {
	switch {
	case j.taken:
		o.int(0)
	case !j.failed(o):
		o.int(1)
	}
}
