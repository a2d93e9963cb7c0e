package session

import (
	"time"

	"torc/core/mutant"
	"torc/core/wire"
)

// Bounds of one request: larger operations become several.
const (
	partCommands = 512
	partBytes    = 1 << 20 // unless a single command is larger
)

type partState uint8

const (
	queued    partState = iota // for its turn in the session's window
	waiting                    // for its backoff to pass
	inFlight                   // for the newest attempt's answer
	concluded                  // for nothing
)

// part is what one operation wants of one shard: one request, however often it is sent.
type part struct {
	op    *Call
	index []int // which of the operation's commands these are
	cmds  []wire.Command
	shard wire.ShardID
	write bool
	place int // in Brain.parts

	window *window // writes only: the session it belongs to, once it had its turn
	seq    uint64

	line  *peer // the node it waits for, when it stands in that one's line
	lined why   // what it is sent for, then
	fresh bool  // it comes from Do just now

	home *peer // the node that seemed to lead its shard when it came: of its share of all requests

	state   partState
	timer   timer // its state's, or the deadline's if that is earlier
	backoff time.Duration

	hedgeable bool // its timer is for a hedge

	// What is known about the attempts made so far (see the package's documentation).
	pending []*attempt // handed over and not answered, the newest last
	doubt   bool       // an attempt ended in doubt
	sent    bool       // there was an attempt
	refusal wire.Reason

	useless   []string // addresses that were of no help in this round; the last of them in any case
	rounds    int      // in which none of the likely nodes was of help
	redirects int      // in a row
	wantsMap  bool     // a newer map is worth trying again at once
}

// attempt is one request handed to the transport.
type attempt struct {
	id    uint64
	part  *part
	addr  string
	peer  *peer
	node  wire.NodeID
	at    time.Duration
	paid  bool // it took a token from the retry budget
	first bool
	hedge bool // see hedge.go
	ended bool // its node's limit does not count it any more

	recalled bool // what it asks for was recalled meanwhile: see cache.go
}

// inDoubt reports whether some attempt may have been applied, or may yet be.
func (p *part) inDoubt() bool {
	if p.doubt {
		return true
	}
	for _, a := range p.pending {
		if !a.hedge {
			return true
		}
	}
	return false
}

// newest returns the attempt that the part waits for, or nil.
func (p *part) newest() *attempt {
	if p.state != inFlight {
		return nil
	}
	for i := len(p.pending) - 1; i >= 0; i-- {
		if a := p.pending[i]; !a.hedge {
			return a
		}
	}
	return nil
}

// split makes the parts of some of an operation's commands; nil means all of them. First it finds each command's part and
// counts, then it deals them out: the parts' commands lie in one piece of memory behind one another.
func (b *Brain) split(op *Call, index []int) []*part {
	s := &b.splitting
	s.reset(2*len(b.shards), len(op.Commands))
	count := len(op.Commands)
	at := func(n int) int { return n }
	if index != nil {
		count, at = len(index), func(n int) int { return index[n] }
	}
	for n := range count {
		cmd := &op.Commands[at(n)]
		shard := op.Shard
		if !op.onShard {
			shard = b.view.ShardOfKey(cmd.Key)
		}
		lot := 2 * int(shard)
		if cmd.Op.IsWrite() {
			lot++
		}
		bytes := len(cmd.Key) + len(cmd.Value)
		newest := int(s.newest[lot]) - 1
		if newest < 0 || mutant.On(mutant.BatchTorn) || s.sizes[newest].commands >= partCommands || s.sizes[newest].bytes+bytes > partBytes {
			newest = len(s.parts)
			s.newest[lot] = int32(newest + 1)
			s.parts = append(s.parts, b.newPart(op, shard, cmd.Op.IsWrite()))
			s.sizes = append(s.sizes, partSize{})
		}
		s.sizes[newest].commands++
		s.sizes[newest].bytes += bytes
		s.places = append(s.places, int32(newest))
	}
	cmds, places := make([]wire.Command, count), make([]int, count)
	for i, p := range s.parts {
		n := s.sizes[i].commands
		p.cmds, p.index = cmds[:0:n], places[:0:n]
		cmds, places = cmds[n:], places[n:]
	}
	for n := range count {
		p := s.parts[s.places[n]]
		p.cmds = append(p.cmds, op.Commands[at(n)])
		p.index = append(p.index, at(n))
	}
	return s.parts
}

// splitting is what split works with; its memory serves for the next time.
type splitting struct {
	newest []int32 // by shard, reads and writes apart: the part that takes more, counted from 1
	parts  []*part
	sizes  []partSize
	places []int32 // by command: its part
	single [1]*part
}

type partSize struct{ commands, bytes int }

func (s *splitting) reset(lots, commands int) {
	if len(s.newest) < lots {
		s.newest = make([]int32, lots)
	}
	clear(s.newest)
	clear(s.parts)
	s.parts, s.sizes, s.places = s.parts[:0], s.sizes[:0], s.places[:0]
	if cap(s.places) < commands {
		s.places = make([]int32, 0, commands)
	}
}

// divide makes the parts of some of an operation's commands; nil means all of them.
func (b *Brain) divide(op *Call, index []int) []*part {
	if len(op.Commands) == 1 || op.Atomic && !mutant.On(mutant.BatchTorn) {
		return append(b.splitting.single[:0], b.whole(op))
	}
	return b.split(op, index)
}

// whole returns the only part of an operation: of a single command, the usual case, without split's tables; or of commands that are one request.
func (b *Brain) whole(op *Call) *part {
	shard := op.Shard
	if !op.onShard {
		shard = b.view.ShardOfKey(op.Commands[0].Key)
	}
	p := b.newPart(op, shard, op.Commands[0].Op.IsWrite())
	p.index, p.cmds = firstOnly, op.Commands
	if len(op.Commands) > 1 {
		p.index, p.write = make([]int, len(op.Commands)), (&wire.Request{Commands: op.Commands}).IsWrite()
		for i := range p.index {
			p.index[i] = i
		}
	}
	return p
}

var firstOnly = []int{0}
