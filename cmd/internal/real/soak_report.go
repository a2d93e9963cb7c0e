package real

import (
	"fmt"
	"io"
	"strings"
	"time"

	"torc/sim"
)

// SoakResult is what a soak counts besides what every run does.
type SoakResult struct {
	Faults     []FaultCount
	Longest    Silence // the longest time in which any shard took no write
	Silences   []int   // how many were longer than 1, 2, 5 and 10 s
	Suspicions []Suspicion
	Increments [2]int64 // done, and of unknown outcome, in sessions
	Bound      time.Duration
}

// FaultCount is how often a kind of fault struck, and how often the cluster was whole again after it.
type FaultCount struct {
	Kind             string
	Struck, Survived int
}

// False counts the suspicions that nothing explains.
func (s *SoakResult) False() (n int) {
	for _, x := range s.Suspicions {
		if !x.Hearsay {
			n++
		}
	}
	return n
}

func (r *run) counted(kind string, change func(*FaultCount)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := &r.result.Soak.Faults
	for i := range *list {
		if (*list)[i].Kind == kind {
			change(&(*list)[i])
			return
		}
	}
	*list = append(*list, FaultCount{Kind: kind})
	change(&(*list)[len(*list)-1])
}

func (r *run) struck(kind string)   { r.counted(kind, func(c *FaultCount) { c.Struck++ }) }
func (r *run) survived(kind string) { r.counted(kind, func(c *FaultCount) { c.Survived++ }) }

// WriteSoak writes a soak's report.
func (r *Result) WriteSoak(out io.Writer, colour bool) error {
	p, s := paint(colour), r.Soak
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.as("1", fmt.Sprintf("soak, seed %d: %d torcd processes, %d shards, %s, %.0f s", r.Seed, r.Settings.Nodes, r.Settings.Shards, r.Network, r.Seconds)))
	b.WriteString("what happened\n")
	for _, m := range r.Timeline {
		fmt.Fprintf(&b, "  %s  %s\n", stamp(m.At), m.Text)
	}
	_ = WriteUnreal(&b, "not done, or not in full", r.LeftOut)
	b.WriteString("faults, and how often every shard had all its voters again afterwards\n")
	rows, all := [][]string{{"", "struck", "survived"}}, FaultCount{}
	for _, f := range s.Faults {
		rows = append(rows, []string{f.Kind, fmt.Sprint(f.Struck), fmt.Sprint(f.Survived)})
		all.Struck, all.Survived = all.Struck+f.Struck, all.Survived+f.Survived
	}
	table(&b, append(rows, []string{"together", fmt.Sprint(all.Struck), fmt.Sprint(all.Survived)}))
	fmt.Fprintf(&b, "the network dropped %d packets and held %d bytes back\n", r.Bite.Dropped, r.Bite.Delayed)
	fmt.Fprintf(&b, "operations: %d ok, %d refused, %d of unknown outcome, on %d keys; besides %d increments in sessions done, %d unknown\n",
		r.Ops.OK, r.Ops.Refused, r.Ops.Unknown, r.Ops.Keys, s.Increments[0], s.Increments[1])
	if len(r.Reasons) > 0 {
		fmt.Fprintf(&b, "  not ok because: %s\n", reasonsText(r.Reasons))
	}
	fmt.Fprintf(&b, "elections: %d\n", len(r.Elections))
	fmt.Fprintf(&b, "the longest time in which a shard took no write: %s (shard %d, until %s; %v allowed)", short(s.Longest.Took), s.Longest.Shard,
		strings.TrimSpace(stamp(s.Longest.At)), s.Bound)
	for i, n := range s.Silences {
		fmt.Fprintf(&b, "; longer than %v: %d", silenceSteps[i], n)
	}
	b.WriteString("\n" + r.leadersIn(s.Longest))
	fmt.Fprintf(&b, "false suspicions: %d\n", s.False())
	for _, x := range s.Suspicions {
		fmt.Fprintf(&b, "  %s  %v\n", stamp(x.At), x)
	}
	b.WriteString(r.verdictText(p))
	_, err := io.WriteString(out, b.String())
	return err
}

// leadersIn lists who was elected around a silence: none means that the wait was for something else.
func (r *Result) leadersIn(s Silence) string {
	var b strings.Builder
	for _, e := range r.Elections {
		if e.Shard == s.Shard && e.At > s.At-s.Took-time.Second && e.At <= s.At {
			fmt.Fprintf(&b, "  %s  n%d was elected, in term %d\n", stamp(e.At), e.Node, e.Term)
		}
	}
	return b.String()
}

func (r *Result) verdictText(p paint) string {
	var b strings.Builder
	verdict, code := verdictOf(r.Violations), "31;1"
	if verdict == sim.Pass {
		code = "32;1"
	}
	fmt.Fprintf(&b, "violations: %d\n%s\n", len(r.Violations), p.as(code, verdict.Sentence()))
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "  %s %s  %s\n", p.as("31", v.Oracle.String()), stamp(v.At), v.Text)
		for line := range strings.Lines(strings.TrimSpace(v.Stack)) {
			fmt.Fprintf(&b, "      %s\n", strings.TrimRight(line, "\n"))
		}
	}
	if r.Dir != "" {
		fmt.Fprintf(&b, "kept: %s (the nodes' logs, history.txt)\n", r.Dir)
	}
	return b.String()
}
