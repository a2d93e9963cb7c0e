package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"torc/cmd/internal/page"
	"torc/sim"
	"torc/ui"
)

// pageFlags are the files in which a run is told to those who want to look at it.
type pageFlags struct {
	report    string
	porcupine string
	shiviz    string
	from, to  time.Duration // of the ShiViz log
}

func (p *pageFlags) flags(f *flag.FlagSet) {
	f.StringVar(&p.report, "report", "", "write the run as a self-contained HTML page to this `file`")
	f.StringVar(&p.porcupine, "porcupine", "", "write porcupine's page of the offending key to this `file`")
	f.StringVar(&p.shiviz, "shiviz", "", "write the run as a ShiViz log to this `file`")
	f.DurationVar(&p.from, "shiviz-from", 0, "start of the ShiViz log, as a `time` of the run; by default, for a failing run, a second before its first finding")
	f.DurationVar(&p.to, "shiviz-to", 0, "end of the ShiViz log, as a `time` of the run; 0 means the end, or a failing run's first finding")
}

func (p *pageFlags) asked() bool { return p.report != "" || p.porcupine != "" || p.shiviz != "" }

// run makes a run and writes what was asked for. An error is about a file.
func (p *pageFlags) run(o sim.Options) (sim.Result, error) {
	if !p.asked() {
		return sim.Run(o), nil
	}
	rec, r := page.Make(o)
	if r.Err != nil {
		return r, nil // the report says why there was no run
	}
	return r, p.write(rec, &r)
}

func (p *pageFlags) write(rec *ui.Recording, r *sim.Result) error {
	if p.porcupine != "" {
		if err := p.link(rec, r); err != nil {
			return err
		}
	}
	if p.shiviz != "" {
		from, to := p.window(rec)
		f, err := os.Create(p.shiviz)
		if err != nil {
			return fmt.Errorf("writing the ShiViz log: %w", err)
		}
		if err := errors.Join(page.ShiViz(f, rec, from, to), f.Close()); err != nil {
			return fmt.Errorf("writing the ShiViz log: %w", err)
		}
		rec.Links = append(rec.Links, ui.Link{Text: "the ShiViz log", Href: p.beside(p.shiviz)})
	}
	if p.report == "" {
		return nil
	}
	return page.WriteFile(p.report, rec)
}

// window is the part of the run that the ShiViz log tells: as asked for, or around the first finding,
// because ShiViz draws thousands of events, not hundreds of thousands.
func (p *pageFlags) window(rec *ui.Recording) (from, to time.Duration) {
	if p.from != 0 || p.to != 0 || len(rec.Findings) == 0 {
		return p.from, p.to
	}
	at := time.Duration(rec.Findings[0].At)
	return max(0, at-time.Second), at + time.Millisecond
}

// link writes porcupine's page and leads from the report to it.
func (p *pageFlags) link(rec *ui.Recording, r *sim.Result) error {
	key, err := page.Porcupine(p.porcupine, r)
	if err != nil {
		return err
	}
	rec.Links = append(rec.Links, ui.Link{Text: "porcupine's page of key " + key, Href: p.beside(p.porcupine)})
	return nil
}

// beside is how the report refers to another file.
func (p *pageFlags) beside(file string) string {
	if rel, err := filepath.Rel(filepath.Dir(p.report), file); err == nil {
		return filepath.ToSlash(rel)
	}
	return file
}
