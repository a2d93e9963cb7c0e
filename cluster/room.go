package cluster

import (
	"math"
	"slices"

	"torc/core/wire"
)

// Room. Replicas lie on nodes of different size, and with different neighbours. What a shard may hold is what the
// fullest of its replicas' nodes allows: each replica tells its leader (wire.Room) how many bytes that is,
// and the leader keeps the shard below the least of it, by victims in the log or by refusals. The word of a replica that is not
// heard of does not count: who is gone must not hold up the others. Nor does one that has not been repeated for long: what matters is repeated, and
// that it does not matter any more may never have been heard.
//
//	replica: limit = what it holds + what is free in its lane ---Room---> leader: rooms -> makeRoom, shrink, take
//
// The limit is a number of bytes for the shard, not what is free: so it means the same at the leader, which is some entries ahead.

const (
	roomTicks  = 20            // a word that matters is repeated after so many ticks: the first may be lost
	roomRepeat = 3             // and so often, even when it does not matter any more
	roomWorth  = 5 * roomTicks // for so many ticks of the leader's a word counts
	roomPart   = 64            // changes by less than such a part of the bound are not told
)

// roomTold is what a replica has told of its room.
type roomTold struct {
	to     wire.ReplicaID // the leader
	limit  int64
	ticks  int  // since
	repeat int  // times that it is still to be repeated
	lost   bool // the leader was lost since: if it is the same one that comes back, it has kept this word
}

// roomOf is a replica's last word.
type roomOf struct {
	replica wire.ReplicaID
	bytes   int64
	ticks   int // since
}

// limit is how many bytes a shard's store may hold here, given what the lane holds. It mirrors what a
// leader allows itself: a shard below its share may go over a little, one above gives way down to it.
func (g *group) limit(total int64) int64 {
	bound := g.lane.bound()
	if bound == 0 {
		return math.MaxInt64
	}
	held, over := g.held()+g.arriving.bytes(), total-bound
	switch share := g.lane.share(); {
	case held < share:
		return held - over + bound/overdraftOf
	case over > 0:
		return max(share-1, held-over)
	}
	return held - over
}

// tellRoom tells the leader how much the shard may hold here, when that matters or has changed.
func (g *group) tellRoom(total int64) {
	bound, leader := g.lane.bound(), g.member.Leader()
	if g.store == nil || leader == g.replica {
		g.room = roomTold{}
		return
	}
	if leader == 0 {
		g.room.lost = true
		return
	}
	limit, tight := g.limit(total), bound > 0 && total > bound/2
	t := &g.room
	t.ticks++
	changed := t.to == leader && max(limit-t.limit, t.limit-limit) > bound/roomPart
	switch {
	case t.to != leader && !tight:
		return // nobody needs to know yet
	case t.to != leader || t.lost || changed:
		t.repeat = roomRepeat
	case t.ticks < roomTicks || t.repeat == 0 && !tight:
		return
	default:
		t.repeat = max(0, t.repeat-1)
	}
	t.to, t.limit, t.ticks, t.lost = leader, limit, 0, false
	g.Send(leader, &wire.Room{Shard: g.shard, From: g.replica, Bytes: limit})
}

// onRoom takes a replica's word.
func (g *group) onRoom(m *wire.Room) {
	if g.store == nil {
		return
	}
	g.lane.pressed = true
	at, known := slices.BinarySearchFunc(g.rooms, m.From, func(r roomOf, id wire.ReplicaID) int { return int(int64(r.replica) - int64(id)) })
	if !known {
		g.rooms = slices.Insert(g.rooms, at, roomOf{replica: m.From})
	}
	g.rooms[at].bytes, g.rooms[at].ticks = m.Bytes, 0
	g.takeRooms()
}

// takeRooms computes the least that the shard's other replicas allow it, until the next tick.
func (g *group) takeRooms() {
	g.forgetRooms()
	g.allowed = math.MaxInt64
	for _, r := range g.rooms {
		if g.member.Recent(r.replica) {
			g.allowed = min(g.allowed, r.bytes)
		}
	}
	g.full = g.beyond() >= 0
}

// ageRooms lets a tick pass.
func (g *group) ageRooms() {
	for i := range g.rooms {
		g.rooms[i].ticks++
	}
}

// forgetRooms forgets what was said too long ago, and who does not belong to the group any more.
func (g *group) forgetRooms() {
	if len(g.rooms) == 0 {
		return
	}
	conf := g.member.Conf()
	g.rooms = slices.DeleteFunc(g.rooms, func(r roomOf) bool {
		id := uint64(r.replica)
		return r.ticks > roomWorth || !slices.Contains(conf.Voters, id) && !slices.Contains(conf.VotersOutgoing, id) && !slices.Contains(conf.Learners, id)
	})
}

// beyond is by how much the shard exceeds what its other replicas allow; negative: what they have left.
func (g *group) beyond() int64 {
	if g.allowed == math.MaxInt64 || len(g.rooms) == 0 {
		return math.MinInt64 / 2
	}
	return g.held() - g.allowed
}
