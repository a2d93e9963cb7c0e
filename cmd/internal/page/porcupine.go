package page

import (
	"errors"
	"fmt"

	"torc/linearizability"
	"torc/sim"
)

// errNoKey says that there is nothing to draw.
var errNoKey = errors.New("the run has no operations")

// Porcupine writes porcupine's own page of the key that the run's first finding is about, or of the
// busiest key of a good run, and returns that key.
func Porcupine(path string, r *sim.Result) (string, error) {
	if r.History == nil || len(r.History.Ops) == 0 {
		return "", fmt.Errorf("drawing with porcupine: %w", errNoKey)
	}
	keys := r.History.ByKey()
	chosen := keys[0]
	for _, k := range keys {
		if len(k.Ops) > len(chosen.Ops) {
			chosen = k
		}
	}
	if key := offendingKey(r); key != "" {
		for _, k := range keys {
			if k.Key == key {
				chosen = k
			}
		}
	}
	return chosen.Key, linearizability.PictureFile(path, chosen, linearizability.Options{})
}

func offendingKey(r *sim.Result) string {
	for _, f := range findingsOf(r) {
		if len(f.Operations) > 0 {
			return r.History.Ops[f.Operations[0]].Key
		}
	}
	return ""
}
