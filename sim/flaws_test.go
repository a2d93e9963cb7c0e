package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/trace"
	"torc/core/wire"
	"torc/linearizability"
)

// flawed is what a toy with one of these flaws answers instead of what is right; nil: nothing.
func (l *toy) flawed(c *wire.Command, key string, e *toyEntry) *wire.Result {
	is := func(flaw string, op wire.Op) bool { return l.flaw == flaw && c.Op == op }
	switch {
	case is("overflows", wire.OpIncr) && e != nil:
		return &wire.Result{Kind: wire.KindError, Code: wire.CodeOverflow, Version: e.version}
	case is("full", wire.OpAppend) && e != nil:
		return &wire.Result{Kind: wire.KindError, Code: wire.CodeTooLong, Version: e.version}
	case is("no fills", wire.OpFill), is("no leases", wire.OpLease) && e == nil:
		return &wire.Result{}
	case is("no versions", wire.OpGet) && e != nil:
		return &wire.Result{Kind: wire.KindBytes, Value: e.value}
	case is("gives up", wire.OpGet) && e != nil && l.writes%20 == 0:
		delete(l.data, key)
		shard := shardOf(key, l.cfg.Shards)
		l.trace.Emit(trace.Event{Kind: trace.Evict, Shard: shard, Replica: wire.ReplicaID(shard + 1), A: l.cfg.Seed.HashOf([]byte(key)), B: e.version})
		return &wire.Result{}
	}
	return nil
}

// flawedAtOnce is a refusal of a whole request.
func (l *toy) flawedAtOnce(r *wire.Request) *wire.Response {
	if l.flaw == "too large" && r.Commands[0].Op == wire.OpAppend {
		return &wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonTooLarge}
	}
	return nil
}

// What is refused explains everything, so each refusal is held to its reason; and so is what was given up.
func TestRefusalsNeedReasons(t *testing.T) {
	for flaw, want := range map[string]Oracle{"overflows": OracleLinearizable, "full": OracleLinearizable, "too large": OracleLinearizable, "no versions": OracleLinearizable,
		"never absent": OracleLinearizable, "no fills": OracleQuality, "no leases": OracleQuality, "leases for all": OracleQuality, "gives up": OracleDurability} {
		t.Run(flaw, func(t *testing.T) {
			r := toyRun(3, flaw, Scenario{Name: "toy", Settings: func(s *Settings) { busyFamilies(s); s.Leases, s.Skew = 3, 0 }}, nil)
			require.NotEmpty(t, r.Violations)
			for _, v := range r.Violations {
				require.Equal(t, want, v.Oracle, v.Text)
			}
		})
	}
}

// An error may be right: of numbers as large as they can be, and of what somebody has put there.
func TestErrorsWithReasons(t *testing.T) {
	l := &workload{w: &World{}}
	l.known = map[string]int{"x": 0}
	for _, c := range []struct {
		op   Op
		code wire.ErrorCode
		of   asked
		want bool
	}{
		{Op{Kind: linearizability.Increment, Key: "x"}, wire.CodeOverflow, asked{added: 1 << 63}, true},
		{Op{Kind: linearizability.Increment, Key: "x"}, wire.CodeOverflow, asked{added: 1<<63 - 1}, false},
		{Op{Kind: linearizability.Increment, Key: "x"}, wire.CodeOverflow, asked{text: true}, true},
		{Op{Kind: linearizability.Read, Key: "x"}, wire.CodeOverflow, asked{text: true}, false},
		{Op{Kind: linearizability.Increment, Key: "x"}, wire.CodeNotInteger, asked{text: true}, true},
		{Op{Kind: linearizability.Increment, Key: "x"}, wire.CodeNotInteger, asked{added: 1 << 63}, false},
		{Op{Kind: linearizability.Read, Key: "x"}, wire.CodeVersion, asked{text: true}, false},
		{Op{Kind: linearizability.Read, Key: "x"}, wire.CodeGuard, asked{}, false},
	} {
		l.keys = []touched{{key: "x", asked: c.of}}
		require.Equal(t, c.want, l.warranted(&operation{Op: c.op}, c.code), "%v of %+v", c.code, c.of)
	}
	var bytes int
	var a asked
	for _, delta := range []int64{-1 << 63, 5} {
		op := &operation{Op: Op{Kind: linearizability.Increment}}
		op.In.Delta = delta
		a.note(op, &bytes)
	}
	require.Equal(t, asked{added: 1<<63 + 5}, a)
}
