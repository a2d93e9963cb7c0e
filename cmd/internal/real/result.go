package real

import (
	"time"

	"torc/linearizability"
	"torc/scenarios/script"
	"torc/sim"
)

// Result is what a run with real processes came to.
type Result struct {
	Seed     uint64
	File     *script.File
	Settings sim.Settings
	Network  string // where the nodes were

	Unreal  []Unreal // settings that reality has otherwise
	LeftOut []Unreal // faults and operations that were not done, or not in full

	Began       time.Duration // from the first process until the torture
	Timeline    []sim.Moment  // from the start of the torture
	Struck      []bool        // by step of the script
	StruckAt    []time.Duration
	Answers     []sim.Answer
	Whys        []string // by answer: why it was not OK
	Elections   []Election
	Ops         sim.Ops
	Reasons     map[string]int // why operations were not OK
	Bite        Bite           // what the network's trouble did
	ServedAfter time.Duration  // from heal until every shard took a write
	Soak        *SoakResult    // of soaks only
	History     *linearizability.History
	Violations  []sim.Violation
	Seconds     float64
	Dir         string // what was kept
}

// Pass says that nothing was wrong.
func (r *Result) Pass() bool { return len(r.Violations) == 0 }

// faultsLeftOut says that some fault of the script was not done in full: what the script wants of its
// operations may rest on it.
func (r *Result) faultsLeftOut() bool {
	for i := range r.File.Script {
		for _, l := range r.LeftOut {
			if l.What == script.SpellFault(r.File.Script[i].Fault) {
				return true
			}
		}
	}
	return false
}
