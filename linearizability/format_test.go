package linearizability

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestFormatGolden: one line of every kind, in the canonical form.
func TestFormatGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/format.txt")
	require.NoError(t, err)
	h, err := Parse(strings.NewReader(string(data)), "format.txt")
	require.NoError(t, err)
	var body []string
	for line := range strings.Lines(string(data)) {
		if line != "\n" && line[0] != '#' {
			body = append(body, line)
		}
	}
	require.Equal(t, strings.Join(body, ""), text(t, h))
	seen := map[Kind]bool{}
	for _, op := range h.Ops {
		seen[op.Kind] = true
	}
	require.Len(t, seen, int(kindEnd)-1, "every kind has a line in the golden file")
}

func TestFormatRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := stringProfile
		p.kinds = append(p.kinds, Touch)
		p.n, p.ttl, p.versions, p.delay = rapid.IntRange(0, 20).Draw(t, "operations"), 1000, true, 12345
		h := p.run(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4)))
		for i := range h.Ops {
			h.Ops[i].Key = rapid.String().Draw(t, "key")
			h.Ops[i].Batch = rapid.SampledFrom([]int{0, i + 1}).Draw(t, "batch")
			if h.Ops[i].Kind.setsWhole() {
				h.Ops[i].In.Value = rapid.String().Draw(t, "value")
			}
		}
		h = normal(h)
		var b strings.Builder
		n, err := h.WriteTo(&b)
		require.NoError(t, err)
		require.EqualValues(t, b.Len(), n)
		again, err := Parse(strings.NewReader(b.String()), "x")
		require.NoError(t, err, b.String())
		require.Equal(t, h, again, b.String())
	})
}

// normal drops what a file does not say: the answers of operations without one.
func normal(h *History) *History {
	again := &History{}
	for _, op := range h.Ops {
		if op.Outcome != OK {
			op.Out = Output{}
		}
		again.Ops = append(again.Ops, op)
	}
	return again
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`w1 c1 0 1 write x`, `want: name client call return`},
		{`w1 c1 0 1 write x value=1`, `no outcome`},
		{`w1 c1 0 1 scribble x value=1 ok`, `unknown kind "scribble"`},
		{`r1 c1 0 1 write x value=1 ok`, `the letter of a write is 'w'`},
		{`w0 c1 0 1 write x value=1 ok`, `want w and a positive number`},
		{`w+1 c1 0 1 write x value=1 ok`, `want w and a positive number`},
		{`w1 1 0 1 write x value=1 ok`, `client "1"`},
		{`w1 cx 0 1 write x value=1 ok`, `client "cx"`},
		{`w1 c1 ? 1 write x value=1 ok`, `call time "?"`},
		{`w1 c1 0 1m write x value=1 ok`, `return time "1m"`},
		{`w1 c1 0 1.5s write x value=1 ok`, `return time "1.5s"`},
		{`w1 c1 0 99999999999s write x value=1 ok`, `return time`},
		{`w1 c1 5 1 write x value=1 ok`, `returns before its call`},
		{`w1 c1 0 ? write x value=1 ok`, `no return time if and only if`},
		{`w1 c1 0 1 write x value=1 unknown`, `no return time if and only if`},
		{`w1 c1 0 1 write x ok`, `want 1 of these fields: value ttl batch`},
		{`w1 c1 0 1 write x ttl=1s ok`, `want 1 of these fields: value ttl`},
		{`w1 c1 0 1 write x value=1 ttl=0 ok`, `has no ttl field`},
		{`w1 c1 0 1 write x value=1 ttl=-1s ok`, `negative TTL`},
		{`w1 c1 0 1 write x value=1 value=2 ok`, `value stands twice`},
		{`w1 c1 0 1 write x value=1 delta=2 ok`, `unexpected "delta=2"`},
		{`w1 c1 0 1 write x value= ok`, `empty: write ""`},
		{`w1 c1 0 1 write x value="a ok`, `unfinished quote`},
		{`w1 c1 0 1 write x value=a#b ok`, `must be quoted`},
		{`w1 c1 0 1 write x value="a"b ok`, `bad quoting`},
		{`w1 c1 0 1 write x value=1 ok version=0`, `leaving the field out`},
		{`w1 c1 0 1 write x value=1 failed version=3`, `unexpected "version=3"`},
		{`r1 c1 0 1 read x ok`, `want one of these fields: value absent version`},
		{`r1 c1 0 1 read x ok absent value=1`, `want one of these fields`},
		{`r1 c1 0 1 read x ok absent=yes`, `have no value`},
		{`r1 c1 0 1 read x ok value`, `the others have one`},
		{`c1 c1 0 1 cas x value=1 ok applied`, `want 2 of these fields`},
		{`c1 c1 0 1 cas x expect-absent=1 value=1 ok applied`, `exactly if it is not expect-absent`},
		{`c1 c1 0 1 cas x expect-version=-1 value=1 ok applied`, `field expect-version`},
		{`i1 c1 0 1 increment x delta=one ok number=1`, `field delta`},
		{`i1 c1 0 1 increment x delta=1 ok number=x`, `field number`},
		{`a1 c1 0 1 append x value="" ok number=0`, `appends nothing`},
		{`t1 c1 0 1 touch x ok applied`, `want 1 of these fields: ttl`},
		{`t1 c1 0 1 touch x ttl=? ok applied`, `want a duration`},
		{`r1 c1 0 1 read x batch ok absent`, `has a value exactly if`},
		{`r1 c1 0 1 read x batch=0 ok absent`, `field batch: a batch has a positive number`},
		{`r1 c1 0 1 read x batch=-1 ok absent`, `field batch: a batch has a positive number`},
		{`r1 c1 0 1 read x batch=01 ok absent`, `field batch: not a number`},
		{`r1 c1 0 1 read x value=1 ok absent`, `unexpected "value=1": want batch`},
		{`d1 c1 0 1 delete x ok`, `want one of these fields: applied refused`},
	} {
		_, err := Parse(strings.NewReader("# one\n\n"+c.line+"\n"), "h.txt")
		require.ErrorContains(t, err, c.want, c.line)
		require.ErrorContains(t, err, "h.txt:3: ", c.line)
	}
	_, err := Parse(strings.NewReader("d2 c1 0 1 delete x ok applied\nd2 c1 2 3 delete x ok applied\n"), "h.txt")
	require.ErrorIs(t, err, errOrder)
	require.ErrorContains(t, err, "h.txt:2: ")
	for _, second := range []string{"r2 c2 0 2 read y batch=1 ok absent", "r2 c1 2 3 read y batch=1 ok absent"} {
		_, err = Parse(strings.NewReader("r1 c1 0 1 read x batch=1 ok absent\n"+second+"\n"), "h.txt")
		require.ErrorIs(t, err, errBatch, "another client, or a call after the answer")
		require.ErrorContains(t, err, "h.txt:2: ")
	}
}

// FuzzParse: no input makes the parser panic, and what it accepts has one canonical form.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/format.txt", "testdata/good/ttl.txt", "testdata/good/cas-versions.txt", "testdata/good/batch-unknown.txt", "testdata/bad/batch-circle.txt", "testdata/bad/ttl-touch-late.txt"} {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, data string) {
		h, err := Parse(strings.NewReader(data), "f")
		if err != nil {
			return
		}
		require.NoError(t, h.Validate())
		once := text(t, h)
		again, err := Parse(strings.NewReader(once), "f")
		require.NoError(t, err, once)
		require.Equal(t, h, again)
		if len(h.Ops) < 12 {
			Check(h, Options{FinalFrom: 1, TTLEpsilon: 1})
		}
	})
}
