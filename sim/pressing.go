package sim

import "slices"

// pressing is a quantity of a node that faults set, several at a time perhaps: the fault that began last counts, and when it ends the one before it. (A fault that put back
// what it had found, or what is usual, would end the others with itself, or outlive its own end.)
type pressing[T any] struct {
	on []*T
}

// press lets a fault begin, and returns how it ends.
func (p *pressing[T]) press(value T) (end func()) {
	mine := &value
	p.on = append(p.on, mine)
	return func() {
		p.on = slices.DeleteFunc(p.on, func(other *T) bool { return other == mine })
	}
}

// value is what counts now; without a fault it is what is usual.
func (p *pressing[T]) value(usual T) T {
	if len(p.on) == 0 {
		return usual
	}
	return *p.on[len(p.on)-1]
}

// heal ends them all.
func (p *pressing[T]) heal() { p.on = nil }
