package page

import (
	"fmt"
	"os"

	"torc/core/trace"
	"torc/core/wire"
	"torc/sim"
	"torc/ui"
)

// Make makes a run and records it. An Observe that the options hold already still sees everything.
func Make(o sim.Options) (*ui.Recording, sim.Result) {
	recorder := NewRecorder()
	also := o.Observe
	o.Observe = func(e *trace.Event, f *wire.Frame) bool {
		recorder.Observe(e, f)
		return also != nil && also(e, f)
	}
	result := sim.Run(o)
	if result.Err != nil {
		return nil, result
	}
	return recorder.Recording(&result, story(&o.Scenario)), result
}

// Write makes a run and writes its page to a file. The run's verdict is in the result whether or not
// the page could be written.
func Write(path string, o sim.Options) (sim.Result, error) {
	rec, result := Make(o)
	if result.Err != nil {
		return result, fmt.Errorf("making the run of the page %s: %w", path, result.Err)
	}
	return result, WriteFile(path, rec)
}

// WriteFile writes a recording's page to a file.
func WriteFile(path string, rec *ui.Recording) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if err := ui.Write(f, rec); err != nil {
		_ = f.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func story(s *sim.Scenario) string {
	if s.Expect == "" {
		return s.Doc
	}
	return s.Doc + " Expected: " + s.Expect
}

func shardOf(key string, shards int) int { return int(wire.ShardOf(wire.Slot([]byte(key)), shards)) }
