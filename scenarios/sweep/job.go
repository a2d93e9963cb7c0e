package sweep

import (
	"fmt"
	"time"

	"torc/scenarios"
	"torc/scenarios/repro"
	"torc/sim"
)

// Job is what all runs of a sweep have in common. It is a worker's first line of input.
type Job struct {
	Scenario string        `json:"scenario"`       // its name; a file's when there is Text
	Text     string        `json:"text,omitempty"` // of a scenario file or a repro.json
	File     string        `json:"file,omitempty"` // its path, for the command that makes a run again
	Duration time.Duration `json:"duration,omitempty"`
	Mutant   string        `json:"mutant,omitempty"` // instead of the one that Text names; none: without it
	Out      string        `json:"out,omitempty"`    // folder for what fails; "" = nothing is kept
}

// Options are those of a seed's run.
func (j *Job) Options(seed uint64) (sim.Options, error) {
	o := sim.Options{}
	if j.Text != "" {
		run, err := repro.Decode(j.Scenario, []byte(j.Text))
		if err != nil {
			return o, err
		}
		o = run.Options()
		o.File = j.File
	} else {
		scenario, err := scenarios.Find(j.Scenario)
		if err != nil {
			return o, err
		}
		o.Scenario = scenario
	}
	o.Seed, o.Duration = seed, j.Duration
	switch {
	case j.Mutant == "none":
		o.Mutant, o.NoMutant = "", j.Text != ""
	case j.Mutant != "":
		o.Mutant = j.Mutant
	}
	return o, nil
}

// Question asks a worker for a seed's run.
type Question struct {
	Seed uint64 `json:"seed"`
	Keep bool   `json:"keep,omitempty"` // write its folder if it fails
}

// Answer is what came of a seed. It holds nothing that differs from run to run, except what a
// process said that died.
type Answer struct {
	Seed       uint64      `json:"seed"`
	Verdict    sim.Verdict `json:"verdict"`
	Hash       string      `json:"hash,omitempty"`
	Events     uint64      `json:"events,omitempty"`
	SimSeconds float64     `json:"simulated_seconds,omitempty"`
	Reached    string      `json:"reached,omitempty"` // sim.Reached, in its own spelling
	Fired      string      `json:"fired,omitempty"`   // the oracles' letters
	Found      string      `json:"found,omitempty"`   // the first violation
	Kept       bool        `json:"kept,omitempty"`    // its folder was written
	Error      string      `json:"error,omitempty"`   // there was no run, or its folder could not be written
}

// Folder is where a failed seed is kept, below the sweep's folder.
func (a *Answer) Folder() string { return fmt.Sprintf("seed-%d", a.Seed) }
