package page

import (
	"fmt"
	"strconv"
	"strings"

	pb "go.etcd.io/raft/v3/raftpb"

	"torc/core/wire"
	"torc/ui"
)

// The classes of messages, what a reader tells first at the top: a frame that says several things is
// of the first class among them.
const (
	classSnapshot        = "snapshot"
	classElection        = "election"
	classClient          = "client"
	classForward         = "forward"
	classLog             = "log"
	classLogAnswer       = "log answer"
	classMembership      = "membership"
	classHeartbeat       = "heartbeat"
	classHeartbeatAnswer = "heartbeat answer"
	classEmpty           = "empty"
)

var classes = []string{classSnapshot, classElection, classClient, classForward, classLog, classLogAnswer, classMembership, classHeartbeat, classHeartbeatAnswer, classEmpty}

// boring are the classes that may be left out of a large page, the most boring first.
var boring = []string{classEmpty, classHeartbeatAnswer, classHeartbeat, classMembership}

// describe says a frame in words.
func (r *Recorder) describe(m *ui.Message, f *wire.Frame) {
	best := len(classes) - 1
	for _, said := range f.Messages {
		class, part := word(said, m.From < 0 || m.To < 0)
		if p, ours := r.shardless(m, said); ours {
			part.Shard = p
		}
		for i := range best {
			if classes[i] == class {
				best = i
			}
		}
		m.Parts = append(m.Parts, part)
	}
	m.Class = classes[best]
}

func word(said wire.Message, client bool) (class string, p ui.Part) {
	p.Shard = int(said.Group())
	class = classMembership
	switch said := said.(type) {
	case *wire.Raft:
		p.Term = said.Term
		return raftWord(&said.RaftMessage, p)
	case *wire.Forward:
		class = classForward
		if client {
			class = classClient
		}
		p.Text = "asks: " + commands(said.Request.Commands)
	case *wire.Reply:
		class = classForward
		if client {
			class = classClient
		}
		p.Text = "answers: " + response(&said.Response)
	case *wire.SnapshotChunk:
		class, p.Term = classSnapshot, said.Term
		p.Text, p.Numbers = "snapshot up to #, part # (# bytes)", []uint64{said.Meta.Index, said.Seq, uint64(len(said.Data))}
	case *wire.SnapshotAck:
		class = classSnapshot
		p.Text, p.Numbers = "snapshot up to #: parts below # are here", []uint64{said.Index, said.Next}
		if said.Reject {
			p.Text = "snapshot up to #: no more of it, after #"
		}
	case *wire.Hello:
		p.Shard, p.Text, p.Numbers = -1, "hello, my map is of epoch #", []uint64{uint64(said.Epoch)}
	case *wire.Pledge:
		p.Shard, p.Text = -1, "will you found a cluster with me?"
	case *wire.Pledged:
		p.Shard, p.Text = -1, "no, I am pledged to another"
		if said.Accept {
			p.Text = "yes, I found a cluster with you"
		}
	case *wire.MapUpdate:
		p.Shard, p.Text = -1, "there is no map"
		if said.Map != nil {
			p.Text, p.Numbers = "here is the map of epoch #", []uint64{uint64(said.Map.Epoch)}
		}
	case *wire.Report:
		p.Term = said.Term
		p.Text, p.Numbers = "report: shard # has applied up to #", []uint64{uint64(said.Shard), said.Applied}
		p.Shard = int(said.Shard)
	case *wire.Sealed:
		p.Text, p.Numbers = "sealed: shard # has applied up to #, of #", []uint64{uint64(said.Shard), said.Applied, said.Last}
		p.Shard = int(said.Shard)
	case *wire.Gossip:
		p.Shard, p.Text = -1, "gossip"
	case *wire.Ping:
		p.Shard, p.Text = -1, "ping"
	case *wire.Pong:
		p.Shard, p.Text = -1, "pong"
	case *wire.Ask:
		p.Shard, p.Text = -1, "an operator asks: "+said.Op.String()
	case *wire.Told:
		p.Shard, p.Text = -1, "the operator is told: "+said.Refusal.String()
	case *wire.Inspect:
		p.Shard, p.Text, p.Numbers = int(said.Shard), "how are the replicas of shard #?", []uint64{uint64(said.Shard)}
	case *wire.Recall:
		p.Shard, p.Text = int(said.Shard), "drop what you keep of "+shown(said.Key)
	case *wire.Dropped:
		p.Shard, p.Text = int(said.Shard), "it is dropped"
		if said.ID == 0 {
			p.Text = "all is dropped, for good"
		}
	case *wire.Inspected:
		p.Shard, p.Text, p.Numbers = int(said.Shard), "# replicas are well", []uint64{uint64(len(said.Well))}
	}
	return class, p
}

// raftWord says one message of raft's.
func raftWord(m *wire.RaftMessage, p ui.Part) (class string, _ ui.Part) {
	say := func(class, text string, numbers ...uint64) (string, ui.Part) {
		p.Text, p.Numbers = text, numbers
		return class, p
	}
	switch pb.MessageType(m.Type) {
	case pb.MsgApp:
		if n := len(m.Entries); n > 0 {
			return say(classLog, "entries # to #; committed up to #", m.Entries[0].Index, m.Entries[n-1].Index, m.Commit)
		}
		return say(classLog, "no entries after #; committed up to #", m.Index, m.Commit)
	case pb.MsgAppResp:
		if m.Reject {
			return say(classLogAnswer, "cannot append after #, try #", m.Index, m.RejectHint)
		}
		return say(classLogAnswer, "has all up to #", m.Index)
	case pb.MsgHeartbeat:
		if len(m.Context) > 0 {
			return say(classHeartbeat, "heartbeat, for a read; committed up to #", m.Commit)
		}
		return say(classHeartbeat, "heartbeat; committed up to #", m.Commit)
	case pb.MsgHeartbeatResp:
		return say(classHeartbeatAnswer, "heard the heartbeat")
	case pb.MsgPreVote:
		return say(classElection, "would you vote for me in term #? (log up to #)", m.Term, m.Index)
	case pb.MsgVote:
		return say(classElection, "vote for me in term # (log up to #)", m.Term, m.Index)
	case pb.MsgPreVoteResp, pb.MsgVoteResp:
		text := "votes for it in term #"
		if pb.MessageType(m.Type) == pb.MsgPreVoteResp {
			text = "would vote for it in term #"
		}
		if m.Reject {
			text = strings.NewReplacer("votes", "does not vote", "would vote", "would not vote").Replace(text)
		}
		return say(classElection, text, m.Term)
	case pb.MsgTimeoutNow:
		return say(classElection, "take over now")
	case pb.MsgReadIndex:
		return say(classLog, "up to where must a read see?")
	case pb.MsgReadIndexResp:
		return say(classLog, "a read must see up to #", m.Index)
	case pb.MsgSnap:
		return say(classSnapshot, "a snapshot follows")
	}
	return say(classLog, strings.TrimPrefix(pb.MessageType(m.Type).String(), "Msg"))
}

// blankless makes data safe to stand in a part's text, where # is a blank.
func blankless(s string) string { return strings.ReplaceAll(s, "#", `\x23`) }

// shown quotes a value, its end only if it is long: long values here are texts that grow.
func shown(v []byte) string {
	const most = 28
	if len(v) > most {
		return "…" + blankless(strconv.Quote(string(v[len(v)-most:])))
	}
	return blankless(strconv.Quote(string(v)))
}

// opWords are the operations in a user's words.
var opWords = map[wire.Op]string{
	wire.OpGet: "read", wire.OpSet: "write", wire.OpDelete: "delete", wire.OpGetDelete: "read and delete", wire.OpAppend: "append",
	wire.OpIncr: "increment", wire.OpExpire: "expire", wire.OpPersist: "persist", wire.OpTick: "let time pass", wire.OpMeta: "change the map",
	wire.OpLease: "lease", wire.OpFill: "fill", wire.OpCaching: "promise to caches", wire.OpDropped: "dropped", wire.OpGuard: "guard",
}

func commands(list []wire.Command) string {
	var said []string
	for i := range list {
		said = append(said, command(&list[i]))
	}
	return strings.Join(said, ", ")
}

func command(c *wire.Command) string {
	name, known := opWords[c.Op]
	if !known {
		name = fmt.Sprintf("operation %d", c.Op)
	}
	switch {
	case c.Flags&wire.FlagVersion != 0:
		name = "cas"
	case c.Flags&wire.FlagNX != 0 && c.Op == wire.OpSet:
		name = "setnx"
	}
	name += " " + blankless(string(c.Key))
	switch {
	case c.Op == wire.OpIncr:
		return name + " by " + strconv.FormatInt(c.Delta, 10)
	case len(c.Value) > 0 && c.Op != wire.OpMeta:
		return name + " " + shown(c.Value)
	}
	return name
}

func response(r *wire.Response) string {
	switch r.Outcome {
	case wire.OutcomeRefused:
		return "refused, " + r.Reason.String()
	case wire.OutcomeUnknown:
		return "unknown, " + r.Reason.String()
	}
	var said []string
	for i := range r.Results {
		said = append(said, result(&r.Results[i]))
	}
	return strings.Join(said, ", ")
}

func result(r *wire.Result) string {
	switch r.Kind {
	case wire.KindOK:
		return "done"
	case wire.KindInt:
		return strconv.FormatInt(r.Int, 10)
	case wire.KindBytes:
		return shown(r.Value)
	case wire.KindList:
		return strconv.Itoa(len(r.List)) + " keys"
	case wire.KindError:
		return blankless(r.Code.Text())
	}
	return "nothing"
}
