package store

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// TestAgainstRedis sends random commands to a store and to a real redis-server and compares the
// answers. (-rapid.checks 3000 compares that many sequences.)
func TestAgainstRedis(t *testing.T) {
	r := startRedis(t)
	require.Contains(t, r.ask("INFO", "server"), "redis_version:7.", "the reference is Redis 7")
	rapid.Check(t, func(t *rapid.T) {
		r.ask("FLUSHALL")
		s := New(Config{Shard: 1, Shards: 1, MaxValue: 512 << 20})
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			args := drawCommand(t)
			want := r.ask(args...)
			now := time.Now().UnixMilli()
			got := showRedis(args, s.Apply(&wire.Batch{Time: now, Requests: []wire.Request{request(spell(args...))}})[0].Results[0])
			if !sameReply(args[0], got, want) {
				t.Fatalf("%q: %s, want as Redis says %s", args, got, want)
			}
		}
	})
}

// TestGlobAgainstRedis compares patterns with those of KEYS.
func TestGlobAgainstRedis(t *testing.T) {
	r := startRedis(t)
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(drawGlob("key", "ab\xff-^]["), 1, 8, rapid.ID[string]).Draw(t, "keys")
		r.ask("FLUSHALL")
		for _, key := range keys {
			r.ask("SET", key, "x")
		}
		for range 10 {
			pattern := drawGlob("pattern", "ab\xff*?[]^-\\").Draw(t, "pattern")
			var want []string
			for _, key := range keys {
				if match([]byte(pattern), []byte(key)) {
					want = append(want, strconv.Quote(key))
				}
			}
			slices.Sort(want)
			got := strings.Fields(r.ask("KEYS", pattern))
			slices.Sort(got)
			require.Equal(t, strings.Join(got, " "), strings.Join(want, " "), "KEYS %q among %q", pattern, keys)
		}
	})
}

func drawGlob(name, alphabet string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.SampledFrom([]byte(alphabet)), 0, 7).Draw(t, name))
	})
}

var (
	drawKey     = rapid.SampledFrom([]string{"a", "b", "c", "", "key with spaces"})
	drawInteger = rapid.OneOf(rapid.Int64Range(-12, 12), rapid.Int64(), rapid.SampledFrom([]int64{
		0, 1, -1, 1<<63 - 1, -1 << 63, 1<<63 - 2, 1 << 62}))
	drawNumber = rapid.OneOf(
		rapid.Map(drawInteger, func(n int64) string { return strconv.FormatInt(n, 10) }),
		rapid.StringMatching(`[+-]?[0-9]{0,25}(\.[0-9]{0,22})?(e[+-]?[0-9]{1,4})?`),
		rapid.StringMatching(`-?[0-9]{1,4}\.[0-9]{1,4}`),
		rapid.StringMatching(`[+-]?0[xX][0-9a-fA-F]{0,18}(\.[0-9a-f]{0,4})?(p[+-]?[0-9]{1,5})?`),
		rapid.SampledFrom([]string{"01", " 1", "1 ", "+1", "-0", "0", "-", "+", "", ".", "1e", "1e+", "e1", "0x", "0x.", "1_0", "inf", "-inf", "Infinity",
			"nan", "NaN(1)", "infinit", "1e4932", "-1e4932", "1.19e4932", "1.18e4932", "1e4933", "1e-4932", "1e-4950", "1e-4951", "1e-4952", "3.0e3", "1\x00",
			"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "0.1", "0.30000000000000004"}),
	)
	drawValue = rapid.OneOf(drawNumber, rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }))
)

// drawCommand draws a command that Redis's parser lets through to the data.
func drawCommand(t *rapid.T) []string {
	key := drawKey.Draw(t, "key")
	integer := func(name string) string { return strconv.FormatInt(drawInteger.Draw(t, name), 10) }
	small := func(name string) string { return strconv.Itoa(rapid.IntRange(-30, 30).Draw(t, name)) }
	pick := func(name string, options ...string) []string {
		return strings.Fields(rapid.SampledFrom(options).Draw(t, name))
	}
	times := func(name string) []string { // long enough ago or ahead for a clock to be of no matter
		option := pick(name, "PX", "PXAT", "EX", "EXAT")
		at := []int64{0, -1, -100_000, 1, 5000, 1_000_000, 2_000_000, 9_000_000_000_000_000, 1<<63 - 1}
		if option[0] == "PX" || option[0] == "EX" {
			at = slices.Delete(at, 3, 5)
		}
		return append(option, strconv.FormatInt(rapid.SampledFrom(at).Draw(t, "time"), 10))
	}
	switch name := rapid.SampledFrom([]string{"SET", "SET", "GET", "STRLEN", "GETRANGE", "EXISTS", "TYPE", "PTTL", "PEXPIRETIME", "DEL", "GETDEL",
		"GETEX", "APPEND", "SETRANGE", "INCRBY", "INCRBYFLOAT", "PEXPIRE", "PEXPIREAT", "PERSIST", "TOUCH"}).Draw(t, "command"); name {
	case "SET":
		args := append([]string{name, key, drawValue.Draw(t, "value")}, pick("condition", "", "", "NX", "XX")...)
		args = append(args, pick("get", "", "GET")...)
		switch rapid.IntRange(0, 3).Draw(t, "expiry") {
		case 0:
			args = append(args, "KEEPTTL")
		case 1:
			args = append(args, fit(times("kind"))...)
		}
		return args
	case "GETEX":
		switch rapid.IntRange(0, 2).Draw(t, "expiry") {
		case 0:
			return []string{name, key, "PERSIST"}
		case 1:
			return append([]string{name, key}, fit(times("kind"))...)
		}
		return []string{name, key}
	case "APPEND":
		return []string{name, key, drawValue.Draw(t, "value")}
	case "INCRBYFLOAT":
		return []string{name, key, drawNumber.Draw(t, "increment")}
	case "INCRBY":
		return []string{name, key, integer("delta")}
	case "SETRANGE":
		offset := small("offset")
		if rapid.IntRange(0, 9).Draw(t, "far") == 0 {
			offset = integer("offset")
			if n, _ := strconv.ParseInt(offset, 10, 64); n > 1000 && n < 512<<20 {
				offset = "1000"
			}
		}
		return []string{name, key, offset, drawValue.Draw(t, "value")}
	case "GETRANGE":
		if rapid.IntRange(0, 3).Draw(t, "far") == 0 {
			return []string{name, key, integer("start"), integer("end")}
		}
		return []string{name, key, small("start"), small("end")}
	case "PEXPIRE":
		at := rapid.SampledFrom([]int64{-1 << 63, -1, 0, 1_000_000, 2_000_000, 3_000_000, 1<<63 - 1}).Draw(t, "time")
		return append([]string{name, key, strconv.FormatInt(at, 10)}, pick("condition", "", "NX", "XX", "GT", "LT", "XX GT", "XX LT")...)
	case "PEXPIREAT":
		at := rapid.SampledFrom([]int64{-1 << 63, -1, 0, 1, 5_000_000_000_000, 6_000_000_000_000, 1<<63 - 1}).Draw(t, "time")
		return append([]string{name, key, strconv.FormatInt(at, 10)}, pick("condition", "", "NX", "XX", "GT", "LT", "XX GT", "XX LT")...)
	default:
		return []string{name, key}
	}
}

// fit brings seconds into the range that the RESP server lets through: the test's speller multiplies.
func fit(option []string) []string {
	if n, _ := strconv.ParseInt(option[1], 10, 64); option[0][0] == 'E' && n > 9_000_000_000_000 {
		option[1] = "9000000000000"
	}
	return option
}

// showRedis prints a result as ask does.
func showRedis(args []string, r wire.Result) string {
	if args[0] == "TYPE" {
		return string(r.Value) // a simple string
	}
	return show(r)
}

// sameReply compares two replies. Times are equal within five seconds; the error about an expiry
// names the command in Redis, which is the RESP server's part.
func sameReply(command, got, want string) bool {
	if got == want || got == "(error) "+wire.CodeInvalidExpire.Text() && strings.HasPrefix(want, "(error) ERR invalid expire time in") {
		return true
	}
	if command != "PTTL" && command != "PEXPIRETIME" {
		return false
	}
	var a, b int64
	if _, err := fmt.Sscanf(got+" "+want, "(integer) %d (integer) %d", &a, &b); err != nil || a < 0 || b < 0 {
		return false
	}
	return max(a, b)-min(a, b) < 5000
}

// redis is a connection to a real server.
type redis struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

// startRedis starts a redis-server that keeps nothing, on a free port of the loopback interface.
func startRedis(t *testing.T) *redis {
	path, err := exec.LookPath("redis-server")
	if err != nil && os.Getenv("TORC_NEED_REDIS_TOOLS") != "" {
		t.Fatal("redis-server is not installed, and TORC_NEED_REDIS_TOOLS asks for it")
	}
	if err != nil {
		t.Skip("redis-server is not installed: the comparison with real Redis is left out")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, port, _ := net.SplitHostPort(address)
	var output bytes.Buffer
	server := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	server.Stdout, server.Stderr = &output, &output
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return &redis{t, conn, bufio.NewReader(conn)}
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not listen on %s: %v\n%s", address, err, output.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ask sends a command and prints the reply as show does; a list's items are separated by spaces.
func (r *redis) ask(args ...string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	_, err := r.conn.Write(b.Bytes())
	require.NoError(r.t, err)
	return r.reply()
}

func (r *redis) reply() string {
	line, err := r.reader.ReadString('\n')
	require.NoError(r.t, err)
	kind, line := line[0], strings.TrimSuffix(line[1:], "\r\n")
	switch kind {
	case '+':
		return line
	case '-':
		return "(error) " + line
	case ':':
		return "(integer) " + line
	}
	n, err := strconv.Atoi(line)
	require.NoError(r.t, err)
	if kind == '*' {
		items := make([]string, n)
		for i := range items {
			items[i] = r.reply()
		}
		return strings.Join(items, " ")
	}
	if n < 0 {
		return "(nil)"
	}
	data := make([]byte, n+2)
	_, err = io.ReadFull(r.reader, data)
	require.NoError(r.t, err)
	return strconv.Quote(string(data[:n]))
}
