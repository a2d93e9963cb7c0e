package repro

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"torc/scenarios/script"
	"torc/sim"
)

// Format names the form of repro.json; a reader refuses any other.
const Format = "torc-repro-1"

// Run is a run that can be made again.
type Run struct {
	Seed   uint64
	Mutant string
	File   *script.File
	Commit string // the code that made it; "" = not known
	Hash   string // of its trace; "" = not known
	Fired  []sim.Oracle
	Found  []string // what the oracles said
}

// onDisk is a Run as JSON: the script stays lines of text, so that a person can read it there.
type onDisk struct {
	Format   string   `json:"format"`
	Seed     uint64   `json:"seed"`
	Mutant   string   `json:"mutant,omitempty"`
	Commit   string   `json:"commit,omitempty"`
	Hash     string   `json:"trace_hash,omitempty"`
	Oracles  string   `json:"oracles,omitempty"`
	Found    []string `json:"found,omitempty"`
	Scenario []string `json:"scenario"`
}

// Of keeps a run with all its decisions.
func Of(r *sim.Result) *Run {
	run := &Run{Seed: r.Seed, Mutant: r.Mutant, File: script.Of(r.Plan, r.Settings), Commit: Commit(), Hash: r.Hash, Fired: r.Fired()}
	run.File.Mutant, run.File.Seed = r.Mutant, r.Seed
	for _, v := range r.Violations {
		run.Found = append(run.Found, v.String())
	}
	return run
}

// Options are what makes the run again.
func (r *Run) Options() sim.Options {
	return sim.Options{Seed: r.Seed, Scenario: r.File.Scenario(), Mutant: r.Mutant}
}

// Encode is the run as repro.json.
func (r *Run) Encode() ([]byte, error) {
	text, err := r.File.Format()
	if err != nil {
		return nil, fmt.Errorf("encoding the run of seed %d: %w", r.Seed, err)
	}
	d := onDisk{Format: Format, Seed: r.Seed, Mutant: r.Mutant, Commit: r.Commit, Hash: r.Hash, Found: r.Found,
		Scenario: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	for _, o := range r.Fired {
		d.Oracles += o.String()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("encoding the run of seed %d: %w", r.Seed, err)
	}
	return b.Bytes(), nil
}

// Load reads a repro.json or a scenario file.
func Load(path string) (*Run, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a run: %w", err)
	}
	return Decode(path, text)
}

// Decode is Load of what was read; name is how errors call it.
func Decode(name string, text []byte) (*Run, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] != '{' {
		f, err := script.Parse(name, string(text))
		if err != nil {
			return nil, err
		}
		return &Run{Seed: f.Seed, Mutant: f.Mutant, File: f}, nil
	}
	var d onDisk
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&d); err != nil {
		return nil, fmt.Errorf("reading %s: it is not a repro.json: %w", name, err)
	}
	if d.Format != Format {
		return nil, fmt.Errorf("reading %s: its format is %q; this program reads %q", name, d.Format, Format)
	}
	f, err := script.Parse(name+" (scenario)", strings.Join(d.Scenario, "\n"))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	r := &Run{Seed: d.Seed, Mutant: d.Mutant, File: f, Commit: d.Commit, Hash: d.Hash, Found: d.Found}
	for i := range len(d.Oracles) {
		o := sim.Oracle(d.Oracles[i])
		if !o.Known() {
			return nil, errors.New("reading " + name + ": there is no oracle " + o.String())
		}
		r.Fired = append(r.Fired, o)
	}
	return r, nil
}

// Commit is the revision that this program was built from, with a mark when the tree was changed.
func Commit() (rev string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value + rev
		case s.Key == "vcs.modified" && s.Value == "true":
			rev += "+changed"
		}
	}
	return rev
}
