package raft

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	etcdraft "go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"
)

// TestTheLogIsASlice: the log beside the dumbest one there is, which keeps everything.
func TestTheLogIsASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, applied := newMemoryLog(), uint64(0)
		all := []*pb.Entry{{Index: new(uint64(0)), Term: new(uint64(0))}} // all[i] has index i
		first, term := uint64(1), uint64(1)
		var lent [][]*pb.Entry // parts that were handed out must stay as they were
		var copies [][]*pb.Entry
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				at := rapid.Uint64Range(max(first, applied+1), uint64(len(all))).Draw(t, "at")
				if at < uint64(len(all)) {
					term++ // another leader's suffix
				}
				var entries []*pb.Entry
				for i := range rapid.Uint64Range(1, rapid.SampledFrom([]uint64{5, 200}).Draw(t, "most")).Draw(t, "entries") {
					data := bytes.Repeat([]byte{byte(at + i), byte(term)}, rapid.SampledFrom([]int{0, 3, 25, 25, 25, packedMost}).Draw(t, "size"))
					entries = append(entries, &pb.Entry{Index: new(at + i), Term: new(term), Type: pb.EntryType(rapid.IntRange(0, 2).Draw(t, "kind")).Enum(), Data: data})
				}
				all = append(all[:at:at], entries...)
				l.append(entries)
			},
			"apply": func(t *rapid.T) {
				applied = rapid.Uint64Range(applied, uint64(len(all)-1)).Draw(t, "applied")
				l.packUpTo(applied)
				require.LessOrEqual(t, int(applied)-int(first)+1-l.packed(), packAt, "what is applied is packed")
			},
			"compact": func(t *rapid.T) {
				index := rapid.Uint64Range(0, uint64(len(all)-1)).Draw(t, "index")
				first, applied = max(first, index+1), max(applied, index)
				l.compact(index)
			},
			"restart": func(t *rapid.T) {
				index := uint64(len(all)) + rapid.Uint64Range(0, 5).Draw(t, "ahead")
				term++
				for uint64(len(all)) <= index {
					all = append(all, &pb.Entry{Index: new(uint64(len(all))), Term: new(term)})
				}
				first, applied = index+1, index
				l.restart(index, term)
			},
			"read": func(t *rapid.T) {
				last := uint64(len(all) - 1)
				lo := rapid.Uint64Range(0, last+1).Draw(t, "lo")
				hi := rapid.Uint64Range(lo, last+3).Draw(t, "hi")
				size := rapid.Uint64Range(0, 500).Draw(t, "size")
				got, err := l.Entries(lo, hi, size)
				switch {
				case lo < first:
					require.ErrorIs(t, err, etcdraft.ErrCompacted)
				case hi > last+1:
					require.ErrorIs(t, err, etcdraft.ErrUnavailable)
				default:
					require.NoError(t, err)
					require.LessOrEqual(t, uint64(len(got)), hi-lo)
					require.True(t, slices.EqualFunc(all[lo:lo+uint64(len(got))], got, sameEntry))
					require.True(t, len(got) > 0 || lo == hi, "one entry at least, however large")
					lent, copies = append(lent, got), append(copies, all[lo:lo+uint64(len(got))])
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, uint64(len(all)-1), l.last())
				require.Equal(t, first, l.first)
				var size int64
				for i := range all {
					got, err := l.Term(uint64(i))
					if uint64(i)+1 < first {
						require.ErrorIs(t, err, etcdraft.ErrCompacted)
						continue
					}
					require.NoError(t, err)
					require.Equal(t, all[i].GetTerm(), got)
					if uint64(i) >= first {
						size += int64(len(all[i].Data)) + entryOverhead
					}
				}
				require.Equal(t, size, l.bytes)
				_, err := l.Term(uint64(len(all)))
				require.ErrorIs(t, err, etcdraft.ErrUnavailable)
				for i := range lent {
					require.True(t, slices.EqualFunc(copies[i], lent[i], sameEntry), "what was lent has changed")
				}
			},
		})
	})
}

func sameEntry(a, b *pb.Entry) bool {
	return a.GetIndex() == b.GetIndex() && a.GetTerm() == b.GetTerm() && a.GetType() == b.GetType() && bytes.Equal(a.Data, b.Data)
}

// What was proposed lies in memory that its proposer uses again at once. If a later raft keeps it instead of a copy,
// this fails: then Propose must copy.
func TestWhatWasProposedIsCopied(t *testing.T) {
	n := newNetwork(t, 5, 3)
	leader := n.leader()
	data := []byte("as it was proposed")
	require.NoError(t, leader.Propose(data))
	copy(data, "something new     ")
	leader.Flush()
	index := leader.LastIndex()
	n.settle()
	require.Equal(t, "as it was proposed", n.entries[index])
}
