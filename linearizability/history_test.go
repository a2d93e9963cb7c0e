package linearizability

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	good := Operation{ID: 1, Kind: Write, Outcome: OK, Call: 1, Return: 2}
	for name, c := range map[string]struct {
		change func(*Operation)
		want   error
	}{
		"id":      {func(op *Operation) { op.ID = 0 }, errOrder},
		"kind":    {func(op *Operation) { op.Kind = kindEnd }, errKind},
		"outcome": {func(op *Operation) { op.Outcome = 0 }, errOutcome},
		"times":   {func(op *Operation) { op.Return = 0 }, errTimes},
		"open":    {func(op *Operation) { op.Outcome = Unknown }, errOpen},
		"closed":  {func(op *Operation) { op.Return = Open }, errOpen},
		"token":   {func(op *Operation) { op.Kind = Append }, errToken},
		"ttl":     {func(op *Operation) { op.In.TTL = -1 }, errTTL},
		"batch":   {func(op *Operation) { op.Batch = -1 }, errBatch},
	} {
		t.Run(name, func(t *testing.T) {
			op := good
			c.change(&op)
			h := &History{Ops: []Operation{op}}
			require.ErrorIs(t, h.Validate(), c.want)
			verdicts := Check(h, Options{})
			require.Equal(t, Undecided, Worst(verdicts))
			require.Equal(t, OracleHistory, verdicts[0].Oracle)
		})
	}
	require.NoError(t, (&History{Ops: []Operation{good}}).Validate())
	require.Empty(t, Check(&History{}, Options{FinalFrom: 1}))
}

func TestByKeySortsKeysAndCalls(t *testing.T) {
	h := &History{Ops: []Operation{
		{ID: 1, Key: "b", Call: 9}, {ID: 2, Key: "a", Call: 5}, {ID: 3, Key: "b", Call: 3}, {ID: 4, Key: "a", Call: 5},
	}}
	var got []int
	for _, k := range h.ByKey() {
		for _, op := range k.Ops {
			require.Equal(t, k.Key, op.Key)
			got = append(got, op.ID)
		}
	}
	require.Equal(t, []int{2, 4, 3, 1}, got)
}

func TestSeconds(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0 s", 7: "7 ns", 1500: "1.5 us", 850_000_000: "850 ms", 1_050_000: "1.05 ms",
		12_400_000_000: "12.4 s", 12_000_000_001: "12 s", -3_000_000_000: "-3 s", 61_000_001_000: "61.000001 s",
	} {
		require.Equal(t, want, seconds(ns))
	}
}
