package replay

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"torc/sim"
)

// widthMin is the narrowest output on which two columns can be read.
const widthMin = 60

// Print lays both runs side by side, in columns that fit into a width.
func (d *Difference) Print(out io.Writer, width int, paint func(code, text string) string) error {
	var b strings.Builder
	if paint == nil {
		paint = func(_, text string) string { return text }
	}
	p := columns{b: &b, width: (max(width, widthMin) - 3) / 2, paint: paint}
	if !d.Same {
		p.row("A: "+d.A.Name, "B: "+d.B.Name, "1")
		p.events(d)
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%s\n\n", paint("1", d.Sentence()))
	for _, side := range []struct {
		letter string
		*Side
	}{{"A", d.A}, {"B", d.B}} {
		r := &side.Result
		fmt.Fprintf(&b, "%s (%s), %d events: %s\n", side.letter, side.Name, side.Events, paint(pick(r.Verdict == sim.Pass, "32", "31"), r.Verdict.Sentence()))
		for _, v := range r.Violations {
			fmt.Fprintf(&b, "    %v\n", v)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// columns writes lines of two columns.
type columns struct {
	b     *strings.Builder
	width int // of one
	paint func(code, text string) string
}

// events writes what both runs told, event by event; those from the difference on are marked.
func (p *columns) events(d *Difference) {
	of := func(s *Side, number int) string {
		for _, t := range s.Around {
			if t.Number == number {
				return fmt.Sprintf("%11s  %s", seconds(t.At), t.Words)
			}
		}
		return pick(number == s.Events, "  the run has ended", "")
	}
	from, to := d.First, d.First
	for _, s := range []*Side{d.A, d.B} {
		if n := len(s.Around); n > 0 {
			from, to = min(from, s.Around[0].Number), max(to, s.Around[n-1].Number)
		}
	}
	for i := from; i <= to; i++ {
		code := ""
		if i == d.First {
			p.b.WriteString(p.paint("33", strings.Repeat("-", p.width)+"-+-"+strings.Repeat("-", p.width)) + "\n")
			code = "33;1"
		}
		p.row(of(d.A, i), of(d.B, i), code)
	}
}

// row writes a line of two columns, as many rows of them as the longer text needs.
func (p *columns) row(left, right, code string) {
	a, b := fold(left, p.width), fold(right, p.width)
	for i := range max(len(a), len(b)) {
		var l, r string
		if i < len(a) {
			l = a[i]
		}
		if i < len(b) {
			r = b[i]
		}
		pad := strings.Repeat(" ", p.width-utf8.RuneCountInString(l))
		if code != "" {
			l, r = p.paint(code, l), p.paint(code, r)
		}
		p.b.WriteString(strings.TrimRight(l+pad+" | "+r, " ") + "\n")
	}
}

// foldIndent stands before what does not fit on a row's first line.
const foldIndent = "             "

// fold breaks a text into lines, at spaces where it has any.
func fold(text string, width int) (lines []string) {
	for utf8.RuneCountInString(text) > width {
		runes := []rune(text)
		cut := width
		for i := width; i > len(foldIndent)+1; i-- {
			if runes[i] == ' ' {
				cut = i
				break
			}
		}
		lines = append(lines, string(runes[:cut]))
		text = foldIndent + strings.TrimLeft(string(runes[cut:]), " ")
	}
	return append(lines, text)
}

// Sentence says where the runs part, and how.
func (d *Difference) Sentence() string {
	if d.Same {
		return fmt.Sprintf("Both runs are one: %d events, trace hash %s.", d.A.Events, d.A.Result.Hash)
	}
	text := "The runs differ from their first event on"
	if d.First > 0 {
		text = fmt.Sprintf("Until %s s both runs are one (%d events)", seconds(d.At), d.First)
	}
	text += fmt.Sprintf(". Then, in A: %s; in B: %s.", d.A.then(d.First), d.B.then(d.First))
	if d.Frame {
		text += " It is the same event, but the frame says something else."
	}
	return text + d.shows()
}

// shows is where the difference is first to be read, when words do not tell it: an event holds only
// a print of what a client writes, for one.
func (d *Difference) shows() string {
	for _, a := range d.A.Around {
		for _, b := range d.B.Around {
			if a.Number != b.Number || a.Number < d.First || a.Words == b.Words {
				continue
			}
			if a.Number == d.First {
				return ""
			}
			return fmt.Sprintf(" It shows in what follows, in A: %s; in B: %s.", d.A.then(a.Number), d.B.then(b.Number))
		}
	}
	return ""
}

// then is what happens at the difference.
func (s *Side) then(number int) string {
	for _, t := range s.Around {
		if t.Number == number {
			return fmt.Sprintf("%s (at %s s)", strings.Join(strings.Fields(t.Words), " "), seconds(time.Duration(t.At)))
		}
	}
	return "the run ends"
}
