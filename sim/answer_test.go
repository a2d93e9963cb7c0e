package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/linearizability"
)

// A script's own operations are told one by one, with what the script wants of them judged.
func TestAnswers(t *testing.T) {
	write := Op{Kind: linearizability.Write, Key: "x", In: linearizability.Input{Value: "a"}, Want: "ok"}
	read := Op{Kind: linearizability.Read, Key: "x", Want: `absent | "b"`}
	r := Run(Options{Seed: 1, Scenario: Scenario{
		Name: "answers", Quiet: true, Duration: 2 * time.Second,
		Settings: func(s *Settings) { s.Links, s.Plain = Links{Delay: time.Millisecond}, 1 },
		Calls: []Call{
			{At: 100 * time.Millisecond, Client: 0, Ops: []Op{write}},
			{At: time.Second, Client: 1, Ops: []Op{read}},
			{At: time.Second, Client: 99, Ops: []Op{read}}, // there is no such client
		},
	}})
	require.Len(t, r.Answers, 2)
	require.Equal(t, "ok", r.Answers[0].Got)
	require.Equal(t, Answer{Call: 1, At: time.Second, Took: r.Answers[1].Took, Got: `"a"`}, r.Answers[1])
	require.Positive(t, r.Answers[1].Took)
	require.Equal(t, []Oracle{OracleExpectation}, r.Fired())
	require.Positive(t, r.Began)
}
