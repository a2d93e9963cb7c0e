package wire

// Size estimates the frame's bytes, for bounds on queues.
func (f *Frame) Size() int {
	n := 64
	for _, m := range f.Messages {
		n += MessageSize(m)
	}
	return n
}

// MessageSize estimates a message's bytes, for bounds on queues.
func MessageSize(m Message) int {
	const base = 64
	switch m := m.(type) {
	case *Raft:
		n := base + len(m.Context)
		for i := range m.Entries {
			n += 32 + len(m.Entries[i].Data)
		}
		return n
	case *Forward:
		return base + m.Request.Size()
	case *Reply:
		n := base
		for i := range m.Response.Results {
			n += m.Response.Results[i].Size()
		}
		return n
	case *SnapshotChunk:
		return base + len(m.Data)
	case *Used:
		return base + 8*len(m.Hashes)
	case *Ping:
		return base + 16*len(m.Says)
	case *Gossip:
		return base + len(m.Data)
	case *Recall:
		return base + len(m.Key)
	case *Hello:
		return base + memberSize*(1+len(m.Known))
	case *Pledge:
		return base + memberSize*len(m.Members)
	case *Told:
		n := base
		for _, line := range m.Lines {
			n += 16 + len(line)
		}
		return n
	case *MapUpdate:
		if m.Map == nil {
			return base
		}
		n := base + memberSize*len(m.Map.Members)
		for i := range m.Map.Placements {
			n += 16 + 24*len(m.Map.Placements[i].Replicas)
		}
		return n
	}
	return base
}

// memberSize is about what a Member takes, with its name and addresses.
const memberSize = 128

// RequestMax is how many bytes (Request.Size) one request may have, and AnswerMax how many its answer (Result.Size): a little less
// than the longest frame that nodes carry to each other (net/peer), and more than any one value has.
const (
	RequestMax = 255 << 20
	AnswerMax  = 255 << 20
)

// Size estimates a result's bytes, for bounds.
func (r *Result) Size() int {
	n := 32 + len(r.Value)
	for _, v := range r.List {
		n += 8 + len(v)
	}
	return n
}
