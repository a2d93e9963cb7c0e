package sim

import "slices"

// Fired are the oracles that saw something, each once, in the order in which they did.
func (r *Result) Fired() (list []Oracle) {
	for _, v := range r.Violations {
		if !slices.Contains(list, v.Oracle) {
			list = append(list, v.Oracle)
		}
	}
	return list
}
