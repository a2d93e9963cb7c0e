package session

import "torc/core/env"

// WindowMax is how far a client's newest Seq on a shard may be ahead of its Floor: what a
// shard must remember of one client.
const WindowMax = 256

// window hands out one client's sequence numbers on one shard.
//
// A session begins with one write, its opener, and until that is answered OK no other is
// sent. Every other request, and every retry of the opener, insists that the shard knows the
// client (Session.Retry). Why: suppose that any first attempt might begin a session.
//
//  1. Write 1 is applied; its answer is lost.
//  2. The shard forgets the session (a jump of the wall clock is enough).
//  3. Write 2's first attempt begins the session again.
//  4. Write 1 is sent again. The shard knows the client, but not this write: it applies it a
//     second time.
//
// With one opener, and one message of it that may begin the session, a session that was
// forgotten stays forgotten.
type window struct {
	client uint64
	known  bool   // the opener was answered OK: the shard has known this client
	base   uint64 // Seq of live[0]: the Floor
	live   []bool // from base on: handed out and not concluded; live[0] is true
}

// newWindow begins a session under a new client number.
func newWindow(r env.Rand) *window {
	for {
		if client := r.Uint64(); client != 0 {
			return newWindowOf(client)
		}
	}
}

func newWindowOf(client uint64) *window { return &window{client: client, base: 1} }

// full reports whether the next number has to wait: for the opener, or for the Floor to rise.
func (w *window) full() bool {
	return len(w.live) >= WindowMax || !w.known && len(w.live) > 0
}

// open hands out the next number.
func (w *window) open() uint64 {
	w.live = append(w.live, true)
	return w.base + uint64(len(w.live)) - 1
}

// conclude says that nobody waits for a number's outcome any more.
func (w *window) conclude(seq uint64) {
	w.live[seq-w.base] = false
	for len(w.live) > 0 && !w.live[0] {
		w.live = w.live[1:]
		w.base++
	}
}
