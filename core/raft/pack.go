package raft

import pb "go.etcd.io/raft/v3/raftpb"

// As raft makes it, an entry is five pieces of memory that point to each other, and a log holds thousands for each shard: Go's
// collector would go through all of them, many times a second, for entries that hardly anybody reads again. So what is
// applied is packed: the data of many entries lie in one piece without pointers, and what else there is to know of an entry in
// its slot. Whoever still asks for one, a follower that is behind, gets it made anew.
//
// A chunk's bytes are never written twice: what was handed out stays as it is.
const (
	chunkLeast = 1 << 10 // bytes of a log's first chunk; each is twice as large as the one before,
	chunkMost  = 16 << 10
	packedMost = 4 << 10 // longer data stay where they are: to copy them costs more than a pointer
)

// slot is what the log knows of an entry without its data.
type slot struct {
	term       uint64
	size       uint32 // of the data, bytes
	chunk, off uint32 // where they lie, when they are packed
	kind       pb.EntryType
}

// pack holds data in the order of their entries.
type pack struct {
	chunks [][]byte
	first  uint32 // the number of chunks[0]
	open   bool   // the last chunk is ours, and may have room
}

// put stores data and tells where.
func (p *pack) put(data []byte) (chunk, off uint32) {
	if len(data) > packedMost {
		p.chunks, p.open = append(p.chunks, data), false
		return p.last(), 0
	}
	if !p.open || cap(p.chunks[len(p.chunks)-1])-len(p.chunks[len(p.chunks)-1]) < len(data) {
		size := min(chunkLeast<<min(len(p.chunks), 8), chunkMost)
		p.chunks, p.open = append(p.chunks, make([]byte, 0, max(size, len(data)))), true
	}
	last := &p.chunks[len(p.chunks)-1]
	off = uint32(len(*last))
	*last = append(*last, data...)
	return p.last(), off
}

func (p *pack) last() uint32 { return p.first + uint32(len(p.chunks)) - 1 }

// get returns the data of a slot. They are not to be written to.
func (p *pack) get(s *slot) []byte {
	if s.size == 0 {
		return nil
	}
	end := s.off + s.size
	return p.chunks[s.chunk-p.first][s.off:end:end]
}

// drop gives up the chunks before the one with this number.
func (p *pack) drop(before uint32) {
	n := int(before - p.first)
	clear(p.chunks[:n])
	p.chunks, p.first = p.chunks[n:], before
}

// entries makes entries anew, the first of which has an index.
func (p *pack) entries(index uint64, slots []slot) []*pb.Entry {
	made, list := make([]entry, len(slots)), make([]*pb.Entry, len(slots), len(slots)+packedRoom)
	for i := range slots {
		e, s := &made[i], &slots[i]
		e.kind, e.term, e.index = s.kind, s.term, index+uint64(i)
		e.Type, e.Term, e.Index, e.Data = &e.kind, &e.term, &e.index, p.get(s)
		list[i] = &e.Entry
	}
	return list
}

// packedRoom is room for entries that are not packed, behind those that were.
const packedRoom = 8
