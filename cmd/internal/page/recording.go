package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"torc/linearizability"
	"torc/sim"
	"torc/ui"
)

// Recording says the run that was seen, with what came of it. Call it once, after the run.
func (r *Recorder) Recording(result *sim.Result, story string) *ui.Recording {
	rec := &ui.Recording{
		Title: title(result), Story: story, Good: result.Verdict == sim.Pass, Verdict: result.Verdict.Sentence(), Replay: result.Replay(),
		Facts: facts(result), Notes: []string{"Torc applies what it learns to be committed at once, so what a node has applied is the commit it knows of.",
			"A lease is told at ticks; reads ask for it at the instant."},
		Shards: result.Settings.Shards, Boring: boring,
	}
	r.name(rec)
	r.tell(rec, result)
	rec.Findings = findingsOf(result)
	for i := range rec.Findings {
		if ops := rec.Findings[i].Operations; len(ops) > 0 {
			rec.Findings[i].Shard = rec.Operations[ops[0]].Shard
		}
		rec.Events = append(rec.Events, ui.Event{At: rec.Events[len(rec.Events)-1].At, Kind: ui.Accused, Host: -1, Ref: i})
	}
	return rec
}

func title(r *sim.Result) string {
	t := fmt.Sprintf("seed %d · %s", r.Seed, r.Scenario)
	if r.Mutant != "" {
		t += " · planted bug " + r.Mutant
	}
	return t
}

// facts are the settings, and what it came to.
func facts(r *sim.Result) (list []ui.Fact) {
	name := "settings"
	for line := range strings.Lines(r.Settings.String()) {
		list = append(list, ui.Fact{Name: name, Text: strings.TrimSpace(line)})
		name = ""
	}
	return append(list,
		ui.Fact{Name: "operations", Text: fmt.Sprintf("%d ok, %d refused, %d of unknown outcome, on %d keys", r.Ops.OK, r.Ops.Refused, r.Ops.Unknown, r.Ops.Keys)},
		ui.Fact{Name: "size", Text: fmt.Sprintf("%d events, %d messages, %.0f simulated seconds", r.Events, r.Messages, r.SimSeconds)},
		ui.Fact{Name: "trace hash", Text: r.Hash})
}

// name gives everybody a lane. The last client is the one that the oracles ask through.
func (r *Recorder) name(rec *ui.Recording) {
	for i := range r.nodes {
		rec.Hosts = append(rec.Hosts, ui.Host{Name: fmt.Sprintf("n%d", i+1)})
	}
	for i := range r.clients {
		h := ui.Host{Name: fmt.Sprintf("client %d", i+1), Client: true}
		if i == r.clients-1 {
			h.Name = "prober"
		}
		rec.Hosts = append(rec.Hosts, h)
	}
}

// lane turns the numbers of host into lanes.
func (r *Recorder) lane(h int) int {
	if h < -1 {
		return r.nodes - 2 - h
	}
	return h
}

// tell writes down messages, operations and events, now that all are known.
func (r *Recorder) tell(rec *ui.Recording, result *sim.Result) {
	usual := int64(result.Settings.Links.Delay+result.Settings.Links.Jitter) + int64(time.Microsecond)
	for i := range r.messages {
		m := &r.messages[i]
		m.From, m.To = r.lane(m.From), r.lane(m.To)
		settleShards(m.Parts, result.Settings.Shards)
	}
	extra := r.operations(rec, result)
	for i := range r.events {
		e := r.events[i]
		e.Host = r.lane(e.Host)
		switch e.Kind {
		case ui.Invoke, ui.Return:
			if e.Ref--; e.Ref < 0 || e.Ref >= len(rec.Operations) {
				continue // a question of the oracles' that the history does not hold
			}
		case ui.Arrive:
			r.messages[e.Ref].Late = e.At-r.sentAt[e.Ref] > usual
		case ui.Cut, ui.Mend:
			e.A = int64(r.lane(int(e.A))) + 1
		}
		rec.Events = append(rec.Events, e)
	}
	rec.Messages = r.messages
	rec.Events = append(rec.Events, extra...)
	slices.SortStableFunc(rec.Events, func(a, b ui.Event) int { return cmp.Compare(a.At, b.At) })
	end := int64(0)
	if n := len(rec.Events); n > 0 {
		end = rec.Events[n-1].At
	}
	rec.Spans = spansOf(r.moments, end)
}

// operations says the history, and gives the events of those operations whose beginning or end the
// trace does not tell by number: the final reads.
func (r *Recorder) operations(rec *ui.Recording, result *sim.Result) (extra []ui.Event) {
	if result.History == nil {
		return nil
	}
	told := map[int]bool{}
	for i := range r.events {
		if e := &r.events[i]; e.Kind == ui.Invoke && e.Ref > 0 {
			told[e.Ref] = true
		}
	}
	for i := range result.History.Ops {
		op := &result.History.Ops[i]
		u := operationOf(op, shardOf(op.Key, result.Settings.Shards), r.reasons[op.ID])
		u.Host = r.nodes + op.Client - 1 // the history counts clients from 1
		if op.Kind == linearizability.Evict {
			u.Host = r.evictors[victim{op.In.Version, op.Call}]
			extra = append(extra, ui.Event{At: op.Call, Kind: ui.Invoke, Host: u.Host, Ref: i}, ui.Event{At: op.Return, Kind: ui.Return, Host: u.Host, Ref: i})
		}
		rec.Operations = append(rec.Operations, u)
		if told[op.ID] || op.Kind == linearizability.Evict {
			continue
		}
		r.claim(op)
		if op.Return != linearizability.Open {
			extra = append(extra, ui.Event{At: op.Return, Kind: ui.Return, Host: u.Host, Ref: i})
		}
	}
	return extra
}

// claim finds the probe that was an operation's beginning.
func (r *Recorder) claim(op *linearizability.Operation) {
	print := printOf(op.Key)
	for i, p := range r.probes {
		if p.at == op.Call && p.print == print && int(p.host)-clientsFrom == op.Client-1 {
			r.events[p.event].Ref = op.ID
			r.probes = slices.Delete(r.probes, i, i+1)
			return
		}
	}
}
