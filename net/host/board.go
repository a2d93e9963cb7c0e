package host

import (
	"sync"
	"sync/atomic"

	"torc/core/wire"
)

// board is what the lanes show to the rest of the node. Readers take no lock.
type board struct {
	latest  atomic.Pointer[wire.ClusterMap]
	leaders [wire.SlotCount + 1]atomic.Uint64 // by shard; there are never more shards than slots
	held    [wire.SlotCount + 1]atomic.Bool   // likewise

	publishing sync.Mutex // makes the order of maps the same for readers and for every lane
}

// PublishMap shows a newer cluster map and hands it to every lane. One that is not newer than
// the map already shown is ignored.
func (h *Host) PublishMap(m *wire.ClusterMap) {
	b := &h.board
	b.publishing.Lock()
	defer b.publishing.Unlock()
	if old := b.latest.Load(); old != nil && m.Epoch <= old.Epoch {
		return
	}
	b.latest.Store(m)
	for _, l := range h.loops {
		l.inbox.putDo(func() { l.lane.OnMap(m) })
	}
}

// PublishLeader shows which node leads a shard (zero: none known). Each shard has one lane,
// so its calls come in order and the latest one holds.
func (h *Host) PublishLeader(shard wire.ShardID, leader wire.NodeID, _ uint64) {
	if int(shard) < len(h.board.leaders) {
		h.board.leaders[shard].Store(uint64(leader))
	}
}

// PublishHeld shows of how many keys of a shard this node holds copies. Calls come in order, as those of PublishLeader do.
func (h *Host) PublishHeld(shard wire.ShardID, keys int) {
	if int(shard) < len(h.board.held) {
		h.board.held[shard].Store(keys > 0)
	}
}

// Holds reports whether this node holds copies of keys of a shard.
func (h *Host) Holds(shard wire.ShardID) bool {
	return int(shard) < len(h.board.held) && h.board.held[shard].Load()
}

// Map is the latest cluster map, nil before the node joined a cluster.
func (h *Host) Map() *wire.ClusterMap { return h.board.latest.Load() }

// Leader is the node that leads a shard as far as is known, or zero.
func (h *Host) Leader(shard wire.ShardID) wire.NodeID {
	if int(shard) >= len(h.board.leaders) {
		return 0
	}
	return wire.NodeID(h.board.leaders[shard].Load())
}

// Self is this node.
func (h *Host) Self() wire.Member { return h.cfg.Self }
