package grpcapi

import (
	"fmt"

	"torc/core/wire"
)

// check decides whether a client's request may go on. An error means that the request makes
// no sense (and is no use to repeat); a reason that it is refused.
func (s *Server) check(req *wire.Request, m *wire.ClusterMap) (wire.Reason, error) {
	if len(req.Commands) == 0 {
		return 0, fmt.Errorf("a request without commands")
	}
	if m == nil {
		return wire.ReasonNotReady, nil
	}
	if m.IsOther(req.Cluster) {
		return wire.ReasonOtherCluster, nil
	}
	if req.Shard == wire.MetaShard || uint32(req.Shard) > m.Shards {
		return 0, fmt.Errorf("shard %d is not one of 1 to %d", req.Shard, m.Shards)
	}
	for i := range req.Commands {
		c := &req.Commands[i]
		if !fromClients(c.Op) {
			return 0, fmt.Errorf("operation %d is not for clients", c.Op)
		}
		if len(c.Key) > s.opts.MaxKey || len(c.Value) > s.opts.MaxValue {
			return wire.ReasonTooLarge, nil
		}
		if hasKey(c.Op) && shardOf(c.Key, m) != req.Shard {
			return 0, fmt.Errorf("a key of shard %d in a request for shard %d", shardOf(c.Key, m), req.Shard)
		}
	}
	return wire.ReasonNone, nil
}

// fromClients reports whether clients may ask for an operation; the log has some of its own.
func fromClients(op wire.Op) bool {
	return op.Valid() && op != wire.OpTick && op != wire.OpMeta && op != wire.OpCaching
}

// hasKey reports whether an operation is on one key. The others are on a whole shard.
func hasKey(op wire.Op) bool {
	switch op {
	case wire.OpScan, wire.OpCount, wire.OpCountInSlot, wire.OpSlotKeys, wire.OpFlush:
		return false
	}
	return true
}

func shardOf(key []byte, m *wire.ClusterMap) wire.ShardID {
	return wire.ShardOf(wire.Slot(key), int(m.Shards))
}
