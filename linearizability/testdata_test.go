package linearizability

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write the verdicts found into testdata/*/*.txt")

// TestFiles checks each history in testdata. A file begins with comments: what it shows, the
// options of the check, and the verdicts, one a line, which must come out exactly:
//
//	# options: ttl-epsilon=50ms final-from=1s loss=x,y:1s..2s
//	# verdict: violation [register] key x: read r3 by client 2 returned ...
//
// Histories under good have no verdict. Refresh with -rewrite, then read the difference.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".txt"), func(t *testing.T) { checkFile(t, file) })
	}
}

func checkFile(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	h, err := Parse(strings.NewReader(string(data)), file)
	require.NoError(t, err)
	var head, want, body []string
	o := Options{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "# verdict: "):
			want = append(want, strings.TrimPrefix(line, "# verdict: "))
		case strings.HasPrefix(line, "# options: "):
			o = parseOptions(t, strings.TrimPrefix(line, "# options: "))
			head = append(head, line)
		case strings.HasPrefix(line, "#") && len(body) == 0:
			head = append(head, line)
		default:
			body = append(body, line)
		}
	}
	verdicts := Check(h, o)
	got := sentences(verdicts)
	if *rewrite {
		for _, v := range verdicts {
			head = append(head, "# verdict: "+v.String())
		}
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(append(head, body...), "\n")+"\n"), 0o644))
		return
	}
	require.Equal(t, strings.Join(want, "\n"), got)
	require.Equal(t, strings.Contains(file, "/bad/"), len(verdicts) > 0, "good and bad are folders for a reason")
	for _, v := range verdicts {
		require.Equal(t, v.Result == Violation, len(v.Operations) > 0, "a violation shows its operations")
	}
}

func parseOptions(t *testing.T, text string) (o Options) {
	for word := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "ttl-epsilon":
			o.TTLEpsilon = time.Duration(instant(t, value))
		case "final-from":
			o.FinalFrom = instant(t, value)
		case "operations-max":
			n, err := parseNumber(value)
			require.NoError(t, err)
			o.OperationsMax = n
		case "concurrency-max":
			n, err := parseNumber(value)
			require.NoError(t, err)
			o.ConcurrencyMax = n
		case "loss", "sure-loss":
			keys, times, _ := strings.Cut(value, ":")
			from, to, _ := strings.Cut(times, "..")
			o.Losses = append(o.Losses, Loss{Keys: strings.Split(keys, ","), From: instant(t, from), To: instant(t, to), Sure: name == "sure-loss"})
		default:
			t.Fatalf("unknown option %q", word)
		}
	}
	return o
}

func instant(t *testing.T, text string) int64 {
	ns, err := parseTime(text)
	require.NoError(t, err)
	return ns
}
