package hitrate

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Trace is a sequence of requests. Keys are dense: 0, 1, 2 ... in order of first appearance.
type Trace struct {
	Name  string
	Keys  []uint32
	Sizes []uint32 // of each request's object; nil: the trace has none
	Count int      // of different keys
}

// size is what a request's object takes when sizes count.
func (t *Trace) size(i int) int64 {
	if t.Sizes == nil {
		return 1
	}
	return max(1, int64(t.Sizes[i]))
}

// Bytes is what all objects take together, each as large as it was first.
func (t *Trace) Bytes() (sum int64) {
	next := uint32(0)
	for i, key := range t.Keys {
		if key == next {
			sum += t.size(i)
			next++
		}
	}
	return sum
}

// Cut is the trace's first requests.
func (t *Trace) Cut(requests int) *Trace {
	if requests <= 0 || requests >= len(t.Keys) {
		return t
	}
	short := &Trace{Name: t.Name, Keys: t.Keys[:requests]}
	if t.Sizes != nil {
		short.Sizes = t.Sizes[:requests]
	}
	for _, key := range short.Keys {
		short.Count = max(short.Count, int(key)+1)
	}
	return short
}

// ReadDir reads all traces of a directory: files *.gz, each line `key` or `key size`.
func ReadDir(dir string) ([]*Trace, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no traces: want gzip text files *.gz, a line for each request: `key` or `key size`", dir)
	}
	var traces []*Trace
	for _, file := range files {
		t, err := readFile(file)
		if err != nil {
			return nil, err
		}
		traces = append(traces, t)
	}
	return traces, nil
}

func readFile(file string) (*Trace, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	t, err := Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	t.Name = strings.TrimSuffix(filepath.Base(file), ".gz")
	return t, nil
}

// Read reads a trace as text.
func Read(in io.Reader) (*Trace, error) {
	t, names := new(Trace), map[string]uint32{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		name, size, sized := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if name == "" {
			continue
		}
		if len(t.Keys) > 0 && sized != (t.Sizes != nil) {
			return nil, fmt.Errorf("request %d: sizes must stand in every line, or in none", len(t.Keys)+1)
		}
		if sized {
			n, err := strconv.ParseUint(size, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("request %d: %q is not a size in bytes", len(t.Keys)+1, size)
			}
			t.Sizes = append(t.Sizes, uint32(n))
		}
		key, known := names[name]
		if !known {
			key = uint32(len(names))
			names[name] = key
		}
		t.Keys = append(t.Keys, key)
	}
	t.Count = len(names)
	if len(t.Keys) == 0 && lines.Err() == nil {
		return nil, errors.New("no requests")
	}
	return t, lines.Err()
}

// WriteDir writes traces as ReadDir reads them.
func WriteDir(dir string, traces []*Trace) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, t := range traces {
		if err := writeFile(filepath.Join(dir, t.Name+".gz"), t); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(file string, t *Trace) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	packed := gzip.NewWriter(f)
	out := bufio.NewWriter(packed)
	for i, key := range t.Keys {
		if t.Sizes == nil {
			fmt.Fprintf(out, "%d\n", key)
		} else {
			fmt.Fprintf(out, "%d %d\n", key, t.Sizes[i])
		}
	}
	return errors.Join(out.Flush(), packed.Close())
}
