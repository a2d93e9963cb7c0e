package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"torc/bench/peers/load"
	"torc/bench/peers/peer"
	"torc/bench/peers/report"
)

// bench is a run under way.
type bench struct {
	plan   Plan
	peers  map[string]peer.Peer
	spaces map[int]*load.Keyspace // by value size
	shown  *progress
}

func newBench(plan Plan, peers []peer.Peer, shown *progress) *bench {
	b := &bench{peers: map[string]peer.Peer{}, spaces: map[int]*load.Keyspace{}, shown: shown}
	var names []string
	for _, p := range peers {
		b.peers[p.Name] = p
		names = append(names, p.Name)
	}
	b.plan = plan.only(names)
	for _, c := range b.plan.Cells {
		if size := c.Shape.Size; b.spaces[size] == nil {
			b.spaces[size] = load.NewKeyspace(keysOf[size], size)
		}
	}
	return b
}

// fill writes every key that a cell will ask a server for.
func (b *bench) fill(ctx context.Context) error {
	type job struct {
		server *peer.Server
		size   int
	}
	done := map[job]bool{}
	for _, c := range b.plan.Cells {
		for _, name := range c.Peers {
			p := b.peers[name]
			j := job{p.Server, c.Shape.Size}
			if done[j] {
				continue
			}
			done[j] = true
			b.shown.say("fill %s with values of %s", j.server.Name, report.SizeText(j.size))
			if err := fillOne(p.Target, b.spaces[j.size]); err != nil {
				return fmt.Errorf("fill %s: %w", j.server.Name, err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

func fillOne(target load.Target, space *load.Keyspace) error {
	callers, err := target.Open(16)
	if err != nil {
		return err
	}
	defer closeAll(callers)
	pipeline := 16
	if len(space.Value) > 16<<10 {
		pipeline = 1
	}
	return load.Fill(callers, space, pipeline)
}

func closeAll(callers []load.Caller) {
	for _, c := range callers {
		c.Close()
	}
}

// rounds measures every cell once in each round. All peers have their turn at a cell one after the other, in another order in each
// round, so that neither a slow minute of the machine nor a place in the order is one peer's alone.
func (b *bench) rounds(ctx context.Context) (samples []report.Sample, err error) {
	for round := range b.plan.Rounds {
		for i, c := range b.plan.Cells {
			for k := range c.Peers {
				name := c.Peers[(k+round)%len(c.Peers)]
				sample := b.measure(c, name)
				sample.Round = round
				samples = append(samples, sample)
				b.shown.sample(round, i, c, sample)
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				if err := b.peers[name].Server.Dead(); err != nil {
					return nil, err
				}
			}
		}
	}
	return samples, nil
}

// measure asks one peer one shape, once.
func (b *bench) measure(c Cell, name string) report.Sample {
	p, times := b.peers[name], b.plan.times(c)
	s := report.Sample{Shape: c.Shape, Peer: name}
	callers, err := p.Target.Open(c.Shape.Clients)
	if err != nil { // an answer of a kind: the peer did not take so many
		s.Result = load.Result{Errors: 1, Error: fmt.Sprintf("connect: %v", err)}
		return s
	}
	defer closeAll(callers)
	runtime.GC() // no cell pays for another one's litter
	before, own := p.Server.Taken(), ownCPU()
	mix := load.Mix{Space: b.spaces[c.Shape.Size], Reads: c.Shape.Reads(), Zipf: c.Shape.Zipf}
	if c.Shape.Rate > 0 {
		s.Result = load.Open{Mix: mix, Rate: c.Shape.Rate, Warm: times.Warm, Measure: times.Measure, Drain: time.Second}.Run(callers)
	} else {
		s.Result = load.Closed{Mix: mix, Pipeline: c.Shape.Pipeline, Warm: times.Warm, Measure: times.Measure}.Run(callers)
	}
	if requests := s.Result.PerSecond * (times.Warm + times.Measure).Seconds(); requests > 0 {
		after := p.Server.Taken()
		s.ServerCPU = float64((after.CPU - before.CPU).Microseconds()) / requests
		s.Reads = float64(after.Reads-before.Reads) / requests
		s.Writes = float64(after.Writes-before.Writes) / requests
		s.Sleeps = max(0, float64(after.Sleeps-before.Sleeps)) / requests // those of a thread that ended meanwhile are gone
		s.LoadCPU = float64((ownCPU() - own).Microseconds()) / requests
	}
	return s
}
