package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Save writes the table and the pictures into a folder.
func (r *Run) Save(folder string) error {
	files := map[string]func(io.Writer) error{"table.md": r.Table}
	for name, draw := range Pictures {
		files[name] = func(w io.Writer) error { return draw(r, w) }
	}
	for name, draw := range files {
		var b strings.Builder
		if err := draw(&b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// historyHead is how the table by commit begins.
const historyHead = `# Torc's aims by commit

A row for each full run of ` + "`make bench-peers`" + `, added at the end. Ratios within one run bear another machine better than figures do, but look
at the machine first. Behind a stroke: of a cluster that is sized for the machine. The aims in full are in [table.md](table.md).

`

// AddHistory adds a run's aims to the table by commit. Nothing checks it: a timed test that fails on a busy machine teaches to ignore it.
func AddHistory(file string, r *Run) error {
	known, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		known, err = []byte(historyHead+historyColumns()), nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(known, historyRow(r)...), 0o644)
}

func historyColumns() string {
	head, rule := "| date | commit | machine |", "| --- | --- | --- |"
	for _, a := range Aims() {
		head += " " + a.Text + ", " + a.Want + " |"
		rule += " --- |"
	}
	return head + "\n" + rule + "\n"
}

// historyRow has each aim's figure of the cluster at its defaults and, after a stroke, of the one that is sized for the machine, if it
// was asked.
func historyRow(r *Run) string {
	v := &view{run: r, figures: r.figures()}
	sized := &view{run: r, figures: v.figures, sized: true}
	row := fmt.Sprintf("| %s | %s | %s, %d cores, load %.1f |", r.Began.UTC().Format("2006-01-02"), r.Commit, r.Machine.CPU, r.Machine.Cores, r.Machine.Load)
	for _, a := range Aims() {
		text := a.seen(v)[0]
		if other := a.seen(sized)[0]; other != "-" {
			text += " / " + other
		}
		row += " " + text + " |"
	}
	return row + "\n"
}
