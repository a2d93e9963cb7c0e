package linearizability

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGenerations(t *testing.T) {
	op := func(kind Kind, value string, call, ret int64, outcome Outcome) *Operation {
		o := &Operation{Kind: kind, Key: "x", Call: call, Return: ret, Outcome: outcome}
		switch {
		case kind == Read && value != "":
			o.Out.Value = Some(value)
		case kind == Write || kind == Append:
			o.In.Value = value
		}
		return o
	}
	mortal := func(o *Operation) *Operation { o.In.TTL = 1000; return o }
	applied := func(o *Operation) *Operation { o.Out.Applied = true; return o }
	number := func(o *Operation, n int64) *Operation { o.Out.Number = n; return o }
	lost := []Loss{{From: 100, To: 110, Sure: true}}
	for _, c := range []struct {
		name   string
		losses []Loss
		ops    []*Operation
		want   Result
	}{
		{"gone after the loss", lost, []*Operation{op(Write, "a", 1, 2, OK), op(Read, "a", 3, 4, OK), op(Read, "", 120, 121, OK)}, Fine},
		{"gone before the loss", lost, []*Operation{op(Write, "a", 1, 2, OK), op(Read, "", 50, 51, OK)}, Violation},
		{"back after the loss", lost, []*Operation{op(Write, "a", 1, 2, OK), op(Read, "a", 120, 121, OK)}, Violation},
		{"back after the loss, perhaps it was none", []Loss{{From: 100, To: 110}}, []*Operation{op(Write, "a", 1, 2, OK), op(Read, "a", 120, 121, OK)}, Fine},
		{"a write of unknown outcome comes late", lost, []*Operation{op(Write, "a", 1, Open, Unknown), op(Read, "a", 120, 121, OK)}, Fine},
		{"what is written after the loss holds", lost, []*Operation{op(Write, "a", 111, 112, OK), op(Read, "", 120, 121, OK)}, Violation},
		{"an answer that was under way through the loss", lost, []*Operation{op(Write, "a", 1, 2, OK), op(Read, "a", 90, 115, OK), op(Read, "", 120, 121, OK)}, Fine},
		{"an append begins anew", lost, []*Operation{number(op(Append, "a;", 1, 2, OK), 2), number(op(Append, "b;", 120, 121, OK), 2), op(Read, "b;", 130, 131, OK)}, Fine},
		{"two losses", []Loss{lost[0], {From: 200, To: 210, Sure: true}},
			[]*Operation{op(Write, "a", 1, 2, OK), op(Write, "b", 120, 121, OK), op(Read, "b", 130, 131, OK), op(Read, "", 220, 221, OK)}, Fine},
		{"the first of two losses takes what was written after it", []Loss{lost[0], {From: 200, To: 210, Sure: true}},
			[]*Operation{op(Write, "b", 120, 121, OK), op(Read, "", 130, 131, OK)}, Violation},
		{"a mortal value, gone after the loss", lost, []*Operation{mortal(op(Write, "a", 1, 2, OK)), op(Read, "", 120, 121, OK)}, Fine},
		{"a mortal value, gone before the loss", lost, []*Operation{mortal(op(Write, "a", 1, 2, OK)), op(Read, "", 50, 51, OK)}, Violation},
		{"what is mortal and was written after the loss is gone", lost, []*Operation{mortal(op(Write, "a", 111, 112, OK)), op(Read, "", 120, 121, OK)}, Violation},
		{"a mortal value, back after the loss", lost, []*Operation{mortal(op(Write, "a", 1, 2, OK)), op(Read, "a", 120, 121, OK)}, Violation},
		{"a mortal value, back after what was perhaps no loss", []Loss{{From: 100, To: 110}}, []*Operation{mortal(op(Write, "a", 1, 2, OK)), op(Read, "a", 120, 121, OK)}, Fine},
		{"a mortal value, read while it was being lost", lost, []*Operation{mortal(op(Write, "a", 1, 2, OK)), op(Read, "a", 105, 121, OK)}, Fine},
		{"a mortal value of unknown outcome comes late", lost, []*Operation{mortal(op(Write, "a", 1, Open, Unknown)), op(Read, "a", 120, 121, OK)}, Fine},
		{"a mortal value that was seen before the loss does not come late", lost,
			[]*Operation{mortal(op(Write, "a", 1, Open, Unknown)), op(Read, "a", 5, 6, OK), op(Read, "a", 120, 121, OK)}, Violation},
		{"what was lost is touched", lost, []*Operation{mortal(op(Write, "a", 1, 2, OK)), applied(mortal(op(Touch, "", 120, 121, OK)))}, Violation},
		{"what was lost is deleted", lost, []*Operation{mortal(op(Write, "a", 1, 2, OK)), applied(op(Delete, "", 120, 121, OK))}, Violation},
		{"what is mortal and was written after the loss is deleted", lost, []*Operation{mortal(op(Write, "a", 105, 115, OK)), applied(op(Delete, "", 120, 121, OK))}, Fine},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := History{}
			for i, op := range c.ops {
				op.ID, op.Client = i+1, i
				r.Ops = append(r.Ops, *op)
			}
			verdicts := Check(&r, Options{Losses: c.losses})
			require.Equal(t, c.want, Worst(verdicts), "%v", verdicts)
		})
	}
}
