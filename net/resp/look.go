package resp

import "torc/core/wire"

// lookMost is how many reads are gathered before they are looked up: no lane is kept from its turns for longer.
const lookMost = 64

// lookStep is after how many bytes of replies the lanes may have a turn, and it is asked whether they are too many.
const lookStep = 16 << 10

// lookLong is how long an MGET's reply, with what waits before it, may be to come of one look: the lanes have no turn meanwhile.
const lookLong = 128 << 10

// replyForm is how a command of one part is answered.
type replyForm struct {
	spec   *command
	render renderer
	proto  int
	mute   bool
	room   room
}

// gather puts a read aside: the connection's reads in a row are looked up together (lookNow).
func (c *conn) gather(shard wire.ShardID, cmd wire.Command, render renderer) {
	c.looks = append(c.looks, wire.Look{Shard: shard, Command: cmd})
	c.forms = append(c.forms, replyForm{spec: c.req.spec, render: render, proto: c.proto, mute: c.mute()})
	if len(c.looks) == lookMost {
		c.lookNow()
	}
}

// lookNow answers the reads that were put aside, each at once or by its shard's queue. Whatever else the connection is asked
// for comes after them.
func (c *conn) lookNow() {
	if len(c.looks) == 0 {
		return
	}
	c.mu.Lock()
	for i, checked := 0, -lookStep; i < len(c.looks) && !c.dead; i++ {
		if held := c.held(); held >= checked+lookStep || c.window.len() > 0 && c.full() {
			c.makeWay()
			checked = c.held() // what is left: of what has gone meanwhile as much may come again only if it is asked again
		}
		l, g := &c.looks[i], &c.forms[i]
		if c.mayLook(l.Shard) && !c.owes(l.Shard) && c.looker.Look(l) {
			c.show(g, &l.Result)
			continue
		}
		if c.full() {
			c.makeWay()
		}
		c.in.keep()
		c.ask(l.Shard, l.Command, g)
	}
	c.looker.Done()
	c.makeRoom()
	c.gone = c.dead
	c.mu.Unlock()
	clear(c.looks)
	c.looks, c.forms = c.looks[:0], c.forms[:0]
}

// leads reports whether this node leads a shard, as far as is known without its lane.
func (c *conn) leads(shard wire.ShardID) bool { return c.srv.backend.Leader(shard) == c.srv.self }

// mayLook reports whether a read of a shard may be answered here at once: this node leads the shard, or holds copies of keys of it. A client
// that is to be redirected is.
func (c *conn) mayLook(shard wire.ShardID) bool {
	return c.leads(shard) || !c.srv.opts.Redirect && c.srv.backend.Holds(shard)
}

// makeWay lets the lanes go on, and waits until the connection has room for more. Locked.
func (c *conn) makeWay() {
	c.looker.Done() // before anything is waited for: a lane must not wait for a client
	c.reserve()
}

// lookAll answers MGET, if all its keys can be looked up, in one look: what lies on one shard is as it was at one instant, as
// in a Call.
func (r *request) lookAll(keys [][]byte) bool {
	r.lookNow()
	c := r.conn
	for _, key := range keys {
		if !r.leads(r.shardOf(wire.Slot(key))) {
			return false // before anything is looked up: it would count twice
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserve()
	if c.window.len() > 0 || c.dead {
		return false
	}
	c.looks = append(c.looks, wire.Look{})
	before, l := c.out.mark(), &c.looks[0]
	c.out.array(len(keys))
	whole := true
	for i := 0; i < len(keys) && whole; i++ {
		*l = wire.Look{Shard: r.shardOf(wire.Slot(keys[i])), Command: wire.Command{Op: wire.OpGet, Key: keys[i]}}
		if whole = c.looker.Look(l) && c.out.len() < lookLong; whole {
			c.found(&l.Result)
			c.out.own(&l.Result)
			replyElement(&c.out, c.proto, &l.Result)
		}
	}
	c.looker.Done()
	*l, c.looks = wire.Look{}, c.looks[:0]
	if !whole || c.mute() {
		c.out.rewind(before)
	}
	c.makeRoom()
	return whole
}

// owes reports whether the connection waits for an answer of a shard: what it asks for now must not overtake that. Locked.
func (c *conn) owes(shard wire.ShardID) bool {
	if c.window.len() == 0 {
		return false
	}
	q := c.queues[shard]
	return q != nil && (q.busy || len(q.parts) > 0)
}

// show writes the reply to a read that was answered by a look, in its place. Locked.
func (c *conn) show(g *replyForm, res *wire.Result) {
	c.found(res)
	if c.window.len() == 0 {
		if !g.mute { // else it would be kept until something else is written, if ever
			c.out.own(res)
			g.reply(&c.out, res)
		}
		return
	}
	seq, s := c.window.push()
	s.mute = g.mute
	o := c.window.target(seq, &c.out)
	o.own(res)
	g.reply(o, res)
	c.window.complete(seq, &c.out)
}

// found notes what a look has found. Locked.
func (c *conn) found(res *wire.Result) {
	c.learn(len(res.Value))
	c.hasRead = true
}

func (g *replyForm) reply(o *output, res *wire.Result) {
	if res.Kind == wire.KindError {
		o.fail(codeText(res.Code, g.spec.name))
		return
	}
	g.render(o, g.proto, res)
}

// ask puts a command of one part into its shard's queue. Locked; there is room.
func (c *conn) ask(shard wire.ShardID, cmd wire.Command, g *replyForm) {
	seq, s := c.openSlot(g.spec)
	s.render, s.left, s.proto, s.mute, s.room = g.render, 1, g.proto, g.mute, g.room
	if s.room == roomClaim {
		c.heavyParts++
	}
	c.enqueue(shard, ref{seq: seq}, cmd)
}
