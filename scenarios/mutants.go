package scenarios

import (
	"cmp"
	"slices"
	"sync"

	"torc/scenarios/script"
	"torc/sim"
)

// Mutant is a planted bug and the run that exposes it.
type Mutant struct {
	Number   int    // in the gallery
	Name     string // for core/mutant
	Lesson   string // what the bug is, and what it teaches
	Scenario sim.Scenario
	// Seeds within which the scenario must catch it.
	Seeds int
	// Expect: at least one of these oracles fires. Silent: none of these does.
	Expect, Silent []sim.Oracle
}

// Mutants returns the planted bugs, each with its directed scenario (gallery/*.scenario), by number.
func Mutants() []Mutant { return slices.Clone(gallery()) }

var gallery = sync.OnceValue(func() (list []Mutant) {
	for _, f := range load("gallery") {
		list = append(list, mutantOf(f))
	}
	slices.SortFunc(list, func(a, b Mutant) int { return cmp.Compare(a.Number, b.Number) })
	return list
})

func mutantOf(f *script.File) Mutant {
	return Mutant{Number: f.Number, Name: f.Mutant, Lesson: f.Lesson, Scenario: f.Scenario(), Seeds: max(f.Seeds, 1), Expect: f.Catches, Silent: f.Silent}
}
