package script

import (
	"fmt"
	"strings"
	"time"

	"torc/cluster"
	"torc/sim"
)

// base is a set of settings under a name, so that each file says only what is its own.
type base struct {
	name, doc string
	narrow    func(*sim.Settings)
}

var bases = []base{
	{"small", "three nodes, one shard, leases, even links and clocks, busy clients, no drawn faults", small},
	{"hot", "the same, and everybody on one key of each sort", func(s *sim.Settings) {
		small(s)
		s.Registers, s.Models, s.Counters, s.Appends, s.Expiring = 1, 1, 1, 1, 1
		s.Think = 10 * time.Millisecond
	}},
}

func small(s *sim.Settings) {
	s.Nodes, s.Replicas, s.Shards, s.Faults = 3, 3, 1, sim.Faults{}
	s.Reads, s.Mixed, s.Grace = cluster.ReadLease, false, 0
	s.Links = sim.Links{Delay: 500 * time.Microsecond, Jitter: time.Millisecond}
	s.Swim = sim.Swim{}
	s.Lanes, s.TurnCost = []int{1, 1, 1}, 10*time.Microsecond
	s.Clients, s.Plain, s.Threads, s.Think, s.Timeout = 3, 4, 1, 25*time.Millisecond, 2*time.Second
	s.DriftUsed, s.Skew = 0, 0
	s.Cache, s.CacheLease = false, 0
	s.HotReads, s.HotLease, s.HotRest = 0, 0, 0
	s.Codec, s.Core, s.Transactions = false, false, 0
}

func baseOf(name string) *base {
	for i := range bases {
		if bases[i].name == name {
			return &bases[i]
		}
	}
	return nil
}

func readBase(f *File, r *reader) error {
	w, err := r.take("a name")
	if err != nil {
		return err
	}
	if baseOf(w.text) == nil {
		var names []string
		for _, b := range bases {
			names = append(names, b.name)
		}
		return fmt.Errorf("there is no base %q; there are %s", w.text, strings.Join(names, " and "))
	}
	f.Base = w.text
	return nil
}
