package script

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"torc/sim"
)

// Limits of a file; more is a mistake, and would only be slow.
const (
	sizeMax   = 16 << 20
	stepsMax  = 100_000
	errorsMax = 10
)

// directive is a line that is not an action.
type directive struct {
	word, usage, doc string
	read             func(f *File, r *reader) error
}

// directives are all of them, in the order in which Format writes them.
var directives = []directive{
	{"scenario", "scenario NAME", "what the file is called; comes first", readName},
	{"doc", "doc TEXT", "what it shows; several lines make one text", prose(func(f *File) *string { return &f.Doc })},
	{"expect", "expect TEXT", "what should come of it, in words", prose(func(f *File) *string { return &f.Expect })},
	{"lesson", "lesson TEXT", "of a planted bug: what it is, and what it teaches", prose(func(f *File) *string { return &f.Lesson })},
	{"mutant", "mutant NAME", "the planted bug that the file exposes", readMutant},
	{"number", "number 2", "its number in the gallery", readCount(func(f *File) *int { return &f.Number })},
	{"seeds", "seeds 5", "within how many seeds the file exposes it", readCount(func(f *File) *int { return &f.Seeds })},
	{"catches", "catches LA", "at least one of these oracles fires", readOracles(func(f *File) *[]sim.Oracle { return &f.Catches })},
	{"silent", "silent DSV", "none of these oracles fires", readOracles(func(f *File) *[]sim.Oracle { return &f.Silent })},
	{"seed", "seed 7", "the seed it was written for", readSeed},
	{"duration", "duration 60s", "how long the torture lasts", func(f *File, r *reader) (err error) { f.Duration, err = readDuration(r); return err }},
	{"swarm", "swarm", "faults are drawn, too", func(f *File, _ *reader) error { f.Swarm = true; return nil }},
	{"quiet", "quiet", "clients draw no operations: there are only those of the file", func(f *File, _ *reader) error { f.Quiet = true; return nil }},
	{"loss", "loss", "more memory is lost than the cluster can bear: shards that lose a majority owe nothing", func(f *File, _ *reader) error { f.Loss = true; return nil }},
	{"base", "base small", "a set of settings by name, under those that set changes", readBase},
	{"set", "set nodes=3 shards=1 ...", "settings; what is not set is drawn from the seed", readSettings},
}

// Parse reads a scenario file; name is how errors call it. It returns all that is wrong, up to ten
// lines of it.
func Parse(name, text string) (*File, error) {
	if len(text) > sizeMax {
		return nil, &Error{name, 1, fmt.Sprintf("the file has %d bytes; at most %d are read", len(text), sizeMax)}
	}
	f := &File{}
	var found []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := f.line(line); err != nil {
			found = append(found, &Error{name, number, err.Error()})
		}
		if len(found) == errorsMax {
			break
		}
	}
	if len(found) == 0 && f.Name == "" {
		found = append(found, &Error{name, 1, "want a line \"scenario NAME\" first"})
	}
	if len(found) > 0 {
		return nil, errors.Join(found...)
	}
	return f, nil
}

// line reads one line.
func (f *File) line(line string) error {
	line = strings.TrimSpace(line)
	first, rest, _ := strings.Cut(line, " ")
	if i := slices.IndexFunc(directives, func(d directive) bool { return d.word == first }); i >= 0 {
		return f.directive(&directives[i], rest)
	}
	words, err := scan(line)
	if err != nil || len(words) == 0 {
		return err
	}
	r := &reader{words: words}
	switch {
	case f.Name == "":
		return fmt.Errorf("want \"scenario NAME\" first, not %q", words[0].text)
	case r.have("at"):
		return f.at(r)
	case r.have("every"):
		return f.every(r)
	}
	var names []string
	for _, d := range directives {
		names = append(names, d.word)
	}
	return fmt.Errorf("a line begins with at, every, %s, or #, not %q", strings.Join(names, ", "), words[0].text)
}

func (f *File) directive(d *directive, rest string) error {
	if f.Name == "" && d.word != "scenario" {
		return fmt.Errorf("want \"scenario NAME\" first, not %q", d.word)
	}
	r := &reader{}
	var err error
	if isProse(d.word) {
		r.words = []word{{text: strings.TrimSpace(rest)}}
	} else if r.words, err = scan(rest); err != nil {
		return err
	}
	if err := d.read(f, r); err != nil {
		return fmt.Errorf("%s: %w; write: %s", d.word, err, d.usage)
	}
	return r.end()
}

func isProse(name string) bool { return name == "doc" || name == "expect" || name == "lesson" }

// at reads "at TIME ACTION".
func (f *File) at(r *reader) error {
	at, err := readDuration(r)
	if err != nil {
		return err
	}
	verb, err := r.take("an action")
	if err != nil {
		return err
	}
	if len(f.Script)+len(f.Calls) >= stepsMax {
		return fmt.Errorf("a file has at most %d actions", stepsMax)
	}
	if client, is := parseClient(verb.text); is && !verb.quoted {
		c := sim.Call{At: at, Client: client}
		if err := readCall(r, &c); err != nil {
			return err
		}
		f.Calls = append(f.Calls, c)
		return nil
	}
	fault, err := readFault(r, verb)
	if err != nil {
		return err
	}
	f.Script = append(f.Script, sim.At(at, fault))
	return nil
}

// every reads "every PERIOD from TIME times N ACTION": the action again and again.
func (f *File) every(r *reader) error {
	period, err := readDuration(r)
	if err != nil {
		return err
	}
	if err := r.must("from"); err != nil {
		return err
	}
	from, err := readDuration(r)
	if err != nil {
		return err
	}
	if err := r.must("times"); err != nil {
		return err
	}
	count, err := r.take("how often")
	if err != nil {
		return err
	}
	times, err := strconv.Atoi(count.text)
	if err != nil || times < 1 || times > 10_000 {
		return fmt.Errorf("times: want a whole number from 1 to 10000, not %q", count.text)
	}
	verb, err := r.take("an action")
	if err != nil {
		return err
	}
	fault, err := readFault(r, verb)
	if err != nil {
		return err
	}
	f.Script = append(f.Script, sim.Every(from, period, times, fault)...)
	return nil
}

func readName(f *File, r *reader) error {
	w, err := r.take("a name")
	switch {
	case err != nil:
		return err
	case f.Name != "":
		return fmt.Errorf("the file is called %q already", f.Name)
	case !isName(w.text):
		return fmt.Errorf("a name has letters, digits, - and _ only, not %q", w.text)
	}
	f.Name = w.text
	return nil
}

// prose gathers lines of text into one.
func prose(at func(*File) *string) func(*File, *reader) error {
	return func(f *File, r *reader) error {
		w, err := r.take("some words")
		if err != nil {
			return err
		}
		if s := at(f); *s == "" {
			*s = w.text
		} else {
			*s += " " + w.text
		}
		return nil
	}
}

func readMutant(f *File, r *reader) error {
	w, err := r.take("the name of a planted bug")
	f.Mutant = w.text
	return err
}

func readCount(at func(*File) *int) func(*File, *reader) error {
	return func(f *File, r *reader) error {
		w, err := r.take("a whole number")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(w.text)
		if err != nil || n < 1 || n > 1_000_000 {
			return fmt.Errorf("want a whole number from 1 on, not %q", w.text)
		}
		*at(f) = n
		return nil
	}
}

func readSeed(f *File, r *reader) error {
	w, err := r.take("a seed")
	if err != nil {
		return err
	}
	if f.Seed, err = strconv.ParseUint(w.text, 10, 64); err != nil {
		return fmt.Errorf("want a whole number, not %q", w.text)
	}
	return nil
}

func readOracles(at func(*File) *[]sim.Oracle) func(*File, *reader) error {
	return func(f *File, r *reader) error {
		w, err := r.take("the oracles' letters")
		if err != nil {
			return err
		}
		for i := range len(w.text) {
			if !sim.Oracle(w.text[i]).Known() {
				return fmt.Errorf("there is no oracle %q; there are %s", w.text[i:i+1], sim.Oracles())
			}
			*at(f) = append(*at(f), sim.Oracle(w.text[i]))
		}
		return nil
	}
}

func readSettings(f *File, r *reader) error {
	for r.left() {
		w, _ := r.take("")
		name, value, is := strings.Cut(w.text, "=")
		if !is {
			return fmt.Errorf("want name=value, not %q", w.text)
		}
		var probe sim.Settings
		if err := probe.Set(name, value); err != nil {
			return err
		}
		f.Settings = append(f.Settings, Pair{name, value})
	}
	return nil
}
