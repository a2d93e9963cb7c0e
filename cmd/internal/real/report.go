package real

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"torc/core/wire"
	"torc/sim"
)

// paint colours a text, on terminals.
type paint bool

func (p paint) as(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// WriteUnreal lists what reality has otherwise.
func WriteUnreal(out io.Writer, title string, list []Unreal) error {
	if len(list) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", title)
	for _, u := range list {
		fmt.Fprintf(&b, "  %s: %s\n", u.What, u.Why)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// Write writes both runs side by side, as a person wants to read them.
func (c *Comparison) Write(out io.Writer, colour bool) error {
	p := paint(colour)
	var b strings.Builder
	r := c.Real
	fmt.Fprintf(&b, "%s\n", p.as("1", fmt.Sprintf("scenario %s, seed %d: %d torcd processes %s, %.1f s; the simulator, %.2f s",
		r.File.Name, r.Seed, r.Settings.Nodes, r.Network, r.Seconds, c.Model.WallSeconds)))
	_ = WriteUnreal(&b, "not done in reality, or not in full", r.LeftOut)
	b.WriteString("timeline of the real run\n")
	for _, m := range r.Timeline {
		fmt.Fprintf(&b, "  %s  %s\n", stamp(m.At), m.Text)
	}
	c.writeOps(&b)
	c.writeCounts(&b)
	c.writeFailovers(&b)
	c.writeVerdict(&b, "model", c.Model.Verdict, c.Model.Violations, p)
	c.writeVerdict(&b, "reality", verdictOf(r.Violations), r.Violations, p)
	if r.faultsLeftOut() {
		b.WriteString("  (faults were left out: what the file wants of its operations was not judged in reality)\n")
	}
	writeList(&b, "where model and reality differ", c.Differences, "they do not")
	writeList(&b, "timing, noted only", c.Notes, "")
	if r.Dir != "" {
		fmt.Fprintf(&b, "kept: %s (the nodes' logs, history.txt)\n", r.Dir)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// stamp is a time of the torture, aligned.
func stamp(at time.Duration) string { return fmt.Sprintf("%9.3fs", at.Seconds()) }

// table writes rows in columns.
func table(b *strings.Builder, rows [][]string) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
	}
	_ = w.Flush()
}

func (c *Comparison) writeOps(b *strings.Builder) {
	if len(c.Ops) == 0 {
		return
	}
	b.WriteString("the file's operations\n")
	rows := [][]string{{"at", "", "wanted", "model", "reality"}}
	for _, p := range c.Ops {
		want := p.Want
		if want == "" {
			want = "anything"
		}
		rows = append(rows, []string{p.At.String(), p.Text, want, p.Model.String(), p.Real.String()})
	}
	table(b, rows)
}

// String is what an operation came to, and how long it took.
func (g Got) String() string {
	if g.Text == "" {
		return "-"
	}
	return fmt.Sprintf("%s (%s)", g.Text, short(g.Took))
}

func short(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func (c *Comparison) writeCounts(b *strings.Builder) {
	b.WriteString("operations\n")
	row := func(name string, o sim.Ops) []string {
		return []string{name, fmt.Sprint(o.OK), fmt.Sprint(o.Refused), fmt.Sprint(o.Unknown), fmt.Sprint(o.Keys)}
	}
	table(b, [][]string{{"", "ok", "refused", "unknown", "keys"}, row("model", c.Model.Ops), row("reality", c.Real.Ops)})
	for _, o := range []struct {
		world string
		why   map[string]int
	}{{"model", modelReasons(c.Model)}, {"reality", c.Real.Reasons}} {
		if len(o.why) > 0 {
			fmt.Fprintf(b, "  not ok in %s because: %s\n", o.world, reasonsText(o.why))
		}
	}
	if bite := c.Real.Bite; bite != (Bite{}) {
		fmt.Fprintf(b, "  the real network dropped %d packets and held %d bytes back\n", bite.Dropped, bite.Delayed)
	}
	fmt.Fprintf(b, "  after heal every shard of the real cluster took a write within %s (%v allowed)\n", short(c.Real.ServedAfter), c.Real.Settings.ServesWithin())
}

func modelReasons(m *sim.Result) map[string]int {
	why := map[string]int{}
	for _, r := range m.Ops.Reasons {
		name := r.Reason.String()
		if r.Reason == wire.ReasonNone {
			name = "no answer"
		}
		why[name] += r.Count
	}
	return why
}

// reasonsText lists reasons, the most frequent first.
func reasonsText(why map[string]int) string {
	names := slices.SortedFunc(maps.Keys(why), func(a, b string) int {
		return cmp.Or(cmp.Compare(why[b], why[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", strings.TrimSpace(name), why[name])
	}
	return strings.Join(names, "; ")
}

func (c *Comparison) writeFailovers(b *strings.Builder) {
	if len(c.Failovers) == 0 {
		return
	}
	b.WriteString("until another leader was elected\n")
	rows := [][]string{{"at", "after", "shard", "model", "reality"}}
	for _, f := range c.Failovers {
		rows = append(rows, []string{f.At.String(), f.Step, fmt.Sprint(f.Shard), short(f.Model), short(f.Real)})
	}
	table(b, rows)
}

// verdictOf is a verdict in the simulator's words.
func verdictOf(violations []sim.Violation) sim.Verdict {
	verdict := sim.Pass
	for _, v := range violations {
		switch {
		case v.Oracle != sim.OracleSanity && v.Oracle != sim.OracleLiveness:
			return sim.LostTruth
		case v.Oracle == sim.OracleSanity:
			verdict = sim.Crashed
		case verdict == sim.Pass:
			verdict = sim.NoProgress
		}
	}
	return verdict
}

func (c *Comparison) writeVerdict(b *strings.Builder, world string, verdict sim.Verdict, violations []sim.Violation, p paint) {
	code := "31;1"
	if verdict == sim.Pass {
		code = "32;1"
	}
	fmt.Fprintf(b, "%-8s %s\n", world+":", p.as(code, verdict.Sentence()))
	for _, v := range violations {
		fmt.Fprintf(b, "  %s %s  %s\n", p.as("31", v.Oracle.String()), stamp(v.At), v.Text)
		for line := range strings.Lines(strings.TrimSpace(v.Stack)) {
			fmt.Fprintf(b, "      %s\n", strings.TrimRight(line, "\n"))
		}
	}
}

func writeList(b *strings.Builder, title string, list []string, none string) {
	if len(list) == 0 && none == "" {
		return
	}
	fmt.Fprintf(b, "%s\n", title)
	if len(list) == 0 {
		fmt.Fprintf(b, "  %s\n", none)
	}
	for _, text := range list {
		fmt.Fprintf(b, "  - %s\n", text)
	}
}
