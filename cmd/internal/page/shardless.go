package page

import (
	"torc/core/wire"
	"torc/ui"
)

// slotsBelow marks a part whose shard is known by its slot only: slotsBelow - slot stands in Shard
// until the number of shards is known.
const slotsBelow = -10

// shardless finds the slot of what a client asks and is answered. A client that knows no map, as Redis
// users do, names no shard.
func (r *Recorder) shardless(m *ui.Message, said wire.Message) (shard int, ours bool) {
	switch said := said.(type) {
	case *wire.Forward:
		if m.From < -1 && len(said.Request.Commands) > 0 {
			slot := int(wire.Slot(said.Request.Commands[0].Key))
			r.asked[question{m.From, said.ID}] = slot
			return slotsBelow - slot, true
		}
	case *wire.Reply:
		if slot, known := r.asked[question{m.To, said.ID}]; m.To < -1 && known {
			return slotsBelow - slot, true
		}
	}
	return 0, false
}

// settleShards replaces slots by their shards.
func settleShards(parts []ui.Part, shards int) {
	for i := range parts {
		if s := parts[i].Shard; s <= slotsBelow {
			parts[i].Shard = int(wire.ShardOf(uint16(slotsBelow-s), shards))
		}
	}
}
