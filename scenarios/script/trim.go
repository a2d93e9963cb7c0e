package script

import (
	"slices"

	"torc/sim"
)

// unseen are the settings that say nothing about a run in which neither operations nor faults are
// drawn.
var unseen = []string{"think", "threads", "registers", "models", "counters", "appends", "expiring", "transactions", "faults", "storm", "fault-every", "fault-for"}

// Trim leaves out of a plan's settings what the base "small" and the seed give anyway, so that what
// is left is what a reader has to know. The run stays the same.
func (f *File) Trim() {
	f.Base = "small"
	base := sim.DrawSettings(f.Seed)
	baseOf(f.Base).narrow(&base)
	base.Fit()
	drawn := map[string]string{}
	for _, field := range sim.Fields() {
		drawn[field.Name] = field.Get(&base)
	}
	f.Settings = slices.DeleteFunc(f.Settings, func(p Pair) bool {
		return drawn[p.Name] == p.Value || f.Quiet && !f.Swarm && slices.Contains(unseen, p.Name)
	})
}
