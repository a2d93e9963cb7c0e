package page

import (
	"cmp"
	"slices"
	"strings"

	"torc/linearizability"
	"torc/sim"
	"torc/ui"
)

// findingsOf says what went wrong, the plainest first: those that one operation convicts of.
func findingsOf(r *sim.Result) []ui.Finding {
	var list []ui.Finding
	for _, v := range r.Violations {
		list = append(list, findingOf(r, v))
	}
	slices.SortStableFunc(list, func(a, b ui.Finding) int {
		if plainA, plainB := len(a.Operations) == 2, len(b.Operations) == 2; plainA != plainB {
			if plainA {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.At, b.At)
	})
	return list
}

func findingOf(r *sim.Result, v sim.Violation) ui.Finding {
	f := ui.Finding{At: int64(v.At), Letter: v.Oracle.String(), Meaning: v.Oracle.Meaning(), Sentence: v.Text, Shard: -1}
	f.Headline = headline(v.Text)
	if len(v.Operations) == 0 {
		return f
	}
	accused := operationByID(r.History, v.Operations[0])
	if accused == nil {
		return f
	}
	f.At = accused.Call
	if accused.Return != linearizability.Open {
		f.At = accused.Return
	}
	f.Operations = append(f.Operations, accused.ID-1)
	evidence := convictedBy(r.History, accused, v.Operations[1:])
	if evidence == nil {
		for _, id := range v.Operations[1:] {
			f.Operations = append(f.Operations, id-1)
		}
		return f
	}
	f.Operations = append(f.Operations, evidence.ID-1)
	f.Headline = accused.Name() + " " + got(accused) + ", but " + evidence.Name() + deed(evidence) + " " + span(accused.Call-evidence.Return) + " earlier."
	return f
}

func operationByID(h *linearizability.History, id int) *linearizability.Operation {
	if h == nil || id < 1 || id > len(h.Ops) || h.Ops[id-1].ID != id {
		return nil
	}
	return &h.Ops[id-1]
}

// convictedBy finds the one operation to set against the accused: the newest change of the key that was
// acknowledged before the accused began, among those that the verdict names, or, where it counts
// them all (a sum, a text that grows), among all.
func convictedBy(h *linearizability.History, accused *linearizability.Operation, named []int) (newest *linearizability.Operation) {
	consider := func(op *linearizability.Operation) {
		if op != nil && op != accused && op.Key == accused.Key && changed(op) && op.Return < accused.Call && (newest == nil || op.Return > newest.Return) {
			newest = op
		}
	}
	for _, id := range named {
		consider(operationByID(h, id))
	}
	if newest != nil || len(named) > 0 {
		return newest
	}
	for i := range h.Ops {
		if k := h.Ops[i].Kind; k == linearizability.Increment || k == linearizability.Append {
			consider(&h.Ops[i])
		}
	}
	return newest
}

// changed says that a client was told that the key had changed, or what it had become.
func changed(op *linearizability.Operation) bool {
	switch {
	case op.Outcome != linearizability.OK:
		return false
	case op.Kind == linearizability.Read:
		return true
	case op.Kind == linearizability.GetDel:
		return op.Out.Value.Found
	case op.Kind == linearizability.Write, op.Kind == linearizability.Increment, op.Kind == linearizability.Append:
		return true
	}
	return op.Out.Applied
}

// deed says what an operation had done by the time it returned.
func deed(op *linearizability.Operation) string {
	switch op.Kind {
	case linearizability.Write, linearizability.SetNX, linearizability.CAS:
		return " = " + quoted(op.In.Value) + " had finished"
	case linearizability.Delete, linearizability.GetDel:
		return " had removed it"
	case linearizability.Touch:
		return " had changed its expiry"
	}
	return " had " + got(op)
}

// headline is the first clause of a sentence that has no better one.
func headline(text string) string {
	if i := strings.Index(text, ": "); i >= 0 && strings.HasPrefix(text, "key ") {
		text = text[i+2:]
	}
	return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):]
}
