package client

import (
	"context"
	"fmt"
	"io"
	"time"

	"torc/core/session"
)

// Debug writes what the client believes of its cluster, for people: which nodes it asks, how much it lets be under way to
// each, which breakers are open, who leads which shard, and what it has done so far. The form may change.
func (c *Client) Debug(ctx context.Context, w io.Writer) error {
	belief, err := c.belief(ctx)
	if err != nil {
		return err
	}
	p := &printer{w: w}
	p.say("epoch %d, heard from %v ago; the retry budget has %d left\n", belief.Epoch, belief.Heard.Round(time.Millisecond), belief.Tokens)
	s := &belief.Stats
	p.say("%d requests wait; so far %d sent, %d of them again, %d redirected, %d as hedges (%d won); %d refused at once; breakers opened %d times\n",
		s.InFlight, s.Attempts, s.Retries, s.Redirects, s.Hedges, s.HedgesWon, s.Shed, s.Trips)
	if s.Hits+s.Recalls+uint64(s.Kept) > 0 {
		p.say("%d keys kept (%d bytes): %d reads answered from them, %d asked back\n", s.Kept, s.KeptBytes, s.Hits, s.Recalls)
	}
	p.say("%-22s %-17s %-10s %8s %8s %8s  cut off\n", "address", "node", "breaker", "limit", "under", "in line")
	for _, peer := range belief.Peers {
		node := "a seed"
		if peer.Node != 0 {
			node = peer.Node.String()
		}
		p.say("%-22s %-17s %-10v %8d %8d %8d  %v\n", peer.Addr, node, peer.State, peer.Limit, peer.UnderWay, peer.Waiting, peer.Cut)
	}
	for _, shard := range belief.Shards {
		how := "should lead"
		if shard.Said {
			how = "leads"
		}
		p.say("shard %-4d %v %s, %d writes queued\n", shard.Shard, shard.Leader, how, shard.Queued)
	}
	return p.err
}

// Stats counts what a client has done since it was made.
type Stats struct {
	InFlight  int    // requests under way or waiting; a call makes one per shard
	Sent      uint64 // requests sent, retries and redirects included
	Retries   uint64 // sent again after a failure, a timeout or a refusal: at most a tenth of the rest, and a small burst
	Redirects uint64 // sent again because a node or a new map said where to
	Hedges    uint64 // reads asked a second time, of another node: at most one in ten; see Options.Hedge
	HedgesWon uint64 // of those, the second answered first
	Shed      uint64 // refused at once, because too many waited for their node already
	Trips     uint64 // times that a breaker has opened
	Cached    Cached // what Options.Cache came to
}

// Cached counts what the cache in the client has done.
type Cached struct {
	Hits    uint64 // reads answered from it
	Recalls uint64 // keys that the cluster has asked back, because somebody was about to write them
	Keys    int    // kept now
	Bytes   int64  // and what they take
}

// Stats returns the counters.
func (c *Client) Stats(ctx context.Context) (Stats, error) {
	belief, err := c.belief(ctx)
	s := &belief.Stats
	return Stats{s.InFlight, s.Attempts, s.Retries, s.Redirects, s.Hedges, s.HedgesWon, s.Shed, s.Trips, Cached{s.Hits, s.Recalls, s.Kept, s.KeptBytes}}, err
}

func (c *Client) belief(ctx context.Context) (session.Belief, error) {
	who := call{op: "debug"}
	if err := ctx.Err(); err != nil {
		return session.Belief{}, who.fail(err, "", ErrRefused)
	}
	if !c.engine.enter() {
		return session.Belief{}, who.fail(nil, "", ErrClosed, ErrRefused)
	}
	defer c.engine.leave()
	return c.engine.brain.Belief(), nil
}

// printer writes until the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) say(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
