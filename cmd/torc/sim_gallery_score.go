package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/term"

	"torc/scenarios"
	"torc/scenarios/sweep"
	"torc/sim"
)

// scoreFlags are those of `torc sim gallery score`.
type scoreFlags struct {
	only    string
	factor  int
	workers int
	json    bool
	first   uint64
}

func (s *scoreFlags) flags(f *flag.FlagSet) {
	f.StringVar(&s.only, "only", "", "score one planted bug, by `name`")
	f.IntVar(&s.factor, "factor", 1, "multiply each bug's budget of seeds by this")
	f.Uint64Var(&s.first, "seed", 1, "the first seed")
	f.IntVar(&s.workers, "workers", runtime.NumCPU(), "processes at a time")
	f.BoolVar(&s.json, "json", false, "print the scores as JSON")
}

// Score is what random search made of one planted bug.
type score struct {
	Number  int     `json:"number"`
	Name    string  `json:"name"`
	Budget  int     `json:"budget"`
	Seeds   int     `json:"seeds_to_first_catch"` // 0: not caught
	Oracles string  `json:"oracles,omitempty"`
	Seconds float64 `json:"seconds"`
}

// galleryScore searches for every planted bug with random seeds, no hint given, and says how many
// of them are caught within their budgets.
func galleryScore(args []string) int {
	flags := newFlags("torc sim gallery score", "")
	var s scoreFlags
	s.flags(flags)
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if refuseArguments(flags) {
		return exitError
	}
	if !needMutants("score") {
		return exitError
	}
	h, err := newHunt(s)
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim gallery score: %v\n", err)
		return exitError
	}
	return h.all()
}

// newHunt readies a search for the planted bugs that the flags name.
func newHunt(s scoreFlags) (*hunt, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	h := &hunt{scoreFlags: s, binary: self, live: term.IsTerminal(int(os.Stderr.Fd())) && !s.json, begun: time.Now()}
	for _, m := range scenarios.Mutants() {
		if s.only == "" && !scenarios.Unfound(m.Name) || s.only == m.Name {
			h.list = append(h.list, m)
		}
	}
	if len(h.list) == 0 {
		return nil, fmt.Errorf("there is no planted bug %q: torc sim gallery lists them", s.only)
	}
	return h, nil
}

// hunt is a search for planted bugs under way.
type hunt struct {
	scoreFlags
	binary string
	live   bool
	begun  time.Time
	list   []scenarios.Mutant
	scores []score
}

func (h *hunt) all() int {
	caught := 0
	for _, m := range h.list {
		sc, err := h.one(m)
		if err != nil {
			return simFailed("gallery score", err)
		}
		if sc.Seeds > 0 {
			caught++
		}
		h.scores = append(h.scores, sc)
		h.tell(&sc)
	}
	h.finish(caught)
	if caught < len(h.list) {
		return int(sim.LostTruth)
	}
	return exitOK
}

// huntJob is the runs that a planted bug is looked for in.
func huntJob(name string) sweep.Job {
	return sweep.Job{Scenario: "swarm", Duration: time.Minute, Mutant: name}
}

// one looks for one planted bug: seeds in order, a few at a time, until the first that catches it.
// Those that are under way then are waited for, so the answer does not depend on how many there are.
func (h *hunt) one(m scenarios.Mutant) (score, error) {
	number, entry, _ := scenarios.Catalogued(m.Name)
	sc := score{Number: number, Name: m.Name, Budget: entry.Budget}
	begun, stop := time.Now(), make(chan struct{})
	search := &sweep.Sweep{Job: huntJob(m.Name), Workers: h.workers, Budget: 5 * time.Minute,
		Start: func() (*sweep.Process, error) { return sweep.Spawn(h.binary) }, Stop: stop}
	budget := entry.Budget * h.factor
	for i := range budget {
		search.Seeds = append(search.Seeds, h.first+uint64(i))
	}
	done := 0
	search.Told = func(a sweep.Answer) error {
		if a.Verdict == sim.Broken {
			return fmt.Errorf("planted bug %s, seed %d: %s", m.Name, a.Seed, a.Error)
		}
		done++
		h.progress(&sc, done, budget)
		if nth := int(a.Seed-h.first) + 1; a.Verdict != sim.Pass && (sc.Seeds == 0 || nth < sc.Seeds) {
			if sc.Seeds == 0 {
				close(stop)
			}
			sc.Seeds, sc.Oracles = nth, a.Fired
		}
		return nil
	}
	err := search.Run()
	sc.Seconds = time.Since(begun).Seconds()
	return sc, err
}

func (h *hunt) progress(sc *score, seeds, budget int) {
	if h.live {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%d of %d bugs, %.0f s; %s: seed %d of %d", len(h.scores), len(h.list), time.Since(h.begun).Seconds(), sc.Name, seeds, budget)
	}
}

func (h *hunt) tell(sc *score) {
	if h.live {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	if h.json {
		return
	}
	p := newPainter(os.Stdout)
	word := p.good(fmt.Sprintf("caught by seed %3d of %3d", sc.Seeds, sc.Budget))
	if sc.Seeds == 0 {
		word = p.bad(fmt.Sprintf("MISSED in %d seeds      ", sc.Budget*h.factor))
	}
	fmt.Printf("%2d  %-29s %s  %-6s %6.1f s\n", sc.Number, sc.Name, word, sc.Oracles, sc.Seconds)
}

func (h *hunt) finish(caught int) {
	took := time.Since(h.begun)
	if h.json {
		out, _ := json.MarshalIndent(map[string]any{"caught": caught, "planted": len(h.list), "seconds": took.Seconds(), "scores": h.scores}, "", "  ")
		fmt.Println(string(out))
		return
	}
	if h.only == "" {
		for _, m := range scenarios.Mutants() {
			if scenarios.Unfound(m.Name) {
				fmt.Printf("%2d  %-29s not looked for: only its own scenario is known to find it (--only %s tries)\n", m.Number, m.Name, m.Name)
			}
		}
	}
	fmt.Printf("mutation score: %d of %d planted bugs caught within their budgets by random search, in %v\n", caught, len(h.list), took.Round(time.Second))
}
