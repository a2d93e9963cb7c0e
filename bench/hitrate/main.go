package main

import (
	"bufio"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/Yiling-J/theine-go"
	"github.com/dgraph-io/ristretto/v2"
	"github.com/maypok86/otter/v2"
)

func main() {
	dir := flag.String("traces", "", "`DIR` with the traces, *.gz")
	requests := flag.Int("requests", 0, "how many requests of each trace; 0 is all")
	flag.Parse()
	if err := run(*dir, *requests, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "hitrate: %v\n", err)
		os.Exit(1)
	}
}

func run(dir string, requests int, out io.Writer) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%q holds no traces: say with --traces where the *.gz files are", dir)
	}
	for _, file := range files {
		keys, count, err := read(file, requests)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".gz")
		for _, permille := range []int{5, 20, 80, 250} {
			capacity := max(1, count*permille/1000)
			for _, c := range caches {
				hits, err := c.run(keys, capacity)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				if _, err := fmt.Fprintf(out, "%s\t%d\t%s\t%d\n", name, permille, c.name, hits); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// read reads a trace's keys as dense numbers. Sizes are passed over.
func read(file string, requests int) (keys []uint32, count int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	in, err := gzip.NewReader(f)
	if err != nil {
		return nil, 0, err
	}
	names, lines := map[string]uint32{}, bufio.NewScanner(in)
	for lines.Scan() && (requests <= 0 || len(keys) < requests) {
		name, _, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if name == "" {
			continue
		}
		key, known := names[name]
		if !known {
			key = uint32(len(names))
			names[name] = key
		}
		keys = append(keys, key)
	}
	return keys, len(names), lines.Err()
}

// caches are the others. Each stores what it missed.
var caches = []struct {
	name string
	run  func(keys []uint32, capacity int) (hits int, err error)
}{
	{"otter", runOtter}, {"ristretto", runRistretto}, {"theine", runTheine},
}

func runOtter(keys []uint32, capacity int) (hits int, err error) {
	c, err := otter.New(&otter.Options[uint32, uint32]{MaximumSize: capacity, Executor: func(f func()) { f() }})
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if _, found := c.GetIfPresent(key); found {
			hits++
		} else {
			c.Set(key, key)
			c.CleanUp() // its buffers are drained by another thread: give it the time that a slow request would
		}
	}
	return hits, nil
}

func runRistretto(keys []uint32, capacity int) (hits int, err error) {
	c, err := ristretto.NewCache(&ristretto.Config[uint32, uint32]{NumCounters: int64(capacity) * 10, MaxCost: int64(capacity), BufferItems: 64, IgnoreInternalCost: true})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	for _, key := range keys {
		if _, found := c.Get(key); found {
			hits++
		} else {
			c.Set(key, key, 1)
			c.Wait()
		}
	}
	return hits, nil
}

func runTheine(keys []uint32, capacity int) (hits int, err error) {
	c, err := theine.NewBuilder[uint32, uint32](int64(capacity)).Build()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	for _, key := range keys {
		if _, found := c.Get(key); found {
			hits++
		} else {
			c.Set(key, key, 1)
			c.Wait()
		}
	}
	return hits, nil
}
