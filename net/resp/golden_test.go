package resp

import (
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	rewrite   = flag.Bool("rewrite", false, "write the golden replies anew")
	redisAddr = flag.String("redis", "", "host:port of a real redis-server: hold testdata/redis against it")
)

// A golden file is a list of conversations, each on a connection of its own:
//
//	# what it shows
//	SET greeting hello        an inline command, or "bytes\r\n" in Go's quotes
//	----
//	+OK\r\n                   the reply, a line for each line's end
//	+OK\r\n                   QUIT, which is sent last, answered: the connection survived
type conversation struct {
	comment, request, reply string
}

func readGolden(t *testing.T, path string) []conversation {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var list []conversation
	for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		request, reply, _ := strings.Cut(block, "----\n")
		c := conversation{reply: strings.TrimRight(reply, "\n")}
		for strings.HasPrefix(request, "# ") {
			line, rest, _ := strings.Cut(request, "\n")
			c.comment += line + "\n"
			request = rest
		}
		c.request = strings.TrimSuffix(request, "\n") + "\n"
		list = append(list, c)
	}
	return list
}

func wireBytes(t *testing.T, request string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(request, "\n"), "\n") {
		if strings.HasPrefix(line, `"`) {
			raw, err := strconv.Unquote(line)
			require.NoError(t, err, line)
			b.WriteString(raw)
			continue
		}
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

func escaped(reply string) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(reply, "\n") {
		if line != "" {
			q := strconv.Quote(line)
			b.WriteString(strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`) + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func runGolden(t *testing.T, path string, talk func(request string) string) {
	var out strings.Builder
	for _, c := range readGolden(t, path) {
		got := escaped(talk(wireBytes(t, c.request)))
		out.WriteString(c.comment + c.request + "----\n" + got + "\n\n")
		if !*rewrite {
			require.Equal(t, c.reply, got, "%s%s", c.comment, c.request)
		}
	}
	if *rewrite {
		require.NoError(t, os.WriteFile(path, []byte(strings.TrimRight(out.String(), "\n")+"\n"), 0o644))
	}
}

func goldenFiles(t *testing.T, dir string) []string {
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// What stands in testdata/redis is what Redis 7.0 answers, byte for byte: with -redis (and
// -rewrite) it was written by one.
func TestGoldenRedis(t *testing.T) {
	for _, path := range goldenFiles(t, "redis") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if *redisAddr != "" {
				talk := func(request string) string {
					nc, err := net.Dial("tcp", *redisAddr)
					require.NoError(t, err)
					defer nc.Close()
					_, _ = io.WriteString(nc, request+"QUIT\r\n")
					_ = nc.SetReadDeadline(time.Now().Add(2 * time.Second))
					reply, _ := io.ReadAll(nc)
					return string(reply)
				}
				talk("FLUSHALL\r\n")
				runGolden(t, path, talk)
				return
			}
			s := serve(t, newFakeNode(4))
			runGolden(t, path, func(request string) string { return roundTrip(t, s, request) })
		})
	}
}

// What stands in testdata/torc is Torc's own.
func TestGoldenTorc(t *testing.T) {
	for _, path := range goldenFiles(t, "torc") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			n := newFakeNode(4, "node-1", "node-2", "node-3", "node-4")
			change := func(*Options) {}
			switch filepath.Base(path) {
			case "redirect.txt":
				// Shard 2 is led by the second node, 3 by nobody but preferred by the third.
				change = func(o *Options) { o.Redirect = true }
				n.leaders[2], n.leaders[3] = 2, 0
				n.cluster.Placements[3].Preferred = 3
			case "split.txt":
				change = func(o *Options) { o.SplitTransactions = true }
			case "auth.txt":
				change = func(o *Options) { o.Password = "secret" }
			case "limits.txt":
				change = func(o *Options) { o.MaxKey, o.MaxValue = 16, 64 }
			case "notready.txt":
				n.cluster = nil
			}
			s := serve(t, n, change)
			runGolden(t, path, func(request string) string { return roundTrip(t, s, request) })
		})
	}
}
