package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

var (
	redisRounds = flag.Int("redis-rounds", 40, "dialogues that TestRepliesAreRedis holds with nodes and with a real redis-server")
	redisSeed   = flag.Uint64("redis-seed", 1, "what they are drawn from")
)

// Random commands with random arguments, the same ones to nodes and to a real redis-server: every reply is the same, byte for byte, but for what
// docs/REDIS.md says is different. (-redis-rounds 2000 asks more; -redis-seed asks others.)
func TestRepliesAreRedis(t *testing.T) {
	for _, mode := range []string{"standalone", "cluster"} {
		t.Run(mode, func(t *testing.T) {
			nodes, settings := 3, []string{}
			if mode == "cluster" {
				nodes, settings = 1, []string{"--redirect"} // one that leads all, or most is MOVED
			}
			c := proctest.Start(t, nodes, settings...)
			redis := startRedis(t, mode == "cluster")
			found := map[string]string{}
			for round := range *redisRounds {
				d := &dialogue{t: t, r: rand.New(rand.NewPCG(*redisSeed, uint64(round))), torc: dialRaw(t, c.Nodes[round%nodes].RESP), redis: dialRaw(t, redis)}
				for kind, text := range d.run(mode == "cluster") {
					if found[kind] == "" {
						found[kind] = fmt.Sprintf("round %d: %s", round, text)
					}
				}
				d.torc.close()
				d.redis.close()
			}
			var list []string
			for _, text := range found {
				list = append(list, text)
			}
			slices.Sort(list)
			if len(list) > 0 {
				t.Fatalf("%d kinds of differences:\n%s", len(list), strings.Join(list, "\n"))
			}
		})
	}
}

// Bytes that are hardly commands: what is answered to them, and whether the connection goes on.
func TestFramesAreRedis(t *testing.T) {
	c := proctest.Start(t, 1, "--shards", "4")
	redis := startRedis(t, false)
	r := rand.New(rand.NewPCG(*redisSeed, 1))
	pieces := []string{"*", "$", "-", "+", ":", "0", "1", "2", "3", "9", "\r\n", "\r\n", "\r\n", "\n", "\r", " ", "\t", "\"", "'", "\\", "\\x41", "\\n", "PING", "ECHO", "x", "4",
		"*1\r\n$4\r\nPING\r\n", "*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\n", "PING\r\n", "ECHO \"a\\x41\"\r\n", "*0\r\n", "*-1\r\n", "$-1\r\n", "*2\r\n$4\r\nECHO\r\n", "*1\r\n", "$4\r\n", "*3\r\n",
		"9223372036854775807", "9223372036854775808", "2147483648", "1048576", "1073741824", "get"}
	for range *redisRounds * 10 {
		var b strings.Builder
		for range 1 + r.IntN(8) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		want, got := converse(t, redis, b.String()), converse(t, c.Nodes[0].RESP, b.String())
		if got != want+"-ERR Protocol error: invalid multibulk length\r\n" { // of more than 1,048,576 arguments; Redis waits for them
			require.Equal(t, want, got, "%q", b.String())
		}
	}
}

// converse says something, says that it says no more, and returns all that is answered.
func converse(t *testing.T, addr, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, _ = io.WriteString(conn, text)
	_ = conn.(*net.TCPConn).CloseWrite()
	reply, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		require.NoError(t, err, "%q", text)
	}
	return string(reply)
}

// startRedis starts a redis-server that keeps nothing, and returns its address.
func startRedis(t *testing.T, cluster bool) string {
	t.Helper()
	path := proctest.NeedTool(t, "redis-server")
	version, err := exec.Command(path, "--version").Output()
	require.NoError(t, err)
	if !strings.Contains(string(version), " v=7.") {
		t.Skipf("replies are held against those of Redis 7, other versions word some otherwise; this is %s", version)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	_, port, _ := net.SplitHostPort(addr)
	args := []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--databases", "1", "--proto-max-bulk-len", "64mb", "--dir", t.TempDir()}
	if cluster {
		args = append(args, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(freePort(t)))
	}
	server := exec.Command(path, args...)
	var output bytes.Buffer
	server.Stdout, server.Stderr = &output, &output
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	proctest.Until(t, 10*time.Second, "redis-server answers", func() error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	if !cluster {
		return addr
	}
	conn := dialRaw(t, addr)
	defer conn.close()
	conn.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	proctest.Until(t, 10*time.Second, "redis-server serves all slots", func() error {
		if info := conn.ask("CLUSTER", "INFO"); !strings.Contains(info, "cluster_state:ok") {
			return fmt.Errorf("%s", info)
		}
		return nil
	})
	return addr
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// rawConn speaks RESP and keeps replies as they are.
type rawConn struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func dialRaw(t *testing.T, addr string) *rawConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(2*time.Minute)))
	return &rawConn{t, conn, bufio.NewReader(conn)}
}

func (c *rawConn) close() { _ = c.conn.Close() }

func (c *rawConn) ask(args ...string) string {
	_, err := io.WriteString(c.conn, bulks(args...))
	require.NoError(c.t, err)
	return c.reply()
}

// reply reads one reply, with all that is in it.
func (c *rawConn) reply() string {
	line, err := c.r.ReadString('\n')
	require.NoError(c.t, err)
	n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
	switch line[0] {
	case '$', '=':
		if n >= 0 {
			body := make([]byte, n+2)
			_, err := io.ReadFull(c.r, body)
			require.NoError(c.t, err)
			line += string(body)
		}
	case '*', '~', '>':
		for range n {
			line += c.reply()
		}
	case '%':
		for range 2 * n {
			line += c.reply()
		}
	}
	return line
}

// dialogue is one connection to each of the two, that are told the same.
type dialogue struct {
	t           *testing.T
	r           *rand.Rand
	torc, redis *rawConn
}

// run asks a number of commands, some at a time, and returns what was answered differently, by kinds.
func (d *dialogue) run(cluster bool) map[string]string {
	found := map[string]string{}
	require.Equal(d.t, d.redis.ask("FLUSHALL"), d.torc.ask("FLUSHALL"))
	var said []string
	for range 12 {
		var batch [][]string
		var text string
		for range 1 + d.r.IntN(8) {
			args := d.command(cluster)
			if strings.EqualFold(args[0], "DBSIZE") { // Redis counts what it has not noticed to have expired
				batch, text = append(batch, []string{"KEYS", "*"}), text+bulks("KEYS", "*")
			}
			batch, text = append(batch, args), text+bulks(args...)
		}
		for _, c := range []*rawConn{d.torc, d.redis} {
			_, err := io.WriteString(c.conn, text)
			require.NoError(d.t, err)
		}
		for _, args := range batch {
			got, want := d.torc.reply(), d.redis.reply()
			said = append(said, fmt.Sprintf("%q", args))
			if alike(args, got, want) {
				continue
			}
			kind := strings.ToUpper(args[0])
			if len(args) > 1 && slices.Contains([]string{"CLIENT", "CONFIG", "COMMAND", "OBJECT", "CLUSTER", "MEMORY"}, kind) {
				kind += " " + strings.ToUpper(args[1])
			}
			kind += fmt.Sprintf(" %.12q %.12q", got, want)
			if found[kind] == "" {
				found[kind] = fmt.Sprintf("%s\n    Torc  %.300q\n    Redis %.300q\n    after %s", said[len(said)-1], got, want, strings.Join(said[max(0, len(said)-9):len(said)-1], " "))
			}
		}
	}
	return found
}

// alike compares two replies, as far as they can be the same.
func alike(args []string, got, want string) bool {
	if got == want {
		return true
	}
	if got[0] != want[0] || got[0] == '-' {
		return false
	}
	switch name := strings.ToUpper(args[0]); name {
	case "TTL", "EXPIRETIME", "PTTL", "PEXPIRETIME":
		a, _ := strconv.ParseInt(strings.TrimSpace(got[1:]), 10, 64)
		b, _ := strconv.ParseInt(strings.TrimSpace(want[1:]), 10, 64)
		within := int64(3)
		if name[0] == 'P' {
			within = 3000
		}
		return a >= 0 && b >= 0 && max(a, b)-min(a, b) <= within
	case "KEYS":
		return sorted(got) == sorted(want)
	case "SCAN": // where a walk has come to is each one's own business
		if len(args) < 2 || args[1] != "0" && args[1] != "" {
			return true
		}
		done := "*2\r\n$1\r\n0\r\n"
		return !strings.HasPrefix(got, done) || !strings.HasPrefix(want, done) || sorted(got) == sorted(want)
	case "DBSIZE": // and what it has not noticed even so
		a, _ := strconv.Atoi(strings.TrimSpace(got[1:]))
		b, _ := strconv.Atoi(strings.TrimSpace(want[1:]))
		return a < b
	case "RANDOMKEY":
		return (got[1] == '-') == (want[1] == '-')
	case "TIME", "MEMORY":
		return true
	case "OBJECT": // how it came to its value, and when it was read, Torc does not know
		return len(args) > 1 && (strings.EqualFold(args[1], "ENCODING") || strings.EqualFold(args[1], "REFCOUNT") || strings.EqualFold(args[1], "IDLETIME"))
	case "CLIENT":
		return len(args) > 1 && (strings.EqualFold(args[1], "ID") || strings.EqualFold(args[1], "LIST"))
	case "HELLO":
		return withoutID(got) == withoutID(want)
	}
	return false
}

func sorted(reply string) string {
	lines := strings.Split(reply, "$")
	slices.Sort(lines[1:])
	return strings.Join(lines, "$")
}

// withoutID leaves the connection's number out of what HELLO answers.
func withoutID(reply string) string {
	before, after, _ := strings.Cut(reply, "$2\r\nid\r\n:")
	_, after, _ = strings.Cut(after, "\r\n")
	return before + after
}

// templates are commands; words in capitals beginning with an underscore are drawn.
var templates = strings.Split(strings.TrimSpace(`
SET _K _V
SET _K _V
SET _K _V _SET
SET _K _V _SET _SET
SET _K _N
SET _K _F
GET _K
GET _K
GETDEL _K
GETEX _K
GETEX _K _TTL
GETEX _K _TTL _TTL
GETEX _K PERSIST
GETSET _K _V
SETNX _K _V
SETEX _K _EX _V
PSETEX _K _PX _V
MGET _K
MGET _K _K _K
MSET _K _V
MSET _K _V _K _V _K _V
MSETNX _K _V
APPEND _K _V
STRLEN _K
GETRANGE _K _N _N
SUBSTR _K _N _N
SETRANGE _K _O _V
INCR _K
DECR _K
INCRBY _K _N
DECRBY _K _N
INCRBYFLOAT _K _F
DEL _K
DEL _K _K _K
UNLINK _K _K
EXISTS _K
EXISTS _K _K _K _K
TYPE _K
TOUCH _K _K
EXPIRE _K _EX
EXPIRE _K _EX _COND
EXPIRE _K _EX _COND _COND
PEXPIRE _K _PX _COND
EXPIREAT _K _EXAT _COND
PEXPIREAT _K _PXAT _COND
TTL _K
PTTL _K
EXPIRETIME _K
PEXPIRETIME _K
PERSIST _K
SCAN _CURSOR COUNT 1000
SCAN 0 COUNT 1000 MATCH _P
SCAN 0 MATCH _P COUNT 1000 TYPE _TYPE
SCAN 0 COUNT _N
SCAN _N _JUNK
KEYS _P
RANDOMKEY
OBJECT ENCODING _K
OBJECT REFCOUNT _K
OBJECT IDLETIME _K
OBJECT FREQ _K
OBJECT _JUNK _K
DBSIZE
FLUSHALL
FLUSHDB ASYNC
FLUSHALL _JUNK
PING
PING _V
ECHO _V
HELLO
HELLO _PROTO
HELLO _PROTO SETNAME _JUNK
HELLO _PROTO AUTH default _V
HELLO _PROTO AUTH _JUNK _JUNK SETNAME x
HELLO _PROTO _JUNK
AUTH _JUNK
AUTH default _V
AUTH _JUNK _JUNK
SELECT _N
SELECT 0
CLIENT GETNAME
CLIENT SETNAME _JUNK
CLIENT ID
CLIENT NO-EVICT _JUNK
CLIENT NO-EVICT on
CLIENT LIST ID _N
CLIENT LIST TYPE _JUNK
CLIENT KILL _JUNK
CLIENT KILL ID x
CLIENT KILL TYPE _JUNK
CLIENT KILL TYPE pubsub
CLIENT KILL ADDR _JUNK LADDR _JUNK
CLIENT KILL USER _JUNK ID 999999
CLIENT KILL ID 999999 SKIPME _JUNK
CLIENT _JUNK
RESET
COMMAND COUNT _JUNK
COMMAND GETKEYS _CMD _K _V _K
COMMAND GETKEYS _JUNK _K
COMMAND GETKEYS _CMD _K
COMMAND DOCS _JUNK
COMMAND LIST FILTERBY PATTERN get
COMMAND LIST FILTERBY _JUNK _V
COMMAND _JUNK
CONFIG GET save
CONFIG GET sa?e _JUNK
CONFIG GET _JUNK
CONFIG _JUNK
MEMORY USAGE _K
MEMORY USAGE _K SAMPLES _N
MEMORY USAGE _K _JUNK _N
MEMORY _JUNK
CLUSTER KEYSLOT _K
CLUSTER _JUNK
TIME
ROLE
_JUNK _V _K
_JUNK
`), "\n")

// clusterTemplates are asked in cluster mode, where Redis answers them.
var clusterTemplates = strings.Split(strings.TrimSpace(`
CLUSTER KEYSLOT _K
CLUSTER COUNTKEYSINSLOT _N
CLUSTER GETKEYSINSLOT _N _N
READONLY
READWRITE
ASKING
MGET {_t}a {_t}b
MSET {_t}a _V {_t}b _V
MSETNX {_t}a _V {_t}b _V
MSETNX {_t}d _V {_t}e _V
DEL {_t}a {_t}b {_t}c
DEL {_t}d {_t}e
`), "\n")

var (
	drawnKeys  = []string{"a", "b", "c", "{t}1", "{t}2", "", "key with spaces", "{}x", "a\r\nb", "\xff\x00"}
	drawnInts  = []string{"0", "1", "-1", "2", "5", "-3", "10", "100", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "2147483648", "x", "", " 1", "1 ", "+1", "01", "1.5", "-0"}
	drawnFloat = []string{"0", "1", "-1", "1.5", "0.1", "-2.25", "1e3", "3.0e3", "1e400", "nan", "inf", "-inf", "abc", "", " 1", "0x10", "1e-10", "123456789.987654321", "9223372036854775807"}
	drawnTimes = map[string][]string{
		"EX":   {"1000", "2000", "0", "-1", "x", "", "9223372036854775807", "9223372036854775", "-9223372036854775808", "9223372036854774"},
		"PX":   {"1000000", "2000000", "0", "-1", "x", "9223372036854775807", "-9223372036854775808"},
		"EXAT": {"99999999999", "88888888888", "1", "0", "-1", "x", "9223372036854775807"},
		"PXAT": {"99999999999000", "88888888888000", "1", "0", "-1", "x", "9223372036854775807"},
	}
	drawnJunk  = []string{"", "x", "foo", "NX", "EX", "default", "a b", "*", "\r\n", "\x00", "é", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
	drawnGlobs = []string{"*", "a", "a*", "?", "[abc]", "[^a]", "{t}?", "*1", "\\a", "", "**", "[a-c]*", "[", "a[", "\\"}
	drawnTypes = []string{"string", "STRING", "hash", "list", "nothing", ""}
	drawnNames = []string{"get", "SET", "mset", "del", "ping", "object", "object|encoding", "getex", "client", "append", "strlen", "expire", "touch", "scan", "auth", "select", "echo", "incrbyfloat", "setrange",
		"psetex", "unlink", "type", "ttl", "persist", "randomkey", "dbsize", "time", "reset", "quit", "hello", "exists", "mget", "msetnx", "getdel", "substr", "keys", "decr", "decrby", "expiretime", "readonly", "asking"}
)

func (d *dialogue) draw(from []string) string { return from[d.r.IntN(len(from))] }

// command draws a command.
func (d *dialogue) command(cluster bool) []string {
	from := templates
	if cluster && d.r.IntN(6) == 0 {
		from = clusterTemplates
	}
	var args []string
	for _, word := range strings.Fields(d.draw(from)) {
		args = append(args, d.word(word)...)
	}
	switch at := d.r.IntN(len(args)); {
	case d.r.IntN(25) == 0:
		args = args[:len(args)-1]
	case d.r.IntN(25) == 0:
		args = append(args, d.draw(drawnJunk))
	case d.r.IntN(40) == 0 && at > 0:
		args[at] = d.draw(drawnJunk)
	}
	if len(args) == 0 || args[0] == "" {
		return []string{"PING"}
	}
	if d.r.IntN(4) == 0 {
		args[0] = strings.ToLower(args[0])
	}
	if !compared(args, cluster) {
		return []string{"PING"}
	}
	return args
}

// compared leaves out what docs/REDIS.md says is different.
func compared(args []string, cluster bool) bool {
	sub := ""
	if len(args) > 1 {
		sub = strings.ToUpper(args[1])
	}
	switch strings.ToUpper(args[0]) {
	case "MSET": // in a cluster Redis looks at keys before it counts arguments
		return !cluster || len(args)%2 == 1
	case "MSETNX":
		return len(args) <= 3 || (len(args)%2 == 0) != cluster
	case "COMMAND":
		return len(args) > 2 && sub != "INFO" && !slices.Contains(args, "*") // which has our own words in it, and sets in another order
	case "CONFIG":
		return !slices.Contains(args[1:], "*")
	case "CLUSTER":
		return cluster && sub != "" || len(args) == 1
	}
	return true
}

func (d *dialogue) word(word string) []string {
	switch word {
	case "_K":
		return []string{d.draw(drawnKeys)}
	case "_N":
		return []string{d.draw(drawnInts)}
	case "_O":
		return []string{d.draw([]string{"0", "1", "5", "20", "-1", "9223372036854775807", "67108864", "x", "536870911"})}
	case "_F":
		return []string{d.draw(drawnFloat)}
	case "_V":
		switch d.r.IntN(4) {
		case 0:
			return []string{d.draw(drawnInts)}
		case 1:
			return []string{strings.Repeat("v", d.r.IntN(60))}
		case 2:
			return []string{d.draw(drawnFloat)}
		}
		return []string{d.draw(drawnJunk)}
	case "_EX", "_PX", "_EXAT", "_PXAT":
		return []string{d.draw(drawnTimes[word[1:]])}
	case "_TTL":
		name := d.draw([]string{"EX", "PX", "EXAT", "PXAT"})
		return []string{d.cased(name), d.draw(drawnTimes[name])}
	case "_SET":
		switch option := d.draw([]string{"NX", "XX", "GET", "KEEPTTL", "_TTL", "_TTL", "_JUNK"}); option {
		case "_TTL", "_JUNK":
			return d.word(option)
		default:
			return []string{d.cased(option)}
		}
	case "_COND":
		return []string{d.cased(d.draw([]string{"NX", "XX", "GT", "LT", "foo"}))}
	case "_CURSOR":
		return []string{d.draw([]string{"0", "0", "0", "x", "", "-", " 0", "0x"})}
	case "_P":
		return []string{d.draw(drawnGlobs)}
	case "_TYPE":
		return []string{d.draw(drawnTypes)}
	case "_PROTO":
		return []string{d.draw([]string{"2", "3", "3", "1", "4", "x", ""})}
	case "_CMD":
		return []string{d.draw(drawnNames)}
	case "_JUNK":
		return []string{d.draw(drawnJunk)}
	case "{_t}a", "{_t}b", "{_t}c", "{_t}d", "{_t}e":
		return []string{"{t}" + word[4:]}
	}
	return []string{word}
}

func (d *dialogue) cased(s string) string {
	if d.r.IntN(3) == 0 {
		return strings.ToLower(s)
	}
	return s
}
