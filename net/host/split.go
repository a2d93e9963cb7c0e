package host

import "torc/core/wire"

// split cuts a frame into one per lane (nil: nothing for that lane) and hands out the
// membership protocol's messages, if somebody takes them. Most frames are for one lane and stay whole: nodes usually
// have the same number of lanes, and a lane sends frames of its own.
func split(f *wire.Frame, lanes int, gossip func([]byte)) []*wire.Frame {
	parts := make([]*wire.Frame, lanes)
	if len(f.Messages) == 0 {
		return parts
	}
	if lane, whole := soleLane(f, lanes, gossip != nil); whole {
		parts[lane] = f
		return parts
	}
	for _, m := range f.Messages {
		if g, ok := m.(*wire.Gossip); ok && gossip != nil {
			gossip(g.Data)
			continue
		}
		lane := laneOf(m.Group(), lanes)
		if parts[lane] == nil {
			parts[lane] = &wire.Frame{From: f.From, FromIncarnation: f.FromIncarnation, To: f.To, ToIncarnation: f.ToIncarnation, Cluster: f.Cluster}
		}
		parts[lane].Messages = append(parts[lane].Messages, m)
	}
	return parts
}

// soleLane reports whether all of a frame's messages are for one lane.
func soleLane(f *wire.Frame, lanes int, gossipApart bool) (int, bool) {
	lane := laneOf(f.Messages[0].Group(), lanes)
	for _, m := range f.Messages {
		if _, gossip := m.(*wire.Gossip); gossip && gossipApart || laneOf(m.Group(), lanes) != lane {
			return 0, false
		}
	}
	return lane, true
}
