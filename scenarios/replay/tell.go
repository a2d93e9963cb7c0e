package replay

import (
	"fmt"
	"strings"
	"time"

	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
	"torc/sim"
)

// clientsFrom is how the trace calls the first client.
const clientsFrom = 1001

// teller puts events into words, in the names of one run.
type teller struct{ view sim.View }

// name is a node or a client as scenario files name it.
func (t *teller) name(id wire.NodeID) string {
	switch client := int(id) - clientsFrom + 1; {
	case client < 1 || id >= 1<<16:
		return id.String()
	case client > t.view.Users():
		return "prober"
	default:
		return fmt.Sprintf("c%d", client)
	}
}

// line is an event on a line of its own.
func (t *teller) line(e *trace.Event, f *wire.Frame) string {
	return fmt.Sprintf("%11s  %s", seconds(time.Duration(e.At)), t.words(e, f))
}

// seconds is a time of the world to the microsecond.
func seconds(at time.Duration) string { return fmt.Sprintf("%.6f", at.Seconds()) }

func group(shard wire.ShardID) string {
	if shard == wire.MetaShard {
		return "meta"
	}
	return fmt.Sprintf("shard %d", shard)
}

// roles are raft's states as events number them.
var roles = []string{"follows", "is a candidate", "LEADS", "asks for pre-votes"}

// words is what happened, as a sentence without its time.
func (t *teller) words(e *trace.Event, f *wire.Frame) string {
	node := t.name(e.Node)
	switch e.Kind {
	case trace.Send:
		return fmt.Sprintf("%s -> %s  #%d %s", node, t.name(e.Peer), e.B, t.frame(f))
	case trace.Deliver:
		return fmt.Sprintf("%s <- %s  #%d arrives", node, t.name(e.Peer), e.B)
	case trace.Drop:
		if e.Note != "" {
			return fmt.Sprintf("%s  a packet is dropped: %s", node, e.Note)
		}
		return fmt.Sprintf("%s, %s  #%d is lost", node, t.name(e.Peer), e.B)
	case trace.Cut:
		return fmt.Sprintf("%s -> %s  the link is cut", node, t.name(e.Peer))
	case trace.Mend:
		return fmt.Sprintf("%s -> %s  the link is whole again", node, t.name(e.Peer))
	case trace.Duplicate:
		return fmt.Sprintf("%s -> %s  #%d is doubled", node, t.name(e.Peer), e.B)
	case trace.Role:
		return t.role(node, e)
	case trace.Commit:
		return fmt.Sprintf("%s  %s: committed up to %d", node, group(e.Shard), e.Index)
	case trace.Apply:
		return fmt.Sprintf("%s  %s: applied %d, digest %x", node, group(e.Shard), e.Index, e.A)
	case trace.Conf:
		return fmt.Sprintf("%s  %s: configuration at %d: %s", node, group(e.Shard), e.Index, e.Note)
	case trace.Lease:
		return fmt.Sprintf("%s  %s: lease %s in term %d", node, group(e.Shard), pick(e.A == 1, "gained", "lost"), e.Term)
	case trace.Snapshot:
		return fmt.Sprintf("%s  %s: snapshot at %d %s", node, group(e.Shard), e.Index, [...]string{"sent", "installed", "failed"}[min(e.A, 2)])
	case trace.Map:
		return fmt.Sprintf("%s  has the cluster map of epoch %d", node, e.A)
	case trace.Member:
		return fmt.Sprintf("%s  believes of %s (life %d): %s", node, wire.NodeID(e.A), e.B, e.Note)
	case trace.Founded:
		return fmt.Sprintf("%s  founds cluster %x", node, e.A)
	case trace.Invoke:
		return t.invoke(node, e)
	case trace.Return:
		return t.returned(node, e)
	case trace.Crash:
		return fmt.Sprintf("%s  CRASHES (life %d)", node, e.A)
	case trace.Restart:
		return fmt.Sprintf("%s  starts (life %d)", node, e.A)
	case trace.Pause:
		return node + "  is paused"
	case trace.Resume:
		return node + "  goes on"
	case trace.Violation:
		return "VIOLATION " + e.Note
	case trace.Lost:
		return fmt.Sprintf("%s  %s: was lost, and is begun anew, empty (loss %d)", node, group(e.Shard), e.A)
	case trace.Log:
		return fmt.Sprintf("%s  %s: log %s %d", node, group(e.Shard), pick(e.A == 1, "replaced by another leader's from", "cut up to"), e.Index)
	case trace.Evict:
		return fmt.Sprintf("%s  %s: entry %d %s the key of hash %x, version %d", node, group(e.Shard), e.Index, pick(e.Term == 0, "gives up", "spares"), e.A, e.B)
	case trace.Held:
		return fmt.Sprintf("%s  %s: a copy of the key of hash %x %s", node, group(e.Shard), e.B, []string{"is dropped: the leader wants it back", "is taken", "answers"}[min(e.A, 2)])
	case trace.Repeat:
		return fmt.Sprintf("%s  %s: %d retries in entry %d answered from memory", node, group(e.Shard), e.A, e.Index)
	}
	return "* " + e.Note
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func (t *teller) role(node string, e *trace.Event) string {
	role := fmt.Sprintf("role %d", e.A)
	if e.A < uint64(len(roles)) {
		role = roles[e.A]
	}
	text := fmt.Sprintf("%s  %s: replica %d %s in term %d", node, group(e.Shard), e.Replica, role, e.Term)
	if e.B != 0 && e.A != 2 {
		text += fmt.Sprintf(", led by replica %d", e.B)
	}
	return text
}

func (t *teller) invoke(client string, e *trace.Event) string {
	if e.Note == "" { // the prober's questions are not in the history
		return client + "  asks"
	}
	return fmt.Sprintf("%s  r%d: %v %s (%s)", client, e.A, linearizability.Kind(e.Term), e.Note, group(e.Shard))
}

func (t *teller) returned(client string, e *trace.Event) string {
	text := outcomes[min(int(e.Term), len(outcomes)-1)]
	if reason := wire.Reason(e.Index); reason != wire.ReasonNone {
		text += ", " + reason.String()
	}
	return fmt.Sprintf("%s  r%d came to: %s", client, e.A, text)
}

// outcomes are by wire.Outcome.
var outcomes = []string{"ok", "refused", "unknown", "?"}

// messagesMax is how many messages of a frame are told.
const messagesMax = 3

// frame says what a frame says.
func (t *teller) frame(f *wire.Frame) string {
	if f == nil {
		return ""
	}
	var parts []string
	for i, m := range f.Messages {
		if i == messagesMax {
			parts = append(parts, fmt.Sprintf("%d more", len(f.Messages)-i))
			break
		}
		parts = append(parts, t.message(m))
	}
	return strings.Join(parts, "; ")
}
