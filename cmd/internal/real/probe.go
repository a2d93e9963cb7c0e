package real

import (
	"context"
	"slices"
	"sync"
	"time"

	"torc/core/wire"
	"torc/linearizability"
	"torc/sim"
)

const (
	probePause  = 50 * time.Millisecond
	pressPause  = 200 * time.Millisecond
	repairLimit = 60 * time.Second // as in the simulator
	finalLimit  = 30 * time.Second
)

// pause waits, and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// probe writes to a shard until a write succeeds or the time is over. These writes are in no history,
// as in the simulator: they ask only whether anybody serves.
func (r *run) probe(ctx context.Context, shard wire.ShardID, until time.Duration) bool {
	key := keyOn(shard, r.settings.Shards, "probe")
	for {
		asking, cancel := context.WithTimeout(ctx, max(until-r.now(), time.Millisecond))
		_, err := r.prober.torc.Set(asking, key, []byte("x"))
		cancel()
		if err == nil {
			return true
		}
		if r.now() >= until || !pause(ctx, probePause) {
			return false
		}
	}
}

// demand requires that every shard serves for a while: it goes on beside the run.
func (r *run) demand(ctx context.Context, f sim.Demand) {
	before := r.watch.changes()
	during, over := context.WithCancel(ctx)
	for shard := 1; shard <= r.settings.Shards; shard++ {
		r.background.Go(func() { r.press(ctx, during, wire.ShardID(shard), f.Gap) })
	}
	r.agenda.after(f.For, func() error {
		over()
		for shard, after := range r.watch.changes() {
			if n := after - before[shard]; n > f.Elections {
				r.violate(sim.OracleLiveness, "shard %d elected %d leaders in %v though a majority was connected (%d allowed)", shard, n, f.For, f.Elections)
			}
		}
		return nil
	})
}

func (r *run) press(ctx, during context.Context, shard wire.ShardID, gap time.Duration) {
	last := r.now()
	for during.Err() == nil {
		r.probe(during, shard, last+gap)
		if silence := r.now() - last; silence > gap && ctx.Err() == nil {
			r.violate(sim.OracleLiveness, "shard %d served nothing for %v though a majority was connected (%v allowed)", shard, silence.Round(time.Millisecond), gap)
			return
		}
		last = r.now()
		pause(during, pressPause)
	}
}

// allServe demands that every shard takes a write within the simulator's bound, and notes how long
// the slowest one took.
func (r *run) allServe(ctx context.Context) {
	if r.o.File.Loss {
		r.leaveOut("the demand that every shard serves after heal", "the file declares a loss, and only the model knows which shards have lost a majority")
		return
	}
	from, limit := r.now(), r.settings.ServesWithin()
	served := make([]bool, r.settings.Shards+1)
	var probes sync.WaitGroup
	for shard := 1; shard <= r.settings.Shards; shard++ {
		probes.Go(func() { served[shard] = r.probe(ctx, wire.ShardID(shard), from+limit) })
	}
	probes.Wait()
	r.result.ServedAfter = r.now() - from
	for shard := 1; shard <= r.settings.Shards && ctx.Err() == nil; shard++ {
		if !served[shard] {
			r.violate(sim.OracleLiveness, "shard %d took no write within %v after everything was healed", shard, limit)
		}
	}
}

// readAll reads every key back, a few at a time.
func (r *run) readAll(ctx context.Context) {
	var keys []string
	for _, k := range r.record.History().ByKey() {
		keys = append(keys, k.Key)
	}
	deadline := r.now() + finalLimit
	next := make(chan string)
	var readers sync.WaitGroup
	for range 16 {
		readers.Go(func() {
			for key := range next {
				for {
					a := r.prober.do(ctx, sim.Op{Kind: linearizability.Read, Key: key}, 0)
					if a.outcome == linearizability.OK || r.now() > deadline || !pause(ctx, probePause) {
						break
					}
				}
			}
		})
	}
	for key := range slices.Values(keys) {
		next <- key
	}
	close(next)
	readers.Wait()
	r.result.Ops.Keys = len(keys)
}
