package real

import (
	"fmt"
	"strings"
	"time"

	"torc/core/trace"
	"torc/core/wire"
	"torc/scenarios/script"
	"torc/sim"
)

// Comparison is a file's run in both worlds.
type Comparison struct {
	Real  *Result
	Model *sim.Result

	ModelElections []Election
	Ops            []OpPair
	Failovers      []Failover
	Differences    []string // what came out otherwise
	Notes          []string // what took otherwise long
}

// OpPair is a scripted operation in both worlds.
type OpPair struct {
	At          time.Duration
	Text        string
	Want        string
	Model, Real Got
}

// Got is what an operation came to in one world: Text is "" when it was not done there.
type Got struct {
	Text string
	Took time.Duration
	Why  string
}

// Failover is how long a shard was without a new leader after a step of the script, in both worlds;
// nought means that none was elected.
type Failover struct {
	At          time.Duration
	Step        string
	Shard       wire.ShardID
	Model, Real time.Duration
}

// Compare runs the file of a real run in the simulator, with the same seed, and sets the two side by
// side.
func Compare(r *Result, o Options) *Comparison {
	c := &Comparison{Real: r}
	leaders := make([]Election, r.Settings.Shards+1)
	began := time.Duration(0)
	model := sim.Run(sim.Options{Seed: o.Seed, Scenario: o.File.Scenario(), Duration: o.Duration, Observe: func(e *trace.Event, _ *wire.Frame) bool {
		if e.Kind == trace.Role && e.A == 2 && int(e.Shard) < len(leaders) && e.Term > leaders[e.Shard].Term {
			leaders[e.Shard] = Election{At: time.Duration(e.At), Shard: e.Shard, Node: int(e.Node), Term: e.Term}
			c.ModelElections = append(c.ModelElections, leaders[e.Shard])
		}
		return false
	}})
	c.Model, began = &model, model.Began
	for i := range c.ModelElections {
		c.ModelElections[i].At -= began
	}
	c.pairOps()
	c.pairFailovers()
	c.verdicts()
	c.steps()
	c.times()
	return c
}

// pairOps sets the scripted operations side by side.
func (c *Comparison) pairOps() {
	type place struct{ call, op int }
	model := map[place]sim.Answer{}
	for _, a := range c.Model.Answers {
		model[place{a.Call, a.Op}] = a
	}
	done := map[place]int{}
	for i, a := range c.Real.Answers {
		done[place{a.Call, a.Op}] = i + 1
	}
	for call := range c.Real.File.Calls {
		for op := range c.Real.File.Calls[call].Ops {
			a := sim.Answer{Call: call, Op: op}
			p := OpPair{At: c.Real.File.Calls[call].At, Text: c.Real.spell(a), Want: c.Real.File.Calls[call].Ops[op].Want}
			if m, known := model[place{call, op}]; known {
				p.Model = Got{Text: m.Got, Took: m.Took}
			}
			if i := done[place{call, op}]; i > 0 {
				p.Real = Got{c.Real.Answers[i-1].Got, c.Real.Answers[i-1].Took, c.Real.Whys[i-1]}
			}
			c.Ops = append(c.Ops, p)
			if p.Model.Text != p.Real.Text {
				c.Differences = append(c.Differences, p.difference())
			}
		}
	}
}

func (p *OpPair) difference() string {
	word := func(g Got) string {
		if g.Text == "" {
			return "was not done"
		}
		return "came to " + g.Text + because(g.Why)
	}
	text := fmt.Sprintf("%s at %v: in the model it %s, in reality it %s", p.Text, p.At, word(p.Model), word(p.Real))
	if p.Want != "" {
		text += "; the file wants " + p.Want
	}
	return text
}

// pairFailovers finds, for each step and shard, the first new leader until the next step.
func (c *Comparison) pairFailovers() {
	steps := c.Real.File.Script
	for i, step := range steps {
		if !c.Real.Struck[i] || !harms(step.Fault) {
			continue
		}
		until := time.Duration(1<<63 - 1)
		realUntil := until
		for j, later := range steps {
			if later.At > step.At && harms(later.Fault) {
				until = min(until, later.At)
				if c.Real.Struck[j] {
					realUntil = min(realUntil, c.Real.StruckAt[j]) // its time may have stood
				}
			}
		}
		for shard := 1; shard <= c.Real.Settings.Shards; shard++ {
			f := Failover{At: step.At, Step: script.SpellFault(step.Fault), Shard: wire.ShardID(shard)}
			f.Model = firstElection(c.ModelElections, f.Shard, step.At, until)
			f.Real = firstElection(c.Real.Elections, f.Shard, c.Real.StruckAt[i], realUntil)
			if f.Model > 0 || f.Real > 0 {
				c.Failovers = append(c.Failovers, f)
			}
		}
	}
}

// harms says that a fault may cost a shard its leader.
func harms(f sim.Fault) bool {
	switch f.(type) {
	case sim.Cast, sim.Demand, sim.Heal:
		return false
	}
	return true
}

// firstElection is how long after a time a shard had a new leader, if it had one until another time.
func firstElection(all []Election, shard wire.ShardID, from, until time.Duration) time.Duration {
	for _, e := range all {
		if e.Shard == shard && e.At > from && e.At <= until {
			return e.At - from
		}
	}
	return 0
}

// verdicts compares what the two worlds' oracles said.
func (c *Comparison) verdicts() {
	letters := func(violations []sim.Violation) (text string) {
		for _, v := range violations {
			if !strings.Contains(text, v.Oracle.String()) {
				text += v.Oracle.String()
			}
		}
		if text == "" {
			return "nothing"
		}
		return text
	}
	if m, r := letters(c.Model.Violations), letters(c.Real.Violations); m != r {
		c.Differences = append(c.Differences, fmt.Sprintf("oracles: in the model %s spoke, in reality %s", m, r))
	}
}

// steps compares which faults were done.
func (c *Comparison) steps() {
	for i, step := range c.Real.File.Script {
		model := false
		for _, made := range c.Model.Plan.Script {
			model = model || made.At == step.At
		}
		if real := c.Real.Struck[i]; model != real {
			where := "in the model only"
			if real {
				where = "in reality only"
			}
			c.Differences = append(c.Differences, fmt.Sprintf("%s at %v struck %s", script.SpellFault(step.Fault), step.At, where))
		}
	}
}

// lateMost is how late a step may strike without a note.
const lateMost = 100 * time.Millisecond

// times notes failovers that took otherwise long than a model with other links and another machine
// explains: more than twice as long, and by more than half an election timeout.
func (c *Comparison) times() {
	for i, step := range c.Real.File.Script {
		if late := c.Real.StruckAt[i] - step.At; c.Real.Struck[i] && late > lateMost {
			c.Notes = append(c.Notes, fmt.Sprintf("%s at %v struck %v late in reality: this machine was busy", script.SpellFault(step.Fault), step.At, late.Round(time.Millisecond)))
		}
	}
	for _, f := range c.Failovers {
		long, short := max(f.Model, f.Real), min(f.Model, f.Real)
		if short > 0 && long > 2*short && long-short > longestElection(&c.Real.Settings)/2 {
			c.Notes = append(c.Notes, fmt.Sprintf("after %s at %v shard %d had a new leader after %v in the model, after %v in reality",
				f.Step, f.At, f.Shard, f.Model.Round(time.Millisecond), f.Real.Round(time.Millisecond)))
		}
	}
	c.lonely()
}

// lonely notes how often a kind of step cost a shard its leader in one world only.
func (c *Comparison) lonely() {
	var steps []string
	counts := map[string][2]int{}
	for _, f := range c.Failovers {
		n, known := counts[f.Step]
		if !known {
			steps = append(steps, f.Step)
		}
		switch {
		case f.Model == 0:
			n[1]++
		case f.Real == 0:
			n[0]++
		}
		counts[f.Step] = n
	}
	for _, step := range steps {
		if n := counts[step]; n[0]+n[1] > 0 {
			c.Notes = append(c.Notes, fmt.Sprintf("after %s a shard elected another leader in the model only: %d times, in reality only: %d times", step, n[0], n[1]))
		}
	}
}

// ExitCode is 2 when something was wrong in reality, else the model's.
func (c *Comparison) ExitCode() int {
	if !c.Real.Pass() {
		return int(sim.LostTruth)
	}
	return int(c.Model.Verdict)
}
