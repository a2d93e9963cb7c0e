package sim

import "slices"

// gambleLeast is how few things a gamble is not worth.
const gambleLeast = 4

// gamble leaves out half of what is left, drawn at random, again and again. Leaving out one thing after the other ends where each
// of them is needed by the others: two operations that a third one parts from the crowd, say. With little left a run costs next
// to nothing, so as many draws are made as take as much work as the given run did.
func (k *shrinking) gamble() {
	luck := NewStream(k.best.Case.Seed, "shrink")
	spent := uint64(0)
	for spent < k.whole && k.size() > gambleLeast && !k.over {
		seed := luck.Uint64()
		c := k.with(func(c *Case) {
			s := &c.Scenario
			s.Script = slices.DeleteFunc(s.Script, func(Step) bool { return luck.Bool() })
			s.Calls = slices.DeleteFunc(s.Calls, func(Call) bool { return luck.Bool() })
			c.Seed += seed % triesBold
		})
		if k.try(c, 1) {
			spent = 0
		}
		spent += k.best.Result.Events
	}
}
