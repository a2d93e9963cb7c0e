package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// troublesShown is how many shards in trouble are listed without --shards: when a node is lost, every
// shard may be.
const troublesShown = 10

func (r *report) print(w io.Writer, p painter, all bool) {
	_, _ = fmt.Fprintf(w, "cluster %s, epoch %d, %d nodes, %d shards of %d replicas: ", r.Cluster, r.Epoch, len(r.Nodes), len(r.Shards)-1, r.Replication)
	if len(r.Trouble) == 0 {
		_, _ = fmt.Fprintln(w, p.good("healthy"))
	} else {
		_, _ = fmt.Fprintln(w, p.bad("degraded"))
	}
	var counts []string
	for _, c := range []struct {
		n    int
		what string
	}{{r.Leaderless, "without leader"}, {r.Short, "short of replicas"}, {r.Moving, "moving"}} {
		if c.n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if len(counts) > 0 {
		_, _ = fmt.Fprintf(w, "of %d groups (the shards and the meta group): %s\n", len(r.Shards), strings.Join(counts, ", "))
	}
	if r.Progress != "" {
		_, _ = fmt.Fprintln(w, "moves: "+r.Progress)
	}
	if r.Progress == noMoves && r.Short > 0 {
		_, _ = fmt.Fprintln(w, "(what is missing is made anew when its node has been silent for --grace and another one can hold it; otherwise it waits for its node)")
	}
	if r.Advice != "" {
		_, _ = fmt.Fprintln(w, p.odd(r.Advice))
	}
	r.printLosses(w, p)
	r.printNodes(w, p)
	r.printEviction(w)
	r.printHot(w)
	r.printShards(w, p, all)
}

// printEviction tells of nodes that give up keys: how many, and what more memory would be worth.
func (r *report) printEviction(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := false
	for _, n := range r.Nodes {
		if n.Evicted == 0 && len(n.Curve) != 4 {
			continue
		}
		if !head {
			_, _ = fmt.Fprintln(t, "\nEVICTION\tPOLICY\tEVICTED\tHITS WITH 0.5x MEMORY\t1x\t2x\t4x")
			head = true
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d", n.Name, n.Policy, n.Evicted)
		for i := range 4 {
			if len(n.Curve) == 4 {
				_, _ = fmt.Fprintf(t, "\t%.1f%%", float64(n.Curve[i])/10)
			} else {
				_, _ = fmt.Fprint(t, "\t-")
			}
		}
		_, _ = fmt.Fprintln(t)
	}
	_ = t.Flush()
}

// Colours are put on the lines' ends only: a tabwriter counts their bytes.
func (r *report) printNodes(w io.Writer, p painter) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nNODE\tRESP\tUP\tWEIGHT\tLANES\tLEADS\tREPLICAS\tKEYS\tMEMORY\tLOG\tREQUESTS\tREFUSED\tWAITING\tRATE\tHITS\tGOSSIP\tSTATE")
	for _, n := range r.Nodes {
		if n.Error != "" || !n.asked {
			_, _ = fmt.Fprintf(t, "%s\t%s%s\t%s%s\t%s\t%s\n", n.Name, n.RESP, strings.Repeat("\t-", 6), n.Gossip.memoryText(), strings.Repeat("\t-", 4),
				n.Gossip.text(), n.stateText(p))
			continue
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%v\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", n.Name, n.RESP, n.Uptime.Round(time.Second), n.Weight, n.Lanes,
			n.Leads, n.Replicas, n.Keys, bytesText(n.Bytes)+n.Gossip.pressureText(), bytesText(n.LogBytes), n.Answered, n.Refused, n.Waiting, n.Gossip.text(), n.stateText(p))
	}
	_ = t.Flush()
}

func (n *nodeReport) stateText(p painter) string {
	switch {
	case n.Error != "":
		return p.bad(fmt.Sprintf("%s, does not answer: %s", n.State, n.Error))
	case n.State == "active":
		return p.good(n.State)
	}
	return p.odd(n.State)
}

// printShards prints every shard, or the first of those in trouble.
func (r *report) printShards(w io.Writer, p painter, all bool) {
	var show []*shardReport
	more := 0
	for i := range r.Shards {
		switch s := &r.Shards[i]; {
		case !all && s.trouble == "":
		case !all && len(show) == troublesShown:
			more++
		default:
			show = append(show, s)
		}
	}
	if len(show) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nSHARD\tLEADER\tTERM\tAPPLIED\tLAG\tKEYS\tMEMORY\tVOTERS\tLEARNERS\tLEAVING\tSTATE")
	for _, s := range show {
		_, _ = fmt.Fprintln(t, s.row(p))
	}
	_ = t.Flush()
	if more > 0 {
		_, _ = fmt.Fprintf(w, "and %d more in trouble: --shards lists every shard\n", more)
	}
}

func (s *shardReport) row(p painter) string {
	name, leader, state := fmt.Sprint(s.Shard), s.Leader, p.good("ok")
	if s.Shard == 0 {
		name = "meta"
	}
	if leader == "" {
		leader = "none"
	}
	if s.trouble != "" {
		state = p.bad(s.trouble)
	}
	return fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s", name, leader, s.Term, s.Applied, s.Lag, s.Keys, bytesText(s.Bytes),
		list(s.Voters), list(s.Learners), list(s.Leaving), state)
}

func list(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ", ")
}

func bytesText(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1fGiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1fMiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1fKiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%dB", n)
}
