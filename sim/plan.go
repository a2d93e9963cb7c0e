package sim

import "slices"

// plan writes the run down as a scenario in which nothing is left to draw but what belongs to
// links, clocks, nodes and clients' brains, which each have a stream of their own: made with
// the same seed, it is the same run, event for event. What is left out of it leaves the draws of
// the rest alone, so that it can be shrunk.
func (w *World) plan(name string) Scenario {
	settings := w.settings
	settings.Lanes = slices.Clone(settings.Lanes)
	p := Scenario{
		Name: name, Doc: w.scenario.Doc, Expect: w.scenario.Expect, Loss: w.scenario.Loss,
		Settings: func(s *Settings) { *s = settings },
		Script:   w.faults.made, Quiet: true, Duration: w.torturedFor,
	}
	if w.work != nil {
		p.Calls = w.work.made
	}
	return p
}
