package sweep

import (
	"errors"
	"sync"
	"time"

	"torc/sim"
)

// Sweep runs a job's seeds in worker processes.
type Sweep struct {
	Job     Job
	Seeds   []uint64
	Workers int                      // processes at a time, at least 1
	Budget  time.Duration            // for one seed, on the wall
	Start   func() (*Process, error) // a worker
	KeepMax int                      // how many failing seeds get a folder; the others are only told of
	// Told, when set, is called for every seed as it ends, one call at a time; an error ends the sweep.
	Told func(Answer) error
	// Stop, when it is closed, lets the seeds that are under way end, and begins no more.
	Stop <-chan struct{}
	// Abort, when it is closed, ends all workers at once; their seeds are not done.
	Abort <-chan struct{}

	lock sync.Mutex
	next int
	kept int
	err  error
}

// Run runs the sweep. The error says that it could not go on; seeds that fail are no error.
func (s *Sweep) Run() error {
	var workers sync.WaitGroup
	for range min(max(s.Workers, 1), max(len(s.Seeds), 1)) {
		workers.Go(s.work)
	}
	workers.Wait()
	return s.err
}

// take is the next question, if there is one.
func (s *Sweep) take() (q Question, ok bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	select {
	case <-s.Stop:
		return q, false
	default:
	}
	if s.err != nil || s.next >= len(s.Seeds) {
		return q, false
	}
	s.next++
	return Question{Seed: s.Seeds[s.next-1], Keep: s.Job.Out != "" && s.kept < s.KeepMax}, true
}

// work lets one process after the other answer questions: mostly a single one answers them all.
func (s *Sweep) work() {
	var t *talk
	for {
		q, ok := s.take()
		if !ok {
			break
		}
		if t == nil {
			p, err := s.Start()
			if err != nil {
				s.fail(err)
				return
			}
			t = newTalk(p)
		}
		if !s.one(t, q) {
			t = nil
		}
	}
	if t != nil {
		_ = t.process.In.Close()
		t.process.End(false)
	}
}

// one asks for a seed, and reports whether the process is still good for another.
func (s *Sweep) one(t *talk, q Question) (good bool) {
	done := make(chan struct{})
	var ending sync.WaitGroup
	ending.Go(func() {
		select {
		case <-s.Abort:
			t.process.End(false)
		case <-done:
		}
	})
	a, err := t.ask(&s.Job, q, s.Budget)
	close(done)
	ending.Wait()
	select {
	case <-s.Abort:
		return false
	default:
	}
	if err == nil {
		s.tell(a)
		return true
	}
	said := t.process.End(errors.Is(err, errHangs))
	a = Answer{Seed: q.Seed, Verdict: sim.Broken, Error: err.Error()}
	if q.Keep {
		if err := keepCrash(&s.Job, &a, said); err != nil {
			a.Error += "; " + err.Error()
		} else {
			a.Kept = true
		}
	}
	s.tell(a)
	return false
}

func (s *Sweep) tell(a Answer) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if a.Kept {
		s.kept++
	}
	if s.Told != nil && s.err == nil {
		s.err = s.Told(a)
	}
}

func (s *Sweep) fail(err error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.err = errors.Join(s.err, err)
}
