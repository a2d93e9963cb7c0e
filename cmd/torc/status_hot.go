package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	torcv1 "torc/api/v1"
)

// hotReport is how a node stands with copies of keys that other nodes lead; all but Held since its start.
type hotReport struct {
	Held    uint64 `json:"held"`    // now
	Reads   uint64 `json:"reads"`   // answered from copies
	Copies  uint64 `json:"copies"`  // taken, renewed ones too
	Recalls uint64 `json:"recalls"` // dropped because somebody was about to write the key
}

// hotOf is what a node says of that; nil: it is of a version that says nothing.
func hotOf(s *torcv1.StatusResponse) *hotReport {
	h := s.GetHotKeys()
	if h == nil {
		return nil
	}
	return &hotReport{Held: h.Held, Reads: h.Reads, Copies: h.Copies, Recalls: h.Recalls}
}

// printHot tells of the nodes that have held copies.
func (r *report) printHot(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := false
	for _, n := range r.Nodes {
		if n.Hot == nil || n.Hot.Copies == 0 {
			continue
		}
		if !head {
			_, _ = fmt.Fprintln(t, "\nHOT KEYS\tHELD\tREADS\tCOPIES\tRECALLED")
			head = true
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", n.Name, n.Hot.Held, n.Hot.Reads, n.Hot.Copies, n.Hot.Recalls)
	}
	_ = t.Flush()
}
