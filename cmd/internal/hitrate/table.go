package hitrate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"torc/core/evict"
)

// Sizes are the cache sizes of the table, in tenths of a percent of the different keys (or of their bytes).
var Sizes = []int{5, 20, 80, 250}

// Row is what came of one trace at one cache size.
type Row struct {
	Trace    string         `json:"trace"`
	Size     int            `json:"size_permille"`
	Requests int            `json:"requests"`
	Optimum  int            `json:"optimum_hits"` // Belady's; the bound when bytes count
	Hits     map[string]int `json:"hits"`
}

// Share is a column's part of the optimum.
func (r *Row) Share(name string) float64 { return float64(r.Hits[name]) / float64(max(1, r.Optimum)) }

// Run replays every trace at every size through every cache of these names.
func Run(traces []*Trace, names []string, bytes bool) []Row {
	rows := make([]Row, len(traces)*len(Sizes))
	work := make(chan int)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := range work {
				rows[i] = row(traces[i/len(Sizes)], Sizes[i%len(Sizes)], names, bytes)
			}
		})
	}
	for i := range rows {
		work <- i
	}
	close(work)
	all.Wait()
	return rows
}

func row(t *Trace, permille int, names []string, bytes bool) Row {
	r := Row{Trace: t.Name, Size: permille, Requests: len(t.Keys), Hits: map[string]int{}}
	capacity := max(1, int64(t.Count)*int64(permille)/1000)
	if bytes {
		capacity = max(1, t.Bytes()*int64(permille)/1000)
		r.Optimum = Bound(t, capacity)
	} else {
		r.Optimum = Belady(t, int(capacity))
	}
	for _, name := range names {
		c := find(name).make(capacity)
		for i, key := range t.Keys {
			size := int64(1)
			if bytes {
				size = t.size(i)
			}
			if c.access(key, size) {
				r.Hits[name]++
			}
		}
	}
	return r
}

// AddReplicated adds columns for the default policy in its place: the replicated path, without and with ten failovers. It says
// so as it goes on, for it takes long.
func AddReplicated(rows []Row, traces []*Trace, tell io.Writer) ([]string, error) {
	columns := []struct {
		name      string
		failovers int
	}{{"replicated", 0}, {"failovers", 10}}
	work, failed := make(chan int), make([]error, len(rows))
	var all sync.WaitGroup
	var mu sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := range work {
				t := traces[i/len(Sizes)]
				for _, c := range columns {
					hits, err := Replicated(t, max(1, t.Count*rows[i].Size/1000), c.failovers, evict.Adaptive)
					failed[i] = errors.Join(failed[i], err)
					rows[i].Hits[c.name] = hits
				}
				mu.Lock()
				fmt.Fprintf(tell, "%s at %d: replicated %.3f, with failovers %.3f of the optimum\n", t.Name, rows[i].Size, rows[i].Share("replicated"), rows[i].Share("failovers"))
				mu.Unlock()
			}
		})
	}
	for i := range rows {
		work <- i
	}
	close(work)
	all.Wait()
	return []string{columns[0].name, columns[1].name}, errors.Join(failed...)
}

// Print writes the table: shares of the optimum, then their mean and the worst.
func Print(out io.Writer, rows []Row, names []string, bytes bool) {
	kind := "optimum"
	if bytes {
		kind = "bound"
	}
	fmt.Fprintf(out, "%-14s %6s %8s", "trace", "size", kind)
	for _, name := range names {
		fmt.Fprintf(out, " %*s", column(name), name)
	}
	fmt.Fprintln(out)
	mean, worst := make([]float64, len(names)), make([]float64, len(names))
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(out, "%-14s %5.1f%% %8.4f", r.Trace, float64(r.Size)/10, float64(r.Optimum)/float64(r.Requests))
		for j, name := range names {
			share := r.Share(name)
			fmt.Fprintf(out, " %*.3f", column(name), share)
			mean[j] += share / float64(len(rows))
			if i == 0 || share < worst[j] {
				worst[j] = share
			}
		}
		fmt.Fprintln(out)
	}
	for _, line := range []struct {
		name   string
		values []float64
	}{{"mean", mean}, {"worst", worst}} {
		fmt.Fprintf(out, "%-30s", line.name)
		for j, value := range line.values {
			fmt.Fprintf(out, " %*.3f", column(names[j]), value)
		}
		fmt.Fprintln(out)
	}
}

func column(name string) int { return max(6, len(name)) }

// Merge adds columns that another program measured: lines of a trace's name, the size in tenths of a
// percent, the column's name and the hits, with tabs between. It returns the names of the new columns.
func Merge(rows []Row, in io.Reader) (names []string, err error) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		part := strings.Split(lines.Text(), "\t")
		if len(part) != 4 {
			return nil, fmt.Errorf("%q: want trace, size, name and hits with tabs between", lines.Text())
		}
		size, err := strconv.Atoi(part[1])
		if err != nil {
			return nil, fmt.Errorf("%q: the size is no number", lines.Text())
		}
		hits, err := strconv.Atoi(part[3])
		if err != nil {
			return nil, fmt.Errorf("%q: the hits are no number", lines.Text())
		}
		found := false
		for i := range rows {
			if r := &rows[i]; r.Trace == part[0] && r.Size == size {
				r.Hits[part[2]], found = hits, true
			}
		}
		if !found {
			return nil, fmt.Errorf("%q: there is no such trace and size in the table", lines.Text())
		}
		known := false
		for _, name := range names {
			known = known || name == part[2]
		}
		if !known {
			names = append(names, part[2])
		}
	}
	return names, lines.Err()
}
