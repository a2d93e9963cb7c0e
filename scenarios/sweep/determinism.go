package sweep

import (
	"slices"
	"time"

	"torc/sim"
)

// Check makes every seed's run several times, each time in other processes and in another order, and
// compares the hashes.
type Check struct {
	Job     Job
	Seeds   []uint64
	Runs    int
	Workers int
	Budget  time.Duration
	Start   func(run int) (*Process, error) // a worker for the run with this number, from 0
	// Told, when set, is called for every run of a seed as it ends, one call at a time.
	Told func(run int, a Answer)
	// Stop and Abort are those of Sweep.
	Stop, Abort <-chan struct{}
}

// Mismatch is a seed whose runs are not one.
type Mismatch struct {
	Seed   uint64   `json:"seed"`
	Hashes []string `json:"hashes"` // by run; where there was no run, why
}

// Run makes all runs and returns the seeds whose hashes differ, in order.
func (c *Check) Run() (list []Mismatch, err error) {
	hashes := map[uint64][]string{}
	for run := range c.Runs {
		s := Sweep{Job: c.Job, Seeds: c.order(run), Workers: c.Workers, Budget: c.Budget, Stop: c.Stop, Abort: c.Abort,
			Start: func() (*Process, error) { return c.Start(run) },
			Told: func(a Answer) error {
				hash := a.Hash
				if a.Verdict == sim.Broken {
					hash = "no run: " + a.Error
				}
				hashes[a.Seed] = append(hashes[a.Seed], hash)
				if c.Told != nil {
					c.Told(run, a)
				}
				return nil
			}}
		if err := s.Run(); err != nil {
			return nil, err
		}
	}
	for _, seed := range c.Seeds {
		if h := hashes[seed]; slices.ContainsFunc(h, func(x string) bool { return x != h[0] || len(x) > 8 && x[:8] == "no run: " }) {
			list = append(list, Mismatch{seed, h})
		}
	}
	return list, nil
}

// order is the order of the seeds in a run: every second one goes backwards, so that other runs come
// before a seed's in its process.
func (c *Check) order(run int) []uint64 {
	seeds := slices.Clone(c.Seeds)
	if run%2 == 1 {
		slices.Reverse(seeds)
	}
	return seeds
}
