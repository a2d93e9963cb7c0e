package sim

import (
	"fmt"
	"strings"
)

// Lie is what the failure detectors are made to believe of a node.
type Lie uint8

// The lies.
const (
	LieFalseAlarm Lie = iota // it is suspected, again and again
	LieLibel                 // it is declared dead, again and again
	LieOldRumour             // what was said of its former life, or of this one before it refuted that, is said once more; once it is dead, that it lives
	LieStale                 // what it says about itself does not get through
	LieDigest                // what it says about itself arrives as something else
	lieCount
)

var lieNames = [lieCount]string{"false-alarm", "libel", "old-rumour", "stale-digest", "bad-digest"}

func (l Lie) String() string { return lieNames[l%lieCount] }

// ParseLie reads what String has written.
func ParseLie(text string) (Lie, error) {
	for i, name := range lieNames {
		if name == text {
			return Lie(i), nil
		}
	}
	return 0, fmt.Errorf("want %s, not %q", strings.Join(lieNames[:], ", "), text)
}

// Slander makes all failure detectors lie about a node in every round.
type Slander struct {
	Target Target
	Lie    Lie
}

func (f Slander) fix(w *World) Fault {
	f.Target = f.Target.fix(w)
	return f
}

func (f Slander) strike(w *World) (string, func()) {
	n := f.Target.find(w)
	n.lies[f.Lie%lieCount]++
	return fmt.Sprintf("gossip lies about %v%s: %v", n, w.leads(n), f.Lie), func() { n.lies[f.Lie%lieCount]-- }
}
