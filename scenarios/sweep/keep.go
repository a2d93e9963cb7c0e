package sweep

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"

	"torc/scenarios/repro"
	"torc/scenarios/script"
	"torc/sim"
)

// keep writes a failed run's folder. The trace is of the run made again from the repro.json that
// lies beside it, so a folder shows that its own run can be made again, or says that it cannot.
func keep(out string, a *Answer, r *sim.Result) error {
	return folder(out, a, func(dir string) error {
		text, err := repro.Of(r).Encode()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "repro.json"), text, 0o644); err != nil {
			return err
		}
		again, err := trace(filepath.Join(dir, "trace.txt.gz"), text)
		if err != nil {
			return err
		}
		var report bytes.Buffer
		if err := r.Report(&report, false); err != nil {
			return err
		}
		report.WriteString("or, from this folder: torc sim replay repro.json\n")
		if again != r.Hash {
			fmt.Fprintf(&report, "THE RUN IN repro.json IS ANOTHER ONE: its trace hash is %s. This is a bug of the simulator; trace.txt.gz is of that run.\n", again)
		}
		return os.WriteFile(filepath.Join(dir, "report.txt"), report.Bytes(), 0o644)
	})
}

// trace makes a kept run again, writes its events to a file and returns its hash.
func trace(path string, kept []byte) (hash string, err error) {
	run, err := repro.Decode("repro.json", kept)
	if err != nil {
		return "", err
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	packed := gzip.NewWriter(f)
	o := run.Options()
	o.Trace = packed
	r := sim.Run(o)
	if r.Err != nil {
		return "", r.Err
	}
	if err := packed.Close(); err != nil {
		return "", err
	}
	return r.Hash, f.Close()
}

// keepCrash writes the folder of a seed whose process died: what it was to run, with all settings
// (its decisions died with it), and what it said.
func keepCrash(job *Job, a *Answer, said []byte) error {
	return folder(job.Out, a, func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "crash.txt"), append([]byte(a.Error+"\n\n"), said...), 0o644); err != nil {
			return err
		}
		o, err := job.Options(a.Seed)
		if err != nil {
			return err
		}
		text, err := before(o).Encode()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "repro.json"), text, 0o644)
	})
}

// before is a run as far as it is known before it is made.
func before(o sim.Options) *repro.Run {
	settings := o.Scenario.Draw(o.Seed)
	if o.Duration != 0 {
		o.Scenario.Duration = o.Duration
	}
	run := &repro.Run{Seed: o.Seed, Mutant: o.Mutant, File: script.Of(o.Scenario, settings), Commit: repro.Commit()}
	run.File.Seed, run.File.Mutant = o.Seed, o.Mutant
	return run
}

// sweepAway removes what a killed worker left half written.
func sweepAway(out string) error {
	left, err := filepath.Glob(filepath.Join(out, ".seed-*.part"))
	for _, dir := range left {
		if err == nil {
			err = os.RemoveAll(dir)
		}
	}
	if err != nil {
		return fmt.Errorf("removing what an earlier sweep left half written: %w", err)
	}
	return nil
}

// folder writes a seed's folder aside and puts it into its place when it is whole.
func folder(out string, a *Answer, write func(dir string) error) error {
	place := filepath.Join(out, a.Folder())
	aside := filepath.Join(out, fmt.Sprintf(".%s.%d.part", a.Folder(), os.Getpid()))
	err := os.RemoveAll(aside)
	if err == nil {
		err = os.MkdirAll(aside, 0o755)
	}
	if err == nil {
		err = write(aside)
	}
	if err == nil {
		err = os.RemoveAll(place)
	}
	if err == nil {
		err = os.Rename(aside, place)
	}
	if err != nil {
		return fmt.Errorf("keeping seed %d: %w", a.Seed, err)
	}
	return nil
}
