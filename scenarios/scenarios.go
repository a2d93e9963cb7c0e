package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"torc/sim"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// All returns the named scenarios (named/*.scenario), in the order in which a newcomer should meet
// them.
func All() []sim.Scenario { return slices.Clone(named()) }

// Find returns the scenario with this name: a named one, or the directed one of a planted
// bug.
func Find(name string) (sim.Scenario, error) {
	var names []string
	for _, c := range All() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	for _, m := range Mutants() {
		if m.Scenario.Name == name {
			return m.Scenario, nil
		}
	}
	for _, c := range Controls() {
		if c.Scenario.Name == name && name != "" {
			return c.Scenario, nil
		}
	}
	return sim.Scenario{}, fmt.Errorf("no scenario is called %q; there are %s, and one for each planted bug", name, strings.Join(names, ", "))
}

// Run makes one run of a named scenario.
func Run(name string, o sim.Options) (sim.Result, error) {
	scenario, err := Find(name)
	if err != nil {
		return sim.Result{Verdict: sim.Broken, Err: err}, err
	}
	o.Scenario = scenario
	return sim.Run(o), nil
}
