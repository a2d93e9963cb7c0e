package sim

import (
	"fmt"
	"time"
)

// Clog stops up links without losing anything: packets wait, and when it ends they all arrive at
// once, long after whoever sent them has given up. With B it is the links between two nodes
// (OneWay: from A to B only), without it all links of A; with Clients those to clients, too.
type Clog struct {
	A, B    Target
	Pair    bool // B is meant
	OneWay  bool // of a pair
	Clients bool // of a node: its clients' links, too
}

func (f Clog) fix(w *World) Fault {
	f.A = f.A.fix(w)
	if f.Pair {
		f.B = f.B.fix(w)
	}
	return f
}

func (f Clog) strike(w *World) (string, func()) {
	a, b := f.A.find(w), f.B.find(w)
	if f.Pair && a == b {
		return "", nil
	}
	links := f.links(w, a, b)
	for _, l := range links {
		w.network.link(l[0], l[1]).clogs++
	}
	end := func() {
		for _, l := range links {
			w.network.unclog(l[0], l[1])
		}
	}
	switch {
	case f.OneWay:
		return fmt.Sprintf("clog %v -> %v", a, b), end
	case f.Pair:
		return fmt.Sprintf("clog %v -- %v", a, b), end
	case f.Clients:
		return fmt.Sprintf("clog %v%s, clients too", a, w.leads(a)), end
	}
	return fmt.Sprintf("clog %v%s", a, w.leads(a)), end
}

func (f Clog) links(w *World, a, b *node) (links [][2]int) {
	switch {
	case f.OneWay:
		return [][2]int{{int(a.index), int(b.index)}}
	case f.Pair:
		return [][2]int{{int(a.index), int(b.index)}, {int(b.index), int(a.index)}}
	}
	ends := len(w.nodes)
	if f.Clients {
		ends += len(w.users())
	}
	for other := range ends {
		if other != int(a.index) {
			links = append(links, [2]int{int(a.index), other}, [2]int{other, int(a.index)})
		}
	}
	return links
}

// Lag makes what is sent from A to B meanwhile (Both: and back) arrive so much later, while what is sent after it passes: late
// packets are overtaken by any number of others, also by answers to them that came another way. A clog keeps the order, and so does
// a link that is slow all the time.
type Lag struct {
	A, B Target
	Both bool
	By   time.Duration
}

func (f Lag) fix(w *World) Fault {
	f.A, f.B = f.A.fix(w), f.B.fix(w)
	return f
}

func (f Lag) strike(w *World) (string, func()) {
	return f.change(w, "lag", func(l *link, by time.Duration) { l.slow = max(0, l.slow+by) })
}

// change does something to the links that are meant, and gives the way to undo it.
func (f Lag) change(w *World, word string, do func(l *link, by time.Duration)) (string, func()) {
	a, b := f.A.find(w), f.B.find(w)
	if a == b {
		return "", nil
	}
	links, arrow := []*link{w.network.link(int(a.index), int(b.index))}, "->"
	if f.Both {
		links, arrow = append(links, w.network.link(int(b.index), int(a.index))), "--"
	}
	change := func(by time.Duration) {
		for _, l := range links {
			do(l, by)
		}
	}
	change(f.By)
	return fmt.Sprintf("%s %v %s %v by %v", word, a, arrow, b, f.By), func() { change(-f.By) }
}

// Echo makes what is sent from A to B meanwhile (Both: and back) arrive in time, and so much later once more: to whom has long dealt with
// it, and may have forgotten that.
type Echo Lag

func (f Echo) fix(w *World) Fault { return Echo(Lag(f).fix(w).(Lag)) }

func (f Echo) strike(w *World) (string, func()) {
	return Lag(f).change(w, "echo", func(l *link, by time.Duration) { l.echo = max(0, l.echo+by) })
}

// Throttle makes all links of a node to others long and narrow: Delay more on the way, and at most
// Bytes a second in each direction (0: as many as come). What would wait for too long is lost, as
// in a router; and so are Drop ten-thousandths of what passes, and whatever has more than Over bytes (0: nothing), as where a queue has
// room for what is small and none for what is large.
type Throttle struct {
	Target Target
	Delay  time.Duration
	Bytes  int
	Drop   int
	Over   int
}

// queueMax is for how long a narrow link keeps a packet before it is lost.
const queueMax = 3 * time.Second

func (f Throttle) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Throttle) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	w.faults.impeded = true
	change := func(sign int) {
		for other := range w.nodes {
			if other == int(n.index) {
				continue
			}
			for _, l := range []*link{w.network.link(int(n.index), other), w.network.link(other, int(n.index))} {
				l.slow = max(0, l.slow+time.Duration(sign)*f.Delay)
				l.narrow(sign * f.Bytes)
				l.drop = max(0, l.drop+sign*f.Drop)
				l.bound(sign * f.Over)
			}
		}
	}
	change(1)
	said := fmt.Sprintf("throttle %v%s: delay +%v", n, w.leads(n), f.Delay)
	if f.Bytes > 0 {
		said += fmt.Sprintf(", %d bytes a second", f.Bytes)
	}
	if f.Drop > 0 {
		said += fmt.Sprintf(", drop %d‱", f.Drop)
	}
	if f.Over > 0 {
		said += fmt.Sprintf(", drop what has more than %d bytes", f.Over)
	}
	return said, func() { change(-1) }
}

// Replay lets the last packets between a node's former life and the others arrive once more: at the
// others as from the dead, at its new life as if they were for it.
type Replay struct{ Target Target }

func (f Replay) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

// replaySpacing parts the packets that arrive again: together they would be one turn.
const replaySpacing = time.Millisecond

func (f Replay) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	packets := n.former.inOrder()
	if len(packets) == 0 {
		return "", nil
	}
	for i, p := range packets {
		w.network.deliverAfter(time.Duration(i+1)*replaySpacing, p.from, p.to, portPeer, p.frame, p.bytes, p.number)
	}
	if n.state == stateUp {
		w.reached(branchReplay)
	}
	return fmt.Sprintf("replay %d packets of %v's former life", len(packets), n), nil
}

// packetRing is what a node has sent and been sent last by other nodes, in one life.
type packetRing struct {
	packets []onWay
	next    int
}

const packetRingMax = 96

func (r *packetRing) add(p onWay) {
	if len(r.packets) < packetRingMax {
		r.packets = append(r.packets, p)
		return
	}
	r.packets[r.next] = p
	r.next = (r.next + 1) % packetRingMax
}

// inOrder is the packets, the oldest first.
func (r *packetRing) inOrder() (list []onWay) {
	return append(append(list, r.packets[r.next:]...), r.packets[:r.next]...)
}
