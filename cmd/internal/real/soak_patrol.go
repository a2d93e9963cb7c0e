package real

import (
	"context"
	"errors"
	"sync"
	"time"

	"torc/client"
	"torc/core/wire"
	"torc/sim"
)

// patrol writes to every shard all the time, and measures how long each is silent at most.
type patrol struct {
	r       *run
	bound   time.Duration
	mu      sync.Mutex
	longest Silence
	over    []int // silences longer than 1, 2, 5 and 10 s
}

// Silence is a time in which a shard took no write.
type Silence struct {
	At    time.Duration // when it ended, from the start of the torture
	Shard wire.ShardID
	Took  time.Duration
}

var silenceSteps = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second}

func (r *run) patrol(ctx context.Context, bound time.Duration) *patrol {
	p := &patrol{r: r, bound: bound, over: make([]int, len(silenceSteps))}
	for shard := 1; shard <= r.settings.Shards; shard++ {
		r.background.Go(func() { p.walk(ctx, wire.ShardID(shard)) })
	}
	return p
}

func (p *patrol) walk(ctx context.Context, shard wire.ShardID) {
	for last := p.r.now(); ctx.Err() == nil; {
		if !p.r.probe(ctx, shard, p.r.now()+p.bound) && ctx.Err() != nil {
			return
		}
		now := p.r.now()
		p.note(Silence{now, shard, now - last})
		last = now
		pause(ctx, pressPause)
	}
}

func (p *patrol) note(s Silence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Took > p.longest.Took {
		p.longest = s
	}
	for i, step := range silenceSteps {
		if s.Took > step {
			p.over[i]++
		}
	}
	if s.Took > p.bound && !p.r.o.Soak.Beyond {
		p.r.violate(sim.OracleLiveness, "shard %d took no write for %v, while no more was harmed than it bears (%v allowed)",
			s.Shard, s.Took.Round(time.Millisecond), p.bound)
	}
}

// tally is one client's count: it adds ones to a key of its own, by Torc's client, whose session makes
// each count once however often it is sent.
type tally struct {
	u             *user
	key           string
	done, unknown int64
}

// count adds ones until ctx ends.
func (t *tally) count(ctx context.Context) {
	for pause(ctx, 50*time.Millisecond) {
		switch _, err := t.u.torc.Increment(context.WithoutCancel(ctx), t.key, 1); {
		case err == nil:
			t.done++
		case !errors.Is(err, client.ErrRefused):
			t.unknown++
		}
	}
}

// settle holds the sum to what the client was told.
func (t *tally) settle(ctx context.Context) {
	sum, err := t.u.r.prober.torc.Increment(ctx, t.key, 0)
	switch {
	case err != nil:
		t.u.r.violate(sim.OracleLiveness, "%v's sum cannot be read after everything was healed: %v", t.u, err)
	case sum < t.done || sum > t.done+t.unknown:
		t.u.r.violate(sim.OracleOnce, "%v was told that %d of its increments were done and that %d may have been; they came to %d", t.u, t.done, t.unknown, sum)
	}
}
