package flight

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Dumps writes what a recorder holds to files.
type Dumps struct {
	Dir   string
	Every time.Duration // at most one in this time; a minute
	Keep  int           // of the files, the newest; 10
	Take  func() ([]byte, error)

	mu   sync.Mutex
	last time.Time // when one was due
	busy bool
}

const (
	prefix = "torc-slow-"
	suffix = ".trace"
	// part ends the name of a file that is being written. A process that ends there leaves it: when it has not been written to for
	// partFor nobody will go on. (Nodes of one machine may share the directory.)
	part    = ".part"
	partFor = 10 * time.Minute
	// stamp names files so that their names' order is that of time.
	stamp = "20060102T150405.000"
)

// Open makes the directory, if it is not there, and sees that it can be written to.
func Open(dir string, take func() ([]byte, error)) (*Dumps, error) {
	d := &Dumps{Dir: dir, Every: time.Minute, Keep: 10, Take: take}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory for traces: %w", err)
	}
	probe, err := os.CreateTemp(dir, prefix+"*.probe")
	if err != nil {
		return nil, fmt.Errorf("write to the directory for traces: %w", err)
	}
	_ = d.clear() // what a former life has left; the next dump says what hinders it
	return d, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Due claims the next dump: it says whether one may be made now. Whoever is told so makes it.
func (d *Dumps) Due(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy || !d.last.IsZero() && now.Sub(d.last) < d.Every {
		return false
	}
	d.last, d.busy = now, true
	return true
}

// Dump writes a file, removes those that are too many, and returns its path. Due has said that it may.
func (d *Dumps) Dump(now time.Time) (path string, err error) {
	defer func() {
		d.mu.Lock()
		d.busy = false
		d.mu.Unlock()
	}()
	kept, err := d.Take()
	if err != nil {
		return "", fmt.Errorf("take what the flight recorder holds: %w", err)
	}
	// Nodes of one machine may share the directory.
	path = filepath.Join(d.Dir, fmt.Sprintf("%s%s-%d%s", prefix, now.UTC().Format(stamp), os.Getpid(), suffix))
	if err := os.WriteFile(path+part, kept, 0o644); err != nil {
		return "", errors.Join(fmt.Errorf("write a trace: %w", err), os.Remove(path+part))
	}
	if err := os.Rename(path+part, path); err != nil {
		return "", fmt.Errorf("name a trace: %w", err)
	}
	return path, d.clear()
}

// clear removes the oldest files, and what was never finished.
func (d *Dumps) clear() error {
	entries, err := os.ReadDir(d.Dir)
	if err != nil {
		return fmt.Errorf("look for old traces: %w", err)
	}
	var names []string
	var wrong []error
	for _, e := range entries {
		name := e.Name()
		switch {
		case !strings.HasPrefix(name, prefix) || !e.Type().IsRegular():
		case strings.HasSuffix(name, suffix):
			names = append(names, name)
		case strings.HasSuffix(name, suffix+part):
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > partFor {
				wrong = append(wrong, d.remove(name))
			}
		}
	}
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-d.Keep)] {
		wrong = append(wrong, d.remove(name))
	}
	return errors.Join(wrong...)
}

// remove removes a file, unless another node was faster.
func (d *Dumps) remove(name string) error {
	if err := os.Remove(filepath.Join(d.Dir, name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
