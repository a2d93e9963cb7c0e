package scenarios

import "slices"

// Entry is what the catalogue of planted bugs says of one: how hard it is to understand, and within
// how many seeds of 60 simulated seconds random search must catch it.
type Entry struct {
	Name       string
	Difficulty int // 1 first lecture, 2 course project, 3 research
	Budget     int
}

// catalogue has every planted bug of the gallery, in its order; those with numbers above 32 are the
// reserve bench.
var catalogue = []Entry{
	{"ack-early", 1, 1}, {"local-read", 1, 1}, {"lease-checkquorum", 3, 40}, {"lease-skew", 2, 20},
	{"readindex-nowait", 2, 10}, {"readindex-new-term", 2, 30}, {"readindex-ctx-reuse", 3, 300}, {"amnesia-same-id", 2, 20},
	{"amnesia-crossed-wires", 3, 200}, {"silent-total-loss", 2, 5}, {"bootstrap-twice", 1, 10}, {"voter-too-soon", 2, 20},
	{"two-confchanges", 3, 150}, {"removed-leader-lingers", 2, 40}, {"zombie-member", 2, 30}, {"no-prevote", 2, 5},
	{"checkquorum-bridge", 3, 100}, {"no-dedupe", 1, 5}, {"dedupe-not-in-snapshot", 2, 60}, {"fail-means-no", 2, 10},
	{"cas-at-propose", 1, 5}, {"nondet-apply", 1, 1}, {"ttl-local-clock", 1, 5}, {"ttl-restart-on-leader-change", 2, 10},
	{"stale-expirer", 3, 60}, {"evict-local", 1, 3}, {"handoff-gap", 2, 20}, {"two-rings", 2, 10},
	{"stale-route", 1, 5}, {"hotkey-replica-unfenced", 1, 3}, {"batch-lies", 1, 3}, {"breaker-flap", 2, 10},
	{"gossip-resurrect", 2, 60}, {"gossip-hair-trigger", 2, 60}, {"snapshot-loop", 2, 60}, {"unbounded-proposals", 2, 60},
	{"fill-race", 2, 60}, {"xdc-lww", 2, 60}, {"group-mixup", 2, 60}, {"snapshot-half", 2, 60},
	{"batch-torn", 1, 15}, {"hedge-storm", 1, 30}, {"cache-deaf", 1, 30}, {"cache-nowait", 2, 60},
	{"cache-successor", 2, 100}, {"yield-flap", 2, 150}, {"look-nolease", 2, 15}, {"lease-own-timeout", 2, 100},
	{"session-reborn", 2, 150}, {"lease-late-answer", 3, 300},
	{"hotkey-from-answer", 2, 300}, {"hotkey-late-answer", 2, 30}, {"guard-at-propose", 1, 15},
}

// unfound are the planted bugs that random search is not known to find: too much must come together. Only their own scenarios do, and of
// the latter hot-copies.
var unfound = []string{"lease-late-answer", "hotkey-from-answer"}

// Unfound reports whether a planted bug is one that random search is not known to find.
func Unfound(name string) bool { return slices.Contains(unfound, name) }

// Catalogued returns what the catalogue says of a planted bug.
func Catalogued(name string) (number int, e Entry, ok bool) {
	for i, e := range catalogue {
		if e.Name == name {
			return i + 1, e, true
		}
	}
	return 0, Entry{}, false
}

// FindMutant returns a planted bug by its name.
func FindMutant(name string) (Mutant, bool) {
	for _, m := range Mutants() {
		if m.Name == name {
			return m, true
		}
	}
	return Mutant{}, false
}
