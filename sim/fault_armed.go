package sim

import (
	"slices"
	"strings"
	"time"

	"torc/core/trace"
	"torc/core/wire"
)

// Trigger is a moment of the protocol at which an armed fault strikes.
type Trigger uint8

// The triggers.
const (
	OnSnapshot Trigger = iota // a leader begins to send a snapshot: Sender to Receiver
	OnChange                  // Sender has entered a joint change of voters that takes Receiver in
	triggerCount
)

var triggerNames = [triggerCount]string{"snapshot", "change"}

func (t Trigger) String() string { return triggerNames[t%triggerCount] }

// ParseTrigger reads what String has written.
func ParseTrigger(text string) (Trigger, bool) {
	i := slices.Index(triggerNames[:], text)
	return Trigger(max(i, 0)), i >= 0
}

// When arms a fault: it strikes once, a little after the trigger is seen on the shard (0: on any).
// The targets Sender and Receiver are then the nodes that the trigger is about. A fault that may not
// strike at that moment (the rule of lost memory) stays armed. Arming is no event: a run writes down
// only the fault that struck, with its time.
type When struct {
	Trigger Trigger
	Shard   wire.ShardID
	After   time.Duration
	Fault   Fault
}

func (f When) fix(*World) Fault { return f }

func (f When) strike(w *World) (string, func()) {
	w.faults.armed = append(w.faults.armed, f)
	return "", nil
}

// armedMax is how many drawn faults are armed at a time.
const armedMax = 4

// noticed lets armed faults see what a node tells.
func (f *nemesis) noticed(e *trace.Event) {
	trigger := OnSnapshot
	switch {
	case e.Kind == trace.Snapshot && e.A == 0:
	case e.Kind == trace.Conf && strings.Contains(e.Note, "&&"):
		trigger = OnChange
	default:
		return
	}
	i := slices.IndexFunc(f.armed, func(a When) bool { return a.Trigger == trigger && (a.Shard == 0 || a.Shard == e.Shard) })
	if i < 0 {
		return
	}
	armed := f.armed[i]
	f.armed = slices.Delete(f.armed, i, i+1)
	sender, receiver := f.w.nodes[e.Node-1], f.w.receiver(trigger, e)
	f.w.after(max(armed.After, time.Microsecond), func() {
		f.sender, f.receiver = sender, receiver
		if kind := kindOf(armed.Fault); !f.strikeAs(armedKind(trigger, kind), armed.Fault) && f.open {
			f.armed = append(f.armed, armed)
		}
	})
}

// receiver is the node whom a snapshot is for, or whom a change makes a voter.
func (w *World) receiver(trigger Trigger, e *trace.Event) *node {
	id := wire.ReplicaID(e.B)
	if trigger == OnChange {
		conf := parseConf(e.Note)
		id = 0
		for _, voter := range conf.voters {
			if !slices.Contains(conf.outgoing, voter) {
				id = voter
			}
		}
	}
	home := w.watch.homes[replicaKey{e.Shard, id}]
	if m := w.newestMap(); home == 0 && m != nil {
		if p := m.Placement(e.Shard); p != nil && p.Replica(id) != nil {
			home = p.Replica(id).Node
		}
	}
	if home == 0 {
		home = e.Node
	}
	return w.nodes[home-1]
}
