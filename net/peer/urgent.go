package peer

import "torc/core/wire"

// The types of raft messages that carry data, in raft's own numbers (raftpb.MessageType).
const (
	msgApp     = 3
	msgAppResp = 4
	msgSnap    = 7
)

// urgent reports whether a frame goes before data: all in it is small, and somebody's timeout
// runs on it. A frame is never divided (env.Network alters nothing), so one that also
// carries data goes with the data: a lane that has much to say puts its heartbeats into a
// frame of their own.
func urgent(f *wire.Frame) bool {
	for _, m := range f.Messages {
		if !hasty(m) {
			return false
		}
	}
	return true
}

// hasty reports whether a message cannot wait. Appends and their answers stay on one stream,
// because raft treats an append that overtook another as a lost one and sends again.
func hasty(m wire.Message) bool {
	switch m := m.(type) {
	case *wire.Raft:
		return m.Type != msgApp && m.Type != msgAppResp && m.Type != msgSnap
	case *wire.Forward, *wire.Reply, *wire.SnapshotChunk, *wire.SnapshotAck:
		return false
	}
	return true
}

// fit cuts a frame that is larger than any receiver takes into some that are not; a lane may
// have large appends for many groups in one turn. Every other frame stays as it is.
func fit(f *wire.Frame, max int) []*wire.Frame {
	if f.Size() <= max {
		return []*wire.Frame{f}
	}
	var pieces []*wire.Frame
	size := 0
	for _, m := range f.Messages {
		more := wire.MessageSize(m)
		if len(pieces) == 0 || size+more > max {
			piece := *f
			piece.Messages = nil
			pieces, size = append(pieces, &piece), 0
		}
		last := pieces[len(pieces)-1]
		last.Messages = append(last.Messages, m)
		size += more
	}
	return pieces
}
