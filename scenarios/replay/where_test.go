package replay

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/trace"
)

var roleEvent = trace.Event{At: 12_500_000_000, Kind: trace.Role, Node: 2, Peer: 1001, Shard: 1, Replica: 4, Term: 5, Index: 100, A: 2, B: 17, Note: "a split vote"}

func TestWherePicks(t *testing.T) {
	for text, want := range map[string]bool{
		"kind=role":                       true,
		"kind!=role":                      false,
		"kind=role node=2 term=5 shard=1": true,
		"kind=role node=2 term=6":         false,
		"node=n2":                         true,
		"node!=2":                         false,
		"peer=c1":                         true,
		"term>4":                          true,
		"term>5":                          false,
		"term>=5 term<=5":                 true,
		"term<5":                          false,
		"index=0x64":                      true,
		"replica=4 a=2 b=17":              true,
		"at=12.5s":                        true,
		"at>=12.5":                        true,
		"at<12s":                          false,
		"note~split":                      true,
		`note~"split vote"`:               true,
		`note="split vote"`:               false,
		`note!="x"	kind=role`:             true,
	} {
		w, err := ParseWhere(text)
		require.NoError(t, err, text)
		require.Equal(t, want, w.Match(&roleEvent), text)
	}
	require.True(t, (*Where)(nil).Match(&roleEvent))
	require.Empty(t, (*Where)(nil).String())
}

func TestWhereSaysWhatItCannotRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "an empty expression",
		"nod=2":             `in "nod=2": there is no field "nod"; there are kind, node, peer, shard,`,
		"=2":                `there is no field ""`,
		"node":              "node takes = != < <= > >= after it, as in node=2",
		"node =2":           "node takes",
		"node~2":            "node takes",
		"kind<role":         "kind takes = != after it",
		"kind=roll":         `there is no kind "roll"; there are send, deliver,`,
		"kind=none":         `there is no kind "none"`,
		"note>x":            "note takes = != ~ after it",
		"node=":             "node: a value is missing",
		"node= term=5":      "node: a value is missing",
		"node=x":            `node: "x" names no node`,
		"term=five":         `term: "five" is no number, as in term>=5`,
		"term=-1":           `"-1" is no number`,
		"at=soon":           `"soon" is no time from the start of the run`,
		"at=-1s":            "is no time",
		`note~"split`:       "does not end",
		`note~"a"kind=role`: "conditions are parted by spaces",
	} {
		_, err := ParseWhere(text)
		require.ErrorContains(t, err, want, text)
	}
}

// Whatever can be read says itself in words that read back as the same.
func FuzzParseWhere(f *testing.F) {
	for _, text := range []string{"kind=role node=2 term>=5", `note~"a \"b\""`, "at>12.5s peer!=c3", "a=0xff b<1", "at=1e8"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWhere(text)
		if err != nil {
			return
		}
		again, err := ParseWhere(w.String())
		require.NoError(t, err, "%s", w)
		require.Equal(t, w.String(), again.String())
		require.Equal(t, w.Match(&roleEvent), again.Match(&roleEvent))
	})
}
