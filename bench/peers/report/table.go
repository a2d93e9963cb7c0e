package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// Table writes docs/benchmarks/table.md.
func (r *Run) Table(w io.Writer) error {
	v := &view{run: r, figures: r.figures()}
	var b strings.Builder
	r.head(&b)
	v.aims(&b)
	r.promises(&b)
	v.throughput(&b)
	v.openLoop(&b)
	v.closedLatency(&b)
	v.processor(&b)
	v.calls(&b)
	r.idle(&b)
	v.faults(&b)
	r.facts(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Run) head(b *strings.Builder) {
	m := r.Machine
	fmt.Fprintf(b, "# Torc beside its peers\n\nMade by `make bench-peers`; do not edit. How to read it: [PERFORMANCE.md](../PERFORMANCE.md).\n\n")
	fmt.Fprintf(b, "%s, commit %s, %s mode, %d rounds in %v.\n", r.Began.UTC().Format("2006-01-02 15:04 UTC"), r.Commit, r.Mode, r.Rounds, r.Took.Round(time.Second))
	fmt.Fprintf(b, "%s, %d cores shared by all servers and the load program, %s, %s, %s.\n", m.CPU, m.Cores, m.Memory, m.System, m.Go)
	if m.Load > float64(m.Cores)/4 {
		fmt.Fprintf(b, "\n**The machine was not quiet: others kept %.1f of its processors busy before it began. These figures say little.**\n", m.Load)
	}
	for _, why := range r.LeftOut {
		fmt.Fprintf(b, "\nLeft out: %s.\n", why)
	}
}

func (v *view) aims(b *strings.Builder) {
	sized := *v
	sized.sized = true
	rows := [][]string{{"aim", "want", "at its defaults", "rounds", "", "sized", "rounds", ""}}
	for _, a := range Aims() {
		rows = append(rows, slices.Concat([]string{a.Text, a.Want}, a.seen(v), a.seen(&sized)))
	}
	section(b, "Aims", "Torc with three nodes: every write on a quorum, every read linearizable. Sized: with as many shards and threads as three nodes "+
		"that share two processors do well with (`torc-sized` below); a dash: not asked of that one.", rows)
}

// seen is an aim as it looks from one of the clusters: the figure, between what it lay in the rounds, and whether it is reached.
func (a Aim) seen(v *view) []string {
	value, least, most, ok := a.measure(v)
	if !ok {
		return []string{"-", "-", "-"}
	}
	out := []string{a.show(value), "-", "✗"}
	if a.reached(value) {
		out[2] = "✓"
	}
	if least < most {
		out[1] = a.show(least) + " to " + a.show(most)
	}
	if math.IsInf(value, 1) {
		out[0] = "falls behind"
	}
	return out
}

func (v *view) throughput(b *strings.Builder) {
	const note = "Requests a second, each client sending again when it is answered; in brackets the figure of Torc at its defaults (column `torc`) over the peer's."
	closed := func(s Shape) bool { return s.Rate == 0 && !isLarge(s) }
	v.perCell(b, "Throughput, one request at a time", note+picture("throughput"), v.run.shapes(func(s Shape) bool { return closed(s) && s.Pipeline == 1 }), v.perSecond)
	v.perCell(b, "Throughput, pipelined", note+picture("pipelined"), v.run.shapes(func(s Shape) bool { return closed(s) && s.Pipeline > 1 }), v.perSecond)
	v.perCell(b, "Large values", "MiB a second."+picture("values"), v.run.shapes(isLarge), v.mebibytes)
}

func picture(name string) string { return fmt.Sprintf("\n\n![%s](%s.svg)", name, name) }

// isLarge: cells that are there for bytes a second.
func isLarge(s Shape) bool { return s.Clients == large("", 0).Clients }

func (v *view) perSecond(s Shape, peer string) string {
	return v.withRatio(s, peer, func(f Figure) string { return thousands(f.PerSecond) })
}

func (v *view) mebibytes(s Shape, peer string) string {
	return v.withRatio(s, peer, func(f Figure) string { return three(f.PerSecond * float64(s.Size) / (1 << 20)) })
}

func (v *view) withRatio(s Shape, peer string, show func(Figure) string) string {
	f := v.figures[at{s, peer}]
	text := show(f) + erred(f)
	if torc := v.figures[at{s, "torc"}]; !ours(peer) && torc.PerSecond > 0 && f.PerSecond > 0 {
		text += fmt.Sprintf(" (%.2f x)", torc.PerSecond/f.PerSecond)
	}
	return text
}

// ours are Torc's columns.
func ours(peer string) bool { return peer == "torc" || strings.HasPrefix(peer, "torc-") }

// erred marks a figure that errors spoil.
func erred(f Figure) string {
	if f.Errors > 0 {
		return " ⚠"
	}
	return ""
}

func (v *view) openLoop(b *strings.Builder) {
	const note = "Latency counted from when a request was due, p50 / p99 / p99.9 in milliseconds, 80% GET, by requests a second. " +
		"\"Falls behind\": more than 1% of the requests were not answered a second after the last one was due."
	v.perCell(b, "Latency at fixed rates", note+picture("latency"), v.run.shapes(func(s Shape) bool { return s.Rate > 0 }), func(s Shape, peer string) string {
		f := v.figures[at{s, peer}]
		if f.behind() {
			return fmt.Sprintf("falls behind: %s/s", thousands(f.PerSecond))
		}
		return fmt.Sprintf("%s / %s / %s", bare(f.P50), bare(f.P99), bare(f.P999)) + erred(f)
	})
}

// behind: the peer does not hold the rate.
func (f Figure) behind() bool { return f.Missed > 0.01 }

func (v *view) closedLatency(b *strings.Builder) {
	const note = "p50 / p99 in milliseconds in the closed loops above; a pipelined request takes as long as its pipeline."
	v.perCell(b, "Latency under full load", note, v.run.shapes(func(s Shape) bool { return s.Rate == 0 }), func(s Shape, peer string) string {
		f := v.figures[at{s, peer}]
		return bare(f.P50) + " / " + bare(f.P99)
	})
}

func (v *view) processor(b *strings.Builder) {
	const note = "Microseconds of processor time that all processes of the peer take for one request (the load program not included)."
	v.perCell(b, "Cost of a request", note, v.run.shapes(func(s Shape) bool { return s.Rate == 0 }), func(s Shape, peer string) string {
		return fmt.Sprintf("%.1f", v.figures[at{s, peer}].ServerCPU)
	})
}

// calls is the physical side of a request: how often its peer goes into the kernel and to sleep for it.
func (v *view) calls(b *strings.Builder) {
	const note = "Reads / writes / sleeps of all processes of the peer for one request: system calls that read (half of those of Go's programs find nothing), system " +
		"calls that write, and how often a thread had nothing to do and was woken again. Linux does not count the other calls that receive and send: memcached answers by one of them."
	counted := v.run.shapes(func(s Shape) bool { return v.counted(s) })
	v.perCell(b, "System calls of a request", note, counted, func(s Shape, peer string) string {
		f := v.figures[at{s, peer}]
		return fmt.Sprintf("%.2f / %.2f / %.2f", f.Reads, f.Writes, f.Sleeps)
	})
}

// counted: somebody's system calls were counted in this cell. They are not in runs of old, nor where there is no /proc.
func (v *view) counted(s Shape) bool {
	for _, p := range v.run.Peers {
		if v.figures[at{s, p.Name}].Reads > 0 {
			return !isLarge(s)
		}
	}
	return false
}

func (r *Run) idle(b *strings.Builder) {
	rows := [][]string{{"server", "processes", "share of one core, each", "grown by connections"}}
	for _, i := range r.Idle {
		row := []string{i.Server, fmt.Sprint(i.Processes), fmt.Sprintf("%.1f%%", i.CPUPercent), "-"}
		if i.Connections > 0 {
			row[3] = fmt.Sprintf("%.1f MiB by %s", float64(i.ConnBytes)/(1<<20), thousands(float64(i.Connections)))
		}
		rows = append(rows, row)
	}
	section(b, "Idle", "All peers run all the time; this is what those take that are not asked.", rows)
}

// faults lists what was answered wrong, or not.
func (v *view) faults(b *strings.Builder) {
	rows := [][]string{{"cell", "peer", "errors", "such as"}}
	for _, s := range v.run.shapes(func(Shape) bool { return true }) {
		for _, p := range v.run.Peers {
			if f := v.figures[at{s, p.Name}]; f.Errors > 0 {
				rows = append(rows, []string{s.String(), p.Name, thousands(float64(f.Errors)), f.Error})
			}
		}
	}
	section(b, "Errors", "Marked ⚠ above; not counted as answered.", rows)
}

// promises tells what each peer does for a write and a read: figures of those that promise less are had for less.
func (r *Run) promises(b *strings.Builder) {
	rows := [][]string{{"peer", "what it is", "a write is acknowledged when it is on", "durable", "consistent"}}
	for _, p := range r.Peers {
		f := p.Facts
		rows = append(rows, []string{"**" + p.Name + "**", f.What, f.Copies, f.Durable, f.Consistent})
	}
	section(b, "Who promises what", "", rows)
}

func (r *Run) facts(b *strings.Builder) {
	rows := [][]string{{"peer", "version", "flags, beside addresses and names", "what a pipeline is"}}
	for _, p := range r.Peers {
		f := p.Facts
		rows = append(rows, []string{"**" + p.Name + "**", f.Version, "`" + f.Flags + "`", f.Pipeline})
	}
	section(b, "Versions and flags", "What is not named is at its default.", rows)
}

// perCell writes a table with a row for each shape and a column for each peer.
func (v *view) perCell(b *strings.Builder, title, note string, shapes []Shape, text func(Shape, string) string) {
	columns := v.run.columns(shapes)
	rows := [][]string{append([]string{""}, columns...)}
	for _, s := range shapes {
		row := []string{s.String()}
		for _, peer := range columns {
			cell := "-"
			if _, measured := v.figures[at{s, peer}]; measured {
				cell = text(s, peer)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	section(b, title, note, rows)
}

// section writes a table under a title, unless it has no rows but the first.
func section(b *strings.Builder, title, note string, rows [][]string) {
	if len(rows) < 2 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	if note != "" {
		fmt.Fprintf(b, "%s\n\n", note)
	}
	rule := slices.Repeat([]string{"---"}, len(rows[0]))
	for _, row := range slices.Insert(rows, 1, rule) {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}

// thousands words a number with three digits that mean something: 52,300.
func thousands(v float64) string {
	if v >= 1000 {
		unit := math.Pow(10, math.Floor(math.Log10(v))-2)
		v = math.Round(v/unit) * unit
	}
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// three words a number with three digits: 1,460 or 0.0123.
func three(v float64) string {
	if v >= 999.5 {
		return thousands(v)
	}
	return fmt.Sprintf("%.3g", v)
}

// bare words a time in milliseconds, without the unit.
func bare(d time.Duration) string { return three(float64(d) / float64(time.Millisecond)) }

func millisText(d time.Duration) string { return bare(d) + " ms" }
