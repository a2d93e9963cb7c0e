package grpcapi

import "encoding/binary"

// What HTTP/2 and gRPC put around messages, in bytes.
const (
	prefaceBytes = 24 // before a connection's first frame
	headBytes    = 9  // before a frame's payload
	prefixBytes  = 5  // before a message: whether it is compressed, and its length

	frameData    = 0
	frameHeaders = 1
	frameReset   = 3
	flagEnds     = 1 // of the stream
	flagPadded   = 8
)

// frames follows what a client sends on a connection, and knows how much of messages has come in part. gRPC tells only of those that have come whole. It takes
// nothing away and judges nothing: of what is no HTTP/2 it counts nonsense, and gRPC closes the connection. Data of a stream that is not open gRPC passes over,
// and so does it: of streams without end nothing is to be kept.
type frames struct {
	skip int // bytes that tell nothing
	head [headBytes]byte
	had  int // of head

	stream uint32
	ends   bool // the present frame is the stream's last
	padded bool // it begins with how much of it is padding
	data   int  // bytes of messages that are still to come of it,
	after  int  // and of padding behind them

	present   piece
	partial   map[uint32]piece // by open stream: what has come in part, if anything, but for the present one
	bytes     int              // of all of these
	completed bool             // one of more than arrivingFree has come whole; for whoever asks to clear
}

// piece is a message that has come in part.
type piece struct {
	prefix [prefixBytes]byte
	had    int // of prefix
	came   int // bytes, with the prefix
	left   int // to come, when the prefix has
}

func newFrames() frames { return frames{skip: prefaceBytes, partial: map[uint32]piece{}} }

// scan takes what came.
func (f *frames) scan(b []byte) {
	for len(b) > 0 {
		switch {
		case f.skip > 0:
			n := min(f.skip, len(b))
			f.skip -= n
			b = b[n:]
		case f.padded:
			f.padded = false
			f.after = min(int(b[0]), f.data-1)
			f.data -= 1 + f.after
			b = b[1:]
			if f.data == 0 {
				f.over()
			}
		case f.data > 0:
			n := min(f.data, len(b))
			f.take(b[:n])
			b = b[n:]
			if f.data -= n; f.data == 0 {
				f.over()
			}
		default:
			n := copy(f.head[f.had:], b)
			b = b[n:]
			if f.had += n; f.had == headBytes {
				f.begin()
			}
		}
	}
}

// begin begins a frame.
func (f *frames) begin() {
	length := int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2])
	kind, flags := f.head[3], f.head[4]
	f.had, f.stream = 0, binary.BigEndian.Uint32(f.head[5:])&(1<<31-1)
	f.ends = flags&flagEnds != 0
	switch kind {
	case frameData:
		open := false
		if f.present, open = f.partial[f.stream]; !open {
			break
		}
		f.data, f.padded = length, flags&flagPadded != 0 && length > 0
		if length == 0 {
			f.over()
		}
		return
	case frameReset:
		f.forget(f.stream)
	case frameHeaders:
		if _, open := f.partial[f.stream]; f.ends { // nothing of the stream comes any more
			f.forget(f.stream)
		} else if !open {
			f.partial[f.stream] = piece{}
		}
	}
	f.skip = length
}

// take takes a piece of the present frame's messages.
func (f *frames) take(b []byte) {
	m := &f.present
	for len(b) > 0 {
		if m.had < prefixBytes {
			n := copy(m.prefix[m.had:], b)
			m.had += n
			f.count(n)
			b = b[n:]
			if m.had == prefixBytes {
				m.left = int(binary.BigEndian.Uint32(m.prefix[1:]))
			}
		} else {
			n := min(m.left, len(b))
			m.left -= n
			f.count(n)
			b = b[n:]
		}
		if m.had == prefixBytes && m.left == 0 {
			f.completed = f.completed || m.came > arrivingFree
			f.bytes -= m.came
			*m = piece{}
		}
	}
}

func (f *frames) count(n int) {
	f.present.came += n
	f.bytes += n
}

// over ends a frame of data.
func (f *frames) over() {
	f.skip, f.after = f.after, 0
	if f.ends {
		f.bytes -= f.present.came
		delete(f.partial, f.stream)
	} else {
		f.partial[f.stream] = f.present
	}
	f.present = piece{}
}

// forget forgets a stream that is over, in the midst of a frame, too.
func (f *frames) forget(stream uint32) {
	if f.data > 0 && f.stream == stream {
		f.bytes -= f.present.came
		f.present = piece{}
		f.skip, f.data, f.after, f.padded = f.data+f.after, 0, 0, false
	} else {
		f.bytes -= f.partial[stream].came
	}
	delete(f.partial, stream)
}

// longest is what has come of the longest message.
func (f *frames) longest() int {
	most := f.present.came
	for stream, m := range f.partial {
		if stream != f.stream || f.present.came == 0 { // of the present one there is an older note
			most = max(most, m.came)
		}
	}
	return most
}

// endings follows what the node sends on a connection, for the streams that it ends: of those gRPC keeps nothing, whatever their clients had begun to send.
type endings struct {
	skip int
	head [headBytes]byte
	had  int
}

// scan takes what is sent, and tells of every stream that ends.
func (e *endings) scan(b []byte, over func(stream uint32)) {
	for len(b) > 0 {
		if e.skip > 0 {
			n := min(e.skip, len(b))
			e.skip -= n
			b = b[n:]
			continue
		}
		n := copy(e.head[e.had:], b)
		b = b[n:]
		if e.had += n; e.had < headBytes {
			return
		}
		e.had = 0
		e.skip = int(e.head[0])<<16 | int(e.head[1])<<8 | int(e.head[2])
		kind, ends := e.head[3], e.head[4]&flagEnds != 0
		if kind == frameReset || ends && (kind == frameHeaders || kind == frameData) {
			over(binary.BigEndian.Uint32(e.head[5:]) & (1<<31 - 1))
		}
	}
}
