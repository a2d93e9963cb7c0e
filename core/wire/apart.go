package wire

import "encoding/binary"

// Apart takes note of the long pieces of a binary form that are not copied into it, because whoever sends it can as
// well send them from where they lie. A nil *Apart means that all is copied.
type Apart struct {
	Least  int // bytes of the shortest piece that is left where it lies; at least 1
	Pieces []Piece
}

// Piece is a part of a binary form that is missing in it, and where it belongs: before the byte At.
type Piece struct {
	At   int
	Data []byte
}

// Forget forgets the pieces from one on, and keeps the room for others.
func (a *Apart) Forget(from int) {
	clear(a.Pieces[from:])
	a.Pieces = a.Pieces[:from]
}

// Len is how many bytes the pieces have together, from one on.
func (a *Apart) Len(from int) (n int) {
	for i := from; i < len(a.Pieces); i++ {
		n += len(a.Pieces[i].Data)
	}
	return n
}

// bytes is appendBytes, with the bytes left out if they are many.
func (a *Apart) bytes(b, v []byte) []byte {
	if a == nil || len(v) < a.Least {
		return appendBytes(b, v)
	}
	b = binary.AppendUvarint(b, uint64(len(v)))
	a.Pieces = append(a.Pieces, Piece{len(b), v})
	return b
}

// AppendFrameApart appends a frame's binary form without its long pieces, which it adds to the others. Values and
// the data of entries and of snapshots are such; they must stay what they are until the frame is sent.
func AppendFrameApart(b []byte, f *Frame, a *Apart) []byte { return appendFrame(b, f, a) }
