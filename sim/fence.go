package sim

import (
	"slices"
	"strings"

	"torc/core/trace"
	"torc/core/wire"
)

// fence sees to it that a replica which has voted and was let go never comes back: an ID may vote
// for one life, once. (A learner that is dropped and taken in again in the same life has promised
// nothing to anybody.)
type fence struct {
	at    []uint64           // by shard: index of the newest configuration
	in    [][]wire.ReplicaID // the voters in it
	ended map[replicaKey]uint64
}

// configured takes a configuration as core words it.
func (f *fence) configured(w *World, e *trace.Event) {
	for len(f.at) <= int(e.Shard) {
		f.at, f.in = append(f.at, 0), append(f.in, nil)
	}
	if e.Index <= f.at[e.Shard] {
		return
	}
	if f.ended == nil {
		f.ended = map[replicaKey]uint64{}
	}
	note, _, _ := strings.Cut(e.Note, " learners")
	voters, members := numbersIn(note), numbersIn(e.Note)
	for _, id := range f.in[e.Shard] {
		if !slices.Contains(voters, id) {
			f.ended[replicaKey{e.Shard, id}] = e.Index
		}
	}
	for _, id := range members {
		if at, gone := f.ended[replicaKey{e.Shard, id}]; gone {
			w.violate(OracleRaft, "shard %d index %d: replica %d is a member again, but it had voted, and left at index %d", e.Shard, e.Index, id, at)
		}
	}
	f.at[e.Shard], f.in[e.Shard] = e.Index, voters
}

// numbersIn reads the replicas out of a configuration's words.
func numbersIn(note string) (ids []wire.ReplicaID) {
	id, inside := wire.ReplicaID(0), false
	for i := range len(note) + 1 {
		if i < len(note) && note[i] >= '0' && note[i] <= '9' {
			id, inside = id*10+wire.ReplicaID(note[i]-'0'), true
			continue
		}
		if inside {
			ids = append(ids, id)
		}
		id, inside = 0, false
	}
	return ids
}
