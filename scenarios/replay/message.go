package replay

import (
	"fmt"
	"strconv"
	"strings"

	"torc/core/wire"
)

// message says what one message of a frame says.
func (t *teller) message(m wire.Message) string {
	switch m := m.(type) {
	case *wire.Raft:
		return group(m.Shard) + " " + raftWords(&m.RaftMessage)
	case *wire.Forward:
		return fmt.Sprintf("question %d: %s", m.ID, requestWords(&m.Request))
	case *wire.Reply:
		return fmt.Sprintf("answer to %d: %s", m.ID, t.response(&m.Response))
	case *wire.SnapshotChunk:
		return fmt.Sprintf("%s snapshot at %d, part %d%s", group(m.Shard), m.Meta.Index, m.Seq, pick(m.Last, " (the last)", ""))
	case *wire.SnapshotAck:
		return fmt.Sprintf("%s snapshot at %d: has parts below %d%s", group(m.Shard), m.Index, m.Next, pick(m.Reject, ", wants no more", ""))
	case *wire.Hello:
		return fmt.Sprintf("hello (life %d, epoch %d)", m.Member.Incarnation, m.Epoch)
	case *wire.Pledge:
		return fmt.Sprintf("pledge to %x?", m.Proposal)
	case *wire.Pledged:
		return fmt.Sprintf("pledged to %x: %s", m.Proposal, pick(m.Accept, "yes", "no"))
	case *wire.MapUpdate:
		if m.Map != nil {
			return fmt.Sprintf("cluster map of epoch %d", m.Map.Epoch)
		}
		return "no cluster map"
	case *wire.Report:
		return fmt.Sprintf("%s report: term %d, applied %d", group(m.Shard), m.Term, m.Applied)
	case *wire.Sealed:
		return fmt.Sprintf("%s sealed under %d: replica %d has applied %d of %d, voters %v", group(m.Shard), m.Seal, m.Replica, m.Applied, m.Last, m.Conf.Voters)
	case *wire.Ping:
		return "ping"
	case *wire.Pong:
		return "pong"
	case *wire.Recall:
		return fmt.Sprintf("%s drop what you keep of %s", group(m.Shard), m.Key)
	case *wire.Dropped:
		if m.ID == 0 {
			return fmt.Sprintf("%s all is dropped, for good", group(m.Shard))
		}
		return fmt.Sprintf("%s it is dropped", group(m.Shard))
	case *wire.Gossip:
		return fmt.Sprintf("gossip, %d bytes", len(m.Data))
	case *wire.Ask:
		return fmt.Sprintf("operator's request %d: %v", m.ID, m.Op)
	case *wire.Told:
		return fmt.Sprintf("operator's request %d: %v", m.ID, m.Refusal)
	case *wire.Inspect:
		return fmt.Sprintf("%s how are your replicas?", group(m.Shard))
	case *wire.Inspected:
		return fmt.Sprintf("%s %d replicas are well", group(m.Shard), len(m.Well))
	}
	return fmt.Sprintf("%T", m)
}

// raftKinds are raft's messages by raftpb.MessageType.
var raftKinds = []string{"hup", "beat", "proposal", "append", "append answered", "vote?", "vote answered", "snapshot", "heartbeat",
	"heartbeat answered", "unreachable", "snapshot status", "check quorum", "transfer leader", "campaign now", "read index?",
	"read index answered", "pre-vote?", "pre-vote answered"}

func raftWords(m *wire.RaftMessage) string {
	kind := fmt.Sprintf("raft message %d", m.Type)
	if int(m.Type) < len(raftKinds) {
		kind = raftKinds[m.Type]
	}
	parts := []string{kind, fmt.Sprintf("term %d", m.Term)}
	if n := len(m.Entries); n > 0 {
		parts = append(parts, fmt.Sprintf("entries %d-%d", m.Entries[0].Index, m.Entries[n-1].Index))
	} else if m.Index > 0 {
		parts = append(parts, fmt.Sprintf("index %d", m.Index))
	}
	if m.Commit > 0 {
		parts = append(parts, fmt.Sprintf("commit %d", m.Commit))
	}
	if len(m.Context) > 0 && strings.HasPrefix(kind, "heartbeat") {
		parts = append(parts, "for a read")
	}
	if m.Reject {
		parts = append(parts, "NO")
	}
	return strings.Join(parts, ", ")
}

// opNames are the operations that the simulator's clients use.
var opNames = map[wire.Op]string{wire.OpGet: "get", wire.OpSet: "set", wire.OpDelete: "del", wire.OpGetDelete: "getdel", wire.OpIncr: "incr",
	wire.OpAppend: "append", wire.OpExpire: "expire", wire.OpPersist: "persist"}

func requestWords(r *wire.Request) string {
	var parts []string
	for i := range r.Commands {
		c := &r.Commands[i]
		name := opNames[c.Op]
		if name == "" {
			name = fmt.Sprintf("operation %d", c.Op)
		}
		text := name + " " + string(c.Key)
		if len(c.Value) > 0 {
			text += " " + strconv.Quote(string(c.Value))
		}
		parts = append(parts, text)
	}
	text := strings.Join(parts, ", ")
	if s := r.Session; s.Client != 0 {
		text += fmt.Sprintf(" (request %d of its session%s)", s.Seq, pick(s.Retry, ", again", ""))
	}
	return text
}

func (t *teller) response(r *wire.Response) string {
	if r.Outcome != wire.OutcomeOK {
		text := outcomes[min(int(r.Outcome), len(outcomes)-1)] + ", " + r.Reason.String()
		if r.Leader != 0 {
			text += "; ask " + t.name(r.Leader)
		}
		return text
	}
	var parts []string
	for i := range r.Results {
		parts = append(parts, resultWords(&r.Results[i]))
	}
	return strings.Join(parts, ", ")
}

func resultWords(r *wire.Result) string {
	switch r.Kind {
	case wire.KindNil:
		return "absent"
	case wire.KindOK:
		return "ok"
	case wire.KindInt:
		return strconv.FormatInt(r.Int, 10)
	case wire.KindBytes:
		return strconv.Quote(string(r.Value))
	case wire.KindList:
		return fmt.Sprintf("%d values", len(r.List))
	}
	return fmt.Sprintf("error %d", r.Code)
}
