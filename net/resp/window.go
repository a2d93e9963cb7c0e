package resp

import "torc/core/wire"

// windowMin is the window's first size; it doubles up to Options.MaxPipeline.
const windowMin = 16

// slotBufferKept is the largest reply buffer that a free slot keeps.
const slotBufferKept = 256

// renderer writes the reply to a command of one part.
type renderer func(o *output, proto int, res *wire.Result)

// slot is one reply that is owed.
type slot struct {
	spec   *command
	render renderer // commands of one part
	job    job      // commands of several parts, or nil
	left   int      // parts without an answer
	room   room     // what bounds their bytes
	alone  bool     // they share a Call with no other command's
	done   bool
	mute   bool // CLIENT REPLY OFF or SKIP: nothing is sent
	proto  int  // as it was when the command came
	until  int64
	out    output // the reply, when it is complete before its turn
}

// window holds the replies that a connection is owed, in order:
//
//	head: the next to leave    tail: the next command's place
//
// It is guarded by the connection's lock.
type window struct {
	ring       []slot // a power of two long
	head, tail uint64
	early      int // bytes of replies that are complete but not at the head
}

func (w *window) len() int { return int(w.tail - w.head) }

func (w *window) at(seq uint64) *slot { return &w.ring[seq&uint64(len(w.ring)-1)] }

// push opens a slot at the tail. The slot's pointer holds until the next push.
func (w *window) push() (uint64, *slot) {
	if w.len() == len(w.ring) {
		grown := make([]slot, max(windowMin, 2*len(w.ring)))
		for seq := w.head; seq < w.tail; seq++ {
			grown[seq&uint64(len(grown)-1)] = *w.at(seq)
		}
		w.ring = grown
	}
	seq := w.tail
	w.tail++
	return seq, w.at(seq)
}

// target is where the reply of a slot is to be written: straight into the output when
// everything before it has left.
func (w *window) target(seq uint64, out *output) *output {
	s := w.at(seq)
	if seq == w.head && !s.mute {
		return out
	}
	return &s.out
}

// complete marks a slot as answered and moves all that may leave into the output.
func (w *window) complete(seq uint64, out *output) {
	s := w.at(seq)
	s.done = true
	w.early += s.out.len()
	for w.head < w.tail {
		s := w.at(w.head)
		if !s.done {
			return
		}
		w.early -= s.out.len()
		if s.mute {
			s.out.reset()
		} else if !s.out.empty() {
			out.move(&s.out)
		}
		buf := s.out.buf
		if cap(buf) > slotBufferKept {
			buf = nil
		}
		*s = slot{out: output{buf: buf}}
		w.head++
	}
}
