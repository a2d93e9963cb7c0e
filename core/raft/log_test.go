package raft

import (
	"bytes"
	"math"
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
				size := rapid.SampledFrom([]uint64{0, 100, 300, 20_000, math.MaxUint64}).Draw(t, "size")
				got, err := l.Entries(lo, hi, size)
				switch {
				case lo < first:
					require.ErrorIs(t, err, etcdraft.ErrCompacted)
				case hi > last+1:
					require.ErrorIs(t, err, etcdraft.ErrUnavailable)
				default:
					require.NoError(t, err)
					require.Len(t, got, fitting(all[lo:hi], size))
					require.True(t, slices.EqualFunc(all[lo:lo+uint64(len(got))], got, sameEntry))
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

// TestWhatIsPackedReadsAsBefore: whatever part of the log is asked for, from what is packed and from what is not yet, while its head is given up.
func TestWhatIsPackedReadsAsBefore(t *testing.T) {
	l, all := newMemoryLog(), []*pb.Entry{nil} // all[i] has index i
	for i := range uint64(300) {
		data := bytes.Repeat([]byte{byte(i)}, []int{25, 0, 25, packedMost + 1}[i%4])
		all = append(all, &pb.Entry{Index: new(i + 1), Term: new(i/10 + 1), Type: pb.EntryNormal.Enum(), Data: data})
	}
	reads := func(first uint64) {
		for lo := first; lo <= l.last(); lo++ {
			got, err := l.Entries(lo, l.last()+1, math.MaxUint64)
			require.NoError(t, err)
			require.True(t, slices.EqualFunc(all[lo:l.last()+1], got, sameEntry), "from %d", lo)
		}
	}
	l.append(all[1:201])
	l.packUpTo(150)
	require.Equal(t, 150-packLeft, l.packed())
	reads(1)
	held := len(l.pack.chunks)
	l.compact(50)
	require.Less(t, len(l.pack.chunks), held, "memory is given back")
	reads(51)
	l.append(all[201:])
	l.packUpTo(290)
	reads(51)
	l.compact(120)
	reads(121)
	l.compact(280)
	require.Empty(t, l.pack.chunks)
	reads(281)

	two := uint64(25 + 0 + 2*entryOverhead)
	for size, want := range map[uint64]int{two: 2, two - 1: 1, 0: 1} {
		got, err := l.Entries(281, 301, size)
		require.NoError(t, err)
		require.Len(t, got, want)
	}
}

// TestWhatIsLongStaysWhereItIs: nothing is written behind it, and it is given up with its entry.
func TestWhatIsLongStaysWhereItIs(t *testing.T) {
	l := newMemoryLog()
	room := bytes.Repeat([]byte("another's"), packedMost)
	long := room[:packedMost+1]
	for i := range uint64(packAt + packLeft) {
		data := []byte("short")
		if i == 1 {
			data = long
		}
		l.append([]*pb.Entry{{Index: new(i + 1), Term: new(uint64(1)), Type: pb.EntryNormal.Enum(), Data: data}})
	}
	l.packUpTo(l.last())
	got, err := l.Entries(2, 3, math.MaxUint64)
	require.NoError(t, err)
	require.Same(t, &long[0], &got[0].Data[0])
	require.Equal(t, bytes.Repeat([]byte("another's"), packedMost), room)
	chunks := l.pack.chunks
	l.compact(2)
	for i, chunk := range chunks[:len(chunks)-1] {
		require.Nil(t, chunk, "chunk %d is kept alive", i)
	}
	require.NotNil(t, chunks[len(chunks)-1])
}

// fitting is how many of the first entries have so many bytes together: one at least, however large.
func fitting(entries []*pb.Entry, size uint64) (n int) {
	sum := uint64(0)
	for _, e := range entries {
		if sum += uint64(len(e.Data)) + entryOverhead; sum > size && n > 0 {
			break
		}
		n++
	}
	return n
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
