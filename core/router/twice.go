package router

import (
	"maps"
	"slices"

	"torc/core/wire"
)

// Links may double what they carry, and deliver the second one late. Sessions see to it that a write
// is not applied twice; but a write that was refused the first time (no memory, too much waits, not
// the leader) was never applied, and the table knows nothing of it. Were its double admitted when
// there is room again, it would be applied after its caller was told that it surely is not. So a
// forward is taken once: its number is never used twice in the life of the node that sent it.
//
// What is remembered of each sender's life and shard is the greatest number taken and which of the
// ones just below were, as IPsec does against replays. A number further below is taken for one that
// came before: if it did not, it counts as lost, and its sender, who has had no answer, asks again
// under another number.

// Of senders that the cluster map does not know any more nothing is remembered: their names would pile up where every pod has a new
// one. That must not make a double of theirs one that comes for the first time:
//
//  1. A forward says under which map it was sent, and so does its double. (A second try is another forward, with another number.)
//  2. When a sender is forgotten, the newest map that any of its forwards was sent under is noted: one number for all who were forgotten.
//  3. Whoever is not remembered (a new sender, or one that was forgotten and is back, in the same life or in another) is listened to only
//     for what was sent under a map newer than that. All that was taken from those who were forgotten was not.
//
// A sender that has run ahead, and has seen a map that this node has not, is kept until the next one. So what is noted is older than the
// map that this node has, and who is as far as this node is heard at once. Who is not, is heard when he asks again, under the map
// that he gets meanwhile.

// recentMax is how many numbers below the greatest are told apart.
const recentMax = 256

// takenForwards is what a hall has been sent by one node.
type takenForwards struct {
	life   wire.Incarnation
	shards map[wire.ShardID]*taken // for look-up, never ranged
	since  wire.Epoch              // what was sent under an older map may have been taken before
	newest wire.Epoch              // that any of them was sent under
}

// taken are the numbers of one shard's forwards: bit i of recent is greatest-i.
type taken struct {
	greatest uint64
	recent   [recentMax / 64]uint64
}

// first reports whether a number comes for the first time, and notes it.
func (t *taken) first(number uint64) bool {
	if number > t.greatest {
		t.shift(number - t.greatest)
		t.greatest = number
	}
	below := t.greatest - number
	if below >= recentMax {
		return false
	}
	word, bit := below/64, uint64(1)<<(below%64)
	if t.recent[word]&bit != 0 {
		return false
	}
	t.recent[word] |= bit
	return true
}

// shift makes room for numbers that are greater by so much.
func (t *taken) shift(by uint64) {
	words, bits := by/64, by%64
	for i := len(t.recent) - 1; i >= 0; i-- {
		var w uint64
		if from := i - int(min(words, recentMax)); from >= 0 {
			w = t.recent[from] << bits
			if bits > 0 && from > 0 {
				w |= t.recent[from-1] >> (64 - bits)
			}
		}
		t.recent[i] = w
	}
}

// isFirst reports whether a forward comes for the first time, from the latest known life of its
// sender. What a former life asked nobody waits for.
func (h *Hall) isFirst(from wire.NodeID, life wire.Incarnation, m *wire.Forward) bool {
	sender := h.taken[from]
	if sender == nil || sender.life < life {
		later := &takenForwards{life: life, shards: map[wire.ShardID]*taken{}, since: h.since}
		if sender != nil {
			later.newest = sender.newest // for when both lives are forgotten
		}
		sender, h.taken[from] = later, later
	}
	if life < sender.life || m.Request.Epoch < sender.since {
		return false
	}
	sender.newest = max(sender.newest, m.Request.Epoch)
	t := sender.shards[m.Request.Shard]
	if t == nil {
		t = &taken{}
		sender.shards[m.Request.Shard] = t
	}
	return t.first(m.ID)
}

// MapChanged tells of the map that Port.Map returns from now on: what is remembered of nodes that it does not know is forgotten.
func (h *Hall) MapChanged(m *wire.ClusterMap) {
	for _, id := range slices.Sorted(maps.Keys(h.taken)) {
		if sender := h.taken[id]; m.Member(id) == nil && sender.newest < m.Epoch {
			h.since = max(h.since, sender.newest+1)
			delete(h.taken, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(h.breakers)) {
		if m.Member(id) == nil {
			delete(h.breakers, id) // advice, nothing rests on it
		}
	}
}
