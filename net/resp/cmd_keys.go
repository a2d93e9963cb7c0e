package resp

import (
	"strings"

	"torc/core/wire"
)

// count makes the commands that do one thing to each of their keys and answer how many it
// concerned: DEL, UNLINK, EXISTS, TOUCH.
func count(op wire.Op) func(*request) {
	return func(r *request) {
		if len(r.args) == 2 {
			r.one(wire.Command{Op: op, Key: r.args[1]}, replyInt)
			return
		}
		if !r.ready() || !r.routed() {
			return
		}
		keys := r.args[1:]
		if !r.roomForKeys(len(keys)) {
			return
		}
		r.spread(&sumJob{tally: tally{command: r.spec.name, write: op.IsWrite()}}, len(keys), func(i int) wire.Command {
			return wire.Command{Op: op, Key: keys[i]}
		})
	}
}

// expire makes EXPIRE and its kin: key, time in units (from now, or absolute), and NX, XX,
// GT, LT. A time in the past deletes the key.
func expire(unit int64, absolute bool) func(*request) {
	kind := wire.TTLRelative
	if absolute {
		kind = wire.TTLAbsolute
	}
	return func(r *request) {
		flags, ok := r.expireFlags()
		if !ok {
			return
		}
		n, ok := r.number(2)
		if !ok {
			return
		}
		ms, fault := r.scaleExpiry(n, unit, kind)
		if fault != "" {
			r.fail(fault)
			return
		}
		r.one(wire.Command{Op: wire.OpExpire, Flags: flags, TTLKind: kind, TTL: ms, Key: r.args[1]}, replyInt)
	}
}

func (r *request) expireFlags() (flags wire.Flags, ok bool) {
	for _, arg := range r.args[3:] {
		switch strings.ToUpper(string(arg)) {
		case "NX":
			flags |= wire.FlagNX
		case "XX":
			flags |= wire.FlagXX
		case "GT":
			flags |= wire.FlagGT
		case "LT":
			flags |= wire.FlagLT
		default:
			r.fail("ERR Unsupported option " + string(cString(arg, len(arg))))
			return 0, false
		}
	}
	if flags&wire.FlagNX != 0 && flags != wire.FlagNX {
		r.fail("ERR NX and XX, GT or LT options at the same time are not compatible")
		return 0, false
	}
	if flags&wire.FlagGT != 0 && flags&wire.FlagLT != 0 {
		r.fail("ERR GT and LT options at the same time are not compatible")
		return 0, false
	}
	return flags, true
}

func runDBSize(r *request) {
	if !r.ready() {
		return
	}
	for _, shard := range r.ownShards() {
		r.add(shard, wire.Command{Op: wire.OpCount})
	}
	r.many(&sumJob{tally: tally{command: r.spec.name}})
}

// runFlush: FLUSHALL and FLUSHDB [ASYNC|SYNC]. Each shard is emptied by an entry of its own
// log, whichever word is given.
func runFlush(r *request) {
	if len(r.args) > 2 || len(r.args) == 2 &&
		!strings.EqualFold(string(r.args[1]), "ASYNC") && !strings.EqualFold(string(r.args[1]), "SYNC") {
		r.fail(errSyntax)
		return
	}
	if !r.ready() {
		return
	}
	for _, shard := range r.ownShards() {
		r.add(shard, wire.Command{Op: wire.OpFlush})
	}
	r.many(&flushJob{okJob{tally{command: r.spec.name, write: true}}})
}

// flushJob is an okJob that counts shards where the others count keys.
type flushJob struct{ okJob }

func (j *flushJob) render(o *output, proto int) {
	if j.refused > 0 && j.applied > 0 && j.uncertain == 0 {
		o.fail("UNKNOWN outcome: some shards were emptied, the others refused (" + j.text + ")")
		return
	}
	j.okJob.render(o, proto)
}

// embstrMax is the longest string that Redis keeps together with its header.
const embstrMax = 44

// object asks whether a key exists and how its value begins: enough for every OBJECT
// subcommand.
func (r *request) object(render func(o *output, value []byte)) {
	if !r.ready() || !r.routed() {
		return
	}
	key := r.args[2]
	shard := r.shardOf(wire.Slot(key))
	r.add(shard, wire.Command{Op: wire.OpExists, Key: key})
	r.add(shard, wire.Command{Op: wire.OpGetRange, Key: key, End: embstrMax})
	r.many(&objectJob{tally: tally{command: r.spec.name}, reply: render})
}

type objectJob struct {
	tally
	exists bool
	value  []byte
	reply  func(o *output, value []byte)
}

func (j *objectJob) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	switch {
	case !j.note(c, cmd, res, fail):
	case r.index == 0:
		j.exists = res.Int > 0
	default:
		j.value = res.Value
	}
}

func (j *objectJob) render(o *output, proto int) {
	switch {
	case j.failed(o):
	case !j.exists:
		o.null(proto)
	default:
		j.reply(o, j.value)
	}
}

// runObjectEncoding names the encoding that Redis would choose for the value.
func runObjectEncoding(r *request) {
	r.object(func(o *output, value []byte) {
		_, isInt := parseInt(value)
		switch {
		case isInt:
			o.text("int")
		case len(value) <= embstrMax:
			o.text("embstr")
		default:
			o.text("raw")
		}
	})
}

func runObjectRefCount(r *request) { r.object(func(o *output, _ []byte) { o.int(1) }) }

func runObjectIdleTime(r *request) { r.object(func(o *output, _ []byte) { o.int(0) }) }

// runObjectFreq answers as a Redis that counts no frequencies: a key that is not there has none either.
func runObjectFreq(r *request) {
	r.object(func(o *output, _ []byte) {
		o.fail("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
	})
}

// entryBytes is about what an entry takes beside its key and value (docs/MEMORY.md).
const entryBytes = 46

// runMemoryUsage: MEMORY USAGE key [SAMPLES n]. There are no values of parts that could be sampled.
func runMemoryUsage(r *request) {
	for i := 3; i < len(r.args); i += 2 {
		if !strings.EqualFold(string(r.args[i]), "SAMPLES") || i+1 >= len(r.args) {
			r.fail(errSyntax)
			return
		}
		if n, ok := r.number(i + 1); !ok {
			return
		} else if n < 0 {
			r.fail(errSyntax)
			return
		}
	}
	if !r.ready() || !r.routed() {
		return
	}
	key := r.args[2]
	shard := r.shardOf(wire.Slot(key))
	r.add(shard, wire.Command{Op: wire.OpExists, Key: key})
	r.add(shard, wire.Command{Op: wire.OpStrLen, Key: key})
	r.many(&usageJob{tally: tally{command: r.spec.name}, bytes: int64(entryBytes + len(key))})
}

type usageJob struct {
	tally
	exists bool
	bytes  int64
}

func (j *usageJob) take(c *conn, r ref, cmd *wire.Command, res *wire.Result, fail *failure) {
	switch {
	case !j.note(c, cmd, res, fail):
	case r.index == 0:
		j.exists = res.Int > 0
	default:
		j.bytes += res.Int
	}
}

func (j *usageJob) render(o *output, proto int) {
	switch {
	case j.failed(o):
	case !j.exists:
		o.null(proto)
	default:
		o.int(j.bytes)
	}
}

// runWait answers on how many replicas beside its leader's a write before it is for certain. It was acknowledged, so it is on a
// majority: there is nothing to wait for, and of the rest nothing is known.
func runWait(r *request) {
	if _, ok := r.number(1); !ok {
		return
	}
	timeout, ok := parseInt(r.args[2])
	switch {
	case !ok:
		r.fail("ERR timeout is not an integer or out of range")
	case timeout < 0:
		r.fail("ERR timeout is negative")
	case r.ready():
		r.int(int64(r.replicas() / 2))
	}
}

// runWaitAOF: WAITAOF numlocal numreplicas timeout. Nothing is ever on a disk, here or elsewhere, and waiting does not change that.
func runWaitAOF(r *request) {
	local, okLocal := parseInt(r.args[1])
	replicas, okReplicas := parseInt(r.args[2])
	timeout, okTimeout := parseInt(r.args[3])
	switch {
	case !okLocal:
		r.fail(errNotInteger)
	case local < 0 || local > 1:
		r.fail("ERR value is out of range, value must between 0 and 1")
	case !okReplicas:
		r.fail(errNotInteger)
	case replicas < 0:
		r.fail("ERR value is out of range, must be positive")
	case !okTimeout:
		r.fail("ERR timeout is not an integer or out of range")
	case timeout < 0:
		r.fail("ERR timeout is negative")
	case local > 0:
		r.fail("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled. (Torc keeps nothing on disk: a write is acknowledged by a majority of its replicas)")
	default:
		o := r.begin()
		o.array(2)
		o.int(0)
		o.int(0)
		r.finish()
	}
}

// replicas is the smallest number of voters that any data shard has, at least 1.
func (r *request) replicas() int {
	least := 0
	for _, p := range r.topology.Placements {
		voters := 0
		for _, replica := range p.Replicas {
			if replica.Role.Votes() {
				voters++
			}
		}
		if p.Shard != wire.MetaShard && (least == 0 || voters < least) {
			least = voters
		}
	}
	return max(least, 1)
}
