package sim

import (
	"slices"
	"strings"

	"torc/core/trace"
	"torc/core/wire"
)

// fence sees to it that a replica which was let go never comes back: an ID is a member once.
type fence struct {
	at    []uint64           // by shard: index of the newest configuration
	in    [][]wire.ReplicaID // the members in it
	ended map[replicaKey]uint64
	// learned are the replicas that have been learners: nobody else may become a voter, because a
	// newcomer that votes before it has caught up makes the quorum greater without being part of it.
	learned map[replicaKey]bool
}

// founded notes the voters that a shard began with.
func (f *fence) founded(shard wire.ShardID, voters []wire.ReplicaID) {
	f.room(shard)
	f.in[shard] = voters
}

// room makes room for a shard.
func (f *fence) room(shard wire.ShardID) {
	for len(f.at) <= int(shard) {
		f.at, f.in = append(f.at, 0), append(f.in, nil)
	}
}

// configured takes a configuration as core words it.
func (f *fence) configured(w *World, e *trace.Event) {
	f.room(e.Shard)
	if e.Index <= f.at[e.Shard] {
		return
	}
	if f.ended == nil {
		f.ended, f.learned = map[replicaKey]uint64{}, map[replicaKey]bool{}
	}
	note, learners, _ := strings.Cut(e.Note, " learners")
	voters, members := numbersIn(note), numbersIn(e.Note)
	for _, id := range numbersIn(learners) {
		f.learned[replicaKey{e.Shard, id}] = true
	}
	for _, id := range voters {
		if f.in[e.Shard] != nil && !slices.Contains(f.in[e.Shard], id) && !f.learned[replicaKey{e.Shard, id}] {
			w.violate(OracleRaft, "shard %d index %d: replica %d votes without ever having been a learner", e.Shard, e.Index, id)
		}
	}
	for _, id := range f.in[e.Shard] {
		if !slices.Contains(members, id) {
			f.ended[replicaKey{e.Shard, id}] = e.Index
		}
	}
	for _, id := range members {
		if at, gone := f.ended[replicaKey{e.Shard, id}]; gone {
			w.violate(OracleRaft, "shard %d index %d: replica %d is a member again, but it left at index %d", e.Shard, e.Index, id, at)
		}
	}
	f.at[e.Shard], f.in[e.Shard] = e.Index, members
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
