package page

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"torc/linearizability"
	"torc/sim"
)

// errNoKey says that there is nothing to draw.
var errNoKey = errors.New("the run has no operations")

// What is drawn of a good run is to be had soon: a key that porcupine ponders over gives way to a less busy one.
const (
	ponderMost = 3 * time.Second
	ponderKeys = 8
)

// Porcupine writes porcupine's own page of the key that the run's first finding is about, or of the
// busiest key of a good run that it can draw soon, and returns that key.
func Porcupine(path string, r *sim.Result) (string, error) {
	if r.History == nil || len(r.History.Ops) == 0 {
		return "", fmt.Errorf("drawing with porcupine: %w", errNoKey)
	}
	keys := r.History.ByKey()
	if key := offendingKey(r); key != "" {
		chosen := keys[slices.IndexFunc(keys, func(k linearizability.KeyHistory) bool { return k.Key == key })]
		return key, linearizability.PictureFile(path, chosen, linearizability.Options{})
	}
	slices.SortStableFunc(keys, func(a, b linearizability.KeyHistory) int { return len(b.Ops) - len(a.Ops) })
	var err error
	for _, k := range keys[:min(len(keys), ponderKeys)] {
		if err = linearizability.PictureFile(path, k, linearizability.Options{Timeout: ponderMost}); !errors.Is(err, linearizability.ErrPictureSlow) {
			return k.Key, err
		}
	}
	return "", err
}

func offendingKey(r *sim.Result) string {
	for _, f := range findingsOf(r) {
		if len(f.Operations) > 0 {
			return r.History.Ops[f.Operations[0]].Key
		}
	}
	return ""
}
