package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"torc/scenarios"
	"torc/scenarios/script"
	"torc/sim"
)

// galleryRun teaches one planted bug: what is about to happen, what does happen, why, and the same
// schedule on the right code.
func galleryRun(args []string) int {
	flags := newFlags("torc sim gallery run", "NAME, the lesson of a planted bug: predict, run, explain, fix.\n`torc sim gallery` lists the names.")
	rest, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	if len(rest) != 1 {
		fmt.Fprintln(os.Stderr, "torc sim gallery run: wants one NAME; `torc sim gallery` lists them")
		return exitError
	}
	m, planted := scenarios.FindMutant(rest[0])
	if !planted {
		var names []string
		for _, m := range scenarios.Mutants() {
			names = append(names, m.Name)
		}
		fmt.Fprintf(os.Stderr, "torc sim gallery run: there is no planted bug %q%s (torc sim gallery lists them)\n", rest[0], didYouMean(rest[0], "", names))
		return exitError
	}
	if !needMutants("run") {
		return exitError
	}
	l := &lesson{Mutant: m, paint: newPainter(os.Stdout), asks: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))}
	return l.teach()
}

// lesson is one walk through a planted bug.
type lesson struct {
	scenarios.Mutant
	paint painter
	asks  bool // somebody sits at a terminal and may think first
}

func (l *lesson) head(text string) { fmt.Printf("\n%s\n", l.paint.paint("1", text)) }

func (l *lesson) teach() int {
	number, entry, _ := scenarios.Catalogued(l.Name)
	fmt.Printf("%s\n", l.paint.paint("1", fmt.Sprintf("%02d %s %s", number, l.Name, stars(entry.Difficulty))))
	l.predict()
	caught := l.run()
	if caught == nil {
		fmt.Printf("%s: not caught within %d seeds\n", l.paint.bad("a hole in the simulator"), l.Seeds)
		return exitError
	}
	l.explain(caught)
	return l.fix(caught)
}

func (l *lesson) predict() {
	l.head("1. Predict")
	fmt.Printf("%s\n\n", wrap(l.Scenario.Doc))
	f := script.Of(l.Scenario, sim.Settings{})
	f.Settings, f.Doc, f.Expect = nil, "", ""
	if text, err := f.Format(); err == nil {
		for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
			if i > 0 {
				fmt.Printf("    %s\n", line)
			}
		}
	}
	fmt.Print("\nWhat will a client see that it must not see? Who could tell it?\n")
	l.wait("Press Enter to run it.")
}

// wait lets a person think; nobody else is kept waiting.
func (l *lesson) wait(text string) {
	if l.asks {
		fmt.Print(l.paint.odd(text))
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	}
}

// run makes runs until one is caught.
func (l *lesson) run() *sim.Result {
	l.head("2. Run, with the bug")
	for seed := uint64(1); seed <= uint64(l.Seeds); seed++ {
		r := sim.Run(sim.Options{Seed: seed, Scenario: l.Scenario, Mutant: l.Name})
		if r.Verdict == sim.Pass {
			fmt.Printf("seed %d: passed; a bug is not there every time\n", seed)
			continue
		}
		fmt.Printf("seed %d: %s\n", seed, l.paint.bad(r.Verdict.Sentence()))
		for i, v := range r.Violations {
			if i == 3 {
				fmt.Printf("  ... and %d more\n", len(r.Violations)-i)
				break
			}
			fmt.Printf("  %s %.3f s  %s\n", l.paint.bad(v.Oracle.String()), v.At.Seconds(), v.Text)
		}
		return &r
	}
	return nil
}

func (l *lesson) explain(caught *sim.Result) {
	l.wait("Can you say why? Press Enter for the explanation.")
	l.head("3. Explain")
	fmt.Printf("%s\n", wrap(l.Lesson))
	fmt.Printf("\nThe line: grep -rn 'mutant.On' core cluster sim | grep -i %s\n", strings.ReplaceAll(l.Name, "-", ""))
	begun := time.Now()
	small, ok := sim.Shrink{Case: sim.CaseOf(caught), Mutant: l.Name, More: func() bool { return time.Since(begun) < 5*time.Second }}.Run()
	if !ok {
		return
	}
	f := smallFile(caught, &small, l.Name)
	f.Doc, f.Expect = "", ""
	if text, err := f.Format(); err == nil && len(f.Calls)+len(f.Script) <= 20 {
		fmt.Printf("\nThe smallest run that shows it (%d faults, %d operations):\n", len(f.Script), countOps(f.Calls))
		for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
			fmt.Printf("    %s\n", line)
		}
	}
}

// fix makes the same run on the right code.
func (l *lesson) fix(caught *sim.Result) int {
	l.head("4. Fix: the same schedule without the bug")
	r := sim.Run(sim.Options{Seed: caught.Seed, Scenario: l.Scenario})
	verdict := l.paint.good(r.Verdict.Sentence())
	if r.Verdict != sim.Pass {
		verdict = l.paint.bad(r.Verdict.Sentence())
	}
	fmt.Printf("seed %d: %s\n\nSee it: make sim SEED=%d SCENARIO=%s MUTANT=%s REPORT=lesson.html\n", r.Seed, verdict, r.Seed, l.Scenario.Name, l.Name)
	return int(r.Verdict)
}

// wrap breaks a text into lines for a terminal.
func wrap(text string) string {
	var b strings.Builder
	width := 0
	for _, word := range strings.Fields(text) {
		if width > 0 && width+len(word) > 96 {
			b.WriteByte('\n')
			width = 0
		} else if width > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
		width += len(word) + 1
	}
	return b.String()
}
