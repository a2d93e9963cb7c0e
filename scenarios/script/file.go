package script

import (
	"fmt"
	"strings"
	"time"

	"torc/sim"
)

// File is what a scenario file says.
type File struct {
	Name     string
	Doc      string // what it shows
	Expect   string // what should come of it, in words
	Seed     uint64 // the seed it was written for; 0 = any
	Base     string // a set of settings by name (bases), before Settings
	Settings []Pair // what it fixes; the rest is drawn from the seed
	Script   []sim.Step
	Calls    []sim.Call
	Quiet    bool // clients draw nothing of their own
	Swarm    bool // faults are drawn, too
	Loss     bool // declared: memory of more nodes is lost than the cluster can bear
	Duration time.Duration

	// Of a planted bug's file.
	Mutant  string
	Number  int          // in the gallery
	Seeds   int          // within which it must be caught; 0 = 1
	Lesson  string       // what the bug is, and what it teaches
	Catches []sim.Oracle // at least one of these fires
	Silent  []sim.Oracle // none of these does
}

// Pair is a setting and its value.
type Pair struct{ Name, Value string }

// Scenario is the file as the simulator takes it.
func (f *File) Scenario() sim.Scenario {
	return sim.Scenario{
		Name: f.Name, Doc: f.Doc, Expect: f.Expect, Script: f.Script, Calls: f.Calls,
		Quiet: f.Quiet, Swarm: f.Swarm, Loss: f.Loss, Duration: f.Duration,
		Settings: func(s *sim.Settings) {
			if b := baseOf(f.Base); b != nil {
				b.narrow(s)
			}
			for _, p := range f.Settings {
				if err := s.Set(p.Name, p.Value); err != nil {
					panic("script: a setting that Parse has accepted: " + err.Error())
				}
			}
		},
	}
}

// Of is a scenario as a file, for the settings that a run had: with all of them when the scenario
// is a plan (nothing of it is drawn).
func Of(c sim.Scenario, settings sim.Settings) *File {
	f := &File{Name: c.Name, Doc: c.Doc, Expect: c.Expect, Script: c.Script, Calls: c.Calls,
		Quiet: c.Quiet, Swarm: c.Swarm, Loss: c.Loss, Duration: c.Duration}
	for _, line := range settings.Pairs() {
		for _, pair := range line {
			name, value, _ := strings.Cut(pair, "=")
			f.Settings = append(f.Settings, Pair{name, value})
		}
	}
	return f
}

// Error is what is wrong with a file, and where.
type Error struct {
	File string
	Line int
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }
