package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	torcv1 "torc/api/v1"
	"torc/core/evict"
	"torc/core/wire"
)

// What operators see of eviction, and set.

// policyPatience is how long CONFIG SET waits for the meta group.
const policyPatience = 5 * time.Second

// SetPolicy sets the cluster's eviction policy.
func (b backend) SetPolicy(name string) error {
	kind, err := evict.Parse(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), policyPatience+time.Second)
	defer cancel()
	told, err := b.Admin(ctx, &wire.Ask{Op: wire.AdminSetPolicy, Weight: 1 + uint32(kind), TimeoutMillis: policyPatience.Milliseconds()})
	switch {
	case err != nil:
		return err
	case told.Refusal != wire.RefusalNone:
		return errors.New(strings.Join(told.Lines, "; "))
	}
	return nil
}

// eviction is how a node's lanes stand together.
type eviction struct {
	policy  evict.Kind
	evicted uint64
	expired uint64
	hits    uint64 // reads that found their key
	misses  uint64
	curve   [len(evict.CurveSizes)]evict.Point
}

func (s *Status) eviction() (e eviction) {
	for i := range s.Lanes {
		l := &s.Lanes[i]
		e.policy, e.evicted, e.expired, e.hits, e.misses = l.Policy, e.evicted+l.Evicted, e.expired+l.Expired, e.hits+l.Hits, e.misses+l.Misses
		for j := range e.curve {
			e.curve[j].Reads, e.curve[j].Hits = e.curve[j].Reads+l.Curve[j].Reads, e.curve[j].Hits+l.Curve[j].Hits
		}
	}
	return e
}

// sizeName is a size of the curve beside the present memory.
func sizeName(i int) string {
	return [...]string{"0.5x", "1x", "2x", "4x"}[i]
}

// rate is the hit rate at a size of the curve; ok: it is known.
func (e *eviction) rate(i int) (rate float64, ok bool) {
	p := e.curve[i]
	return float64(p.Hits) / float64(max(1, p.Reads)), p.Reads > 0
}

func (n *Node) infoEviction(line func(string, any)) {
	ctx, cancel := context.WithTimeout(context.Background(), infoPatience)
	defer cancel()
	s, err := n.Status(ctx)
	if err != nil {
		line("maxmemory_policy", n.cfg.Policy)
		return
	}
	e := s.eviction()
	line("maxmemory_policy", e.policy)
	for i := range e.curve {
		if rate, ok := e.rate(i); ok {
			line("torc_hit_rate_at_"+sizeName(i), fmt.Sprintf("%.3f", rate))
		}
	}
}

// infoEvicted adds what Redis has in INFO stats.
func (n *Node) infoEvicted(line func(string, any)) {
	ctx, cancel := context.WithTimeout(context.Background(), infoPatience)
	defer cancel()
	if s, err := n.Status(ctx); err == nil {
		e := s.eviction()
		line("expired_keys", e.expired)
		line("evicted_keys", e.evicted)
		line("keyspace_hits", e.hits)
		line("keyspace_misses", e.misses)
	}
}

func evictionReport(s *Status) *torcv1.Eviction {
	e := s.eviction()
	r := &torcv1.Eviction{Policy: e.policy.String(), Evicted: e.evicted}
	for i := range e.curve {
		if rate, ok := e.rate(i); ok {
			r.HitRates = append(r.HitRates, int32(rate*1000+0.5))
		}
	}
	return r
}
