package real

import (
	"context"
	"fmt"
	"sync"
	"time"

	"torc/core/wire"
	"torc/linearizability"
	"torc/sim"
)

// flavour is what is done to a key, as in the simulator's workload: registers see stale reads,
// counters and appends doubled writes.
type flavour int

const (
	register flavour = iota
	counter
	appends
	flavours
)

var (
	letters = [flavours]string{"r", "n", "a"}
	weights = [flavours]int{40, 16, 14}
	// operationsOf says after how many operations a key is left for a new one.
	operationsOf = [flavours]int{400, 250, 120}
)

// workload is what the clients draw.
type workload struct {
	mu     sync.Mutex
	shards int
	rand   sim.Stream
	series [flavours][]*series
	values int
}

// series is a sequence of keys: one in use, replaced by the next when it is worn.
type series struct {
	flavour flavour
	number  int
	edition int
	left    int
	key     string
}

func newWorkload(seed uint64, s *sim.Settings) *workload {
	w := &workload{shards: s.Shards, rand: sim.NewStream(seed, "real:workload")}
	for f, count := range [flavours]int{max(s.Registers, 1), s.Counters, s.Appends} {
		for i := range count {
			of := &series{flavour: flavour(f), number: i}
			w.renew(of)
			w.series[f] = append(w.series[f], of)
		}
	}
	return w
}

// renew puts a fresh key into use, on a shard that is drawn.
func (w *workload) renew(s *series) {
	s.edition++
	s.left = operationsOf[s.flavour]/2 + w.rand.IntN(operationsOf[s.flavour])
	s.key = keyOn(wire.ShardID(1+w.rand.IntN(w.shards)), w.shards, fmt.Sprintf("%s%d.%d", letters[s.flavour], s.number, s.edition))
}

// keyOn finds a key with a prefix that lives on a shard.
func keyOn(shard wire.ShardID, shards int, prefix string) string {
	for i := 0; ; i++ {
		key := fmt.Sprintf("%s.%d", prefix, i)
		if wire.ShardOf(wire.Slot([]byte(key)), shards) == shard {
			return key
		}
	}
}

// next draws an operation.
func (w *workload) next(r *sim.Stream) (sim.Op, *series) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, roll := register, r.IntN(weights[0]+weights[1]+weights[2])
	for ; roll >= weights[f]; f++ {
		roll -= weights[f]
	}
	if len(w.series[f]) == 0 {
		f = register
	}
	s := w.series[f][r.IntN(len(w.series[f]))]
	if s.left--; s.left < 0 {
		w.renew(s)
	}
	op := sim.Op{Kind: linearizability.Read, Key: s.key}
	switch {
	case f == register && r.Bool():
		op.Kind, op.In.Value = linearizability.Write, w.value()
	case f == counter && !r.Chance(3000):
		op.Kind, op.In.Delta = linearizability.Increment, 1+int64(r.IntN(3))
	case f == appends && !r.Chance(3000):
		op.Kind, op.In.Value = linearizability.Append, w.value()+";"
	}
	return op, s
}

// value is one that was never written before.
func (w *workload) value() string {
	w.values++
	return fmt.Sprintf("v%d", w.values)
}

// worn notes an operation of unknown outcome: a few of these on a key are all that the exhaustive
// checkers bear.
func (w *workload) worn(s *series, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.key == key && s.flavour != register {
		s.left -= operationsOf[s.flavour] / 5
	}
}

// work lets one thread of a client draw operations until ctx ends. The one under way is finished.
func (r *run) work(ctx context.Context, u *user, thread int) {
	rand := sim.NewStream(r.o.Seed, fmt.Sprintf("real:%v.%d", u, thread))
	node := rand.IntN(len(r.nodes))
	for {
		timer := time.NewTimer(rand.Around(r.settings.Think))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		op, of := r.workload.next(&rand)
		a := u.do(context.WithoutCancel(ctx), op, node)
		r.count(a)
		if a.outcome == linearizability.Unknown && op.Kind != linearizability.Read {
			r.workload.worn(of, op.Key)
		}
		if a.outcome == linearizability.Unknown || a.outcome == linearizability.Failed && rand.Bool() || rand.Chance(500) {
			node = rand.IntN(len(r.nodes)) // it tries another node, or just changes
		}
	}
}
