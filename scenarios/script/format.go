package script

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"torc/sim"
)

// lineMax is how long a line of prose or settings gets before the next one begins.
const lineMax = 100

// Format writes a file as Parse reads it: what it is first, then the settings, then the actions in
// the order of their times.
func (f *File) Format() (string, error) {
	w := &writer{}
	w.line("scenario", f.Name)
	w.prose("doc", f.Doc)
	w.prose("expect", f.Expect)
	w.prose("lesson", f.Lesson)
	w.given("mutant", f.Mutant, f.Mutant != "")
	w.given("number", f.Number, f.Number != 0)
	w.given("seeds", f.Seeds, f.Seeds != 0)
	w.given("catches", letters(f.Catches), len(f.Catches) > 0)
	w.given("silent", letters(f.Silent), len(f.Silent) > 0)
	w.given("seed", f.Seed, f.Seed != 0)
	w.given("duration", f.Duration, f.Duration != 0)
	for _, flag := range []struct {
		word string
		on   bool
	}{{"swarm", f.Swarm}, {"quiet", f.Quiet}, {"loss", f.Loss}} {
		if flag.on {
			w.b.WriteString(flag.word + "\n")
		}
	}
	w.given("base", f.Base, f.Base != "")
	w.settings(f.Settings)
	if err := w.actions(f); err != nil {
		return "", fmt.Errorf("writing scenario %s: %w", f.Name, err)
	}
	return w.b.String(), nil
}

type writer struct{ b strings.Builder }

func (w *writer) line(word string, rest any) { fmt.Fprintf(&w.b, "%-9s%v\n", word, rest) }

func (w *writer) given(word string, rest any, is bool) {
	if is {
		w.line(word, rest)
	}
}

// prose breaks a text into lines.
func (w *writer) prose(word, text string) {
	line := ""
	for _, next := range strings.Fields(text) {
		if line != "" && len(line)+len(next) >= lineMax {
			w.line(word, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + next)
	}
	w.given(word, line, line != "")
}

func (w *writer) settings(pairs []Pair) {
	var words []string
	for _, p := range pairs {
		words = append(words, p.Name+"="+p.Value)
	}
	w.prose("set", strings.Join(words, " "))
}

// action is a fault or a call, for sorting.
type action struct {
	at   time.Duration
	text string
}

func (w *writer) actions(f *File) error {
	var list []action
	for i := 0; i < len(f.Script); {
		n, period := repeats(f.Script[i:])
		text, err := writeFault(f.Script[i].Fault)
		if err != nil {
			return err
		}
		at := f.Script[i].At
		if n > 1 {
			list = append(list, action{at, fmt.Sprintf("every %v from %v times %d %s", period, at, n, text)})
		} else {
			list = append(list, action{at, fmt.Sprintf("at %-8v %s", at, text)})
		}
		i += n
	}
	for i := range f.Calls {
		c := &f.Calls[i]
		list = append(list, action{c.At, fmt.Sprintf("at %-8v c%d %s", c.At, c.Client+1, writeCall(c))})
	}
	slices.SortStableFunc(list, func(a, b action) int { return cmp.Compare(a.at, b.at) })
	for _, a := range list {
		w.b.WriteString(a.text + "\n")
	}
	return nil
}

// repeats says how many of the first steps are one fault at a steady period: three at least, or it
// is not worth a word.
func repeats(steps []sim.Step) (n int, period time.Duration) {
	first, err := writeFault(steps[0].Fault)
	if err != nil || len(steps) < 3 {
		return 1, 0
	}
	period = steps[1].At - steps[0].At
	for n = 1; n < len(steps) && steps[n].At-steps[n-1].At == period; n++ {
		if text, _ := writeFault(steps[n].Fault); text != first {
			break
		}
	}
	if n < 3 || period <= 0 {
		return 1, 0
	}
	return n, period
}

func letters(list []sim.Oracle) (text string) {
	for _, o := range list {
		text += o.String()
	}
	return text
}
