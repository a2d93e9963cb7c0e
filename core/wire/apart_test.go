package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// With its pieces put where they belong the form is the one that has all in it.
func TestAFrameApartIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, before := drawFrame(t), []byte("before")
		apart := &Apart{Least: rapid.IntRange(1, 300).Draw(t, "least")}
		b := AppendFrameApart(before, &f, apart)
		var whole []byte
		at := 0
		for _, p := range apart.Pieces {
			require.GreaterOrEqual(t, len(p.Data), apart.Least)
			whole = append(append(whole, b[at:p.At]...), p.Data...)
			at = p.At
		}
		whole = append(whole, b[at:]...)
		require.Equal(t, AppendFrame(before, &f), whole)
		require.Equal(t, len(whole), len(b)+apart.Len(0))
	})
}

// What is long is not copied: a frame with a value of 1 MiB has a form of a few bytes, and the value.
func TestWhatIsLongStaysWhereItLies(t *testing.T) {
	data := make([]byte, 1<<20)
	for _, m := range []Message{
		&Raft{RaftMessage: RaftMessage{Entries: []Entry{{Data: data}}}},
		&Forward{Request: Request{Commands: []Command{{Op: OpSet, Value: data}}}},
		&Reply{Response: Response{Results: []Result{{Kind: KindBytes, Value: data}}}},
		&SnapshotChunk{Data: data},
	} {
		apart := &Apart{Least: 1 << 10}
		b := AppendFrameApart(nil, &Frame{Messages: []Message{m}}, apart)
		require.Less(t, len(b), 100, "%T", m)
		require.Len(t, apart.Pieces, 1, "%T", m)
		require.Same(t, &data[0], &apart.Pieces[0].Data[0], "%T", m)
		apart.Forget(0)
		require.Empty(t, apart.Pieces)
	}
}
