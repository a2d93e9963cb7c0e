package page

import (
	"regexp"
	"slices"
	"strings"

	"torc/sim"
	"torc/ui"
)

// passing begin the sentences of moments that are no faults; atOnce those of faults that are done in
// an instant.
var (
	passing = []string{"formed", "settled", "cast", "demand", "restart", "heal"}
	atOnce  = []string{"wall clock", "clock of"}
)

// longDuration is a time with more digits than anybody reads.
var longDuration = regexp.MustCompile(`(\d+\.\d\d)\d+(m?s|µs)`)

func rounded(text string) string { return longDuration.ReplaceAllString(text, "$1$2") }

// spansOf puts the beginnings and ends of faults together. The timeline tells them in words: "isolate
// n2 for 2s" ends with "over: isolate n2", a crash with the restart, everything with "heal".
func spansOf(timeline []sim.Moment, end int64) (spans []ui.Span) {
	var open []int
	closeIf := func(at int64, over func(text string) bool) {
		open = slices.DeleteFunc(open, func(i int) bool {
			if !over(spans[i].Text) {
				return false
			}
			spans[i].To = at
			return true
		})
	}
	for _, m := range timeline {
		at := int64(m.At)
		what, over := strings.CutPrefix(m.Text, "over: ")
		switch {
		case over:
			done := false // one beginning for one end
			closeIf(at, func(text string) bool {
				first := !done && strings.HasPrefix(text, what)
				done = done || first
				return first
			})
			continue
		case strings.HasPrefix(m.Text, "heal"):
			closeIf(at, func(text string) bool { return !strings.Contains(text, "down for") })
		case strings.HasPrefix(m.Text, "restart "):
			name, _, _ := strings.Cut(strings.TrimPrefix(m.Text, "restart "), " ")
			closeIf(at, func(text string) bool {
				return strings.Contains(text, "down for") && slices.Contains(strings.Fields(strings.ReplaceAll(text, ",", " ")), name)
			})
			continue
		}
		if slices.ContainsFunc(passing, func(p string) bool { return strings.HasPrefix(m.Text, p) }) {
			continue
		}
		if slices.ContainsFunc(atOnce, func(p string) bool { return strings.HasPrefix(m.Text, p) }) {
			spans = append(spans, ui.Span{From: at, To: at, Text: m.Text})
			continue
		}
		open = append(open, len(spans))
		spans = append(spans, ui.Span{From: at, To: end, Text: m.Text})
	}
	for i := range spans {
		spans[i].Text = rounded(spans[i].Text)
	}
	return spans
}
