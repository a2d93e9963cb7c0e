package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/cmd/internal/proctest"
)

// Whatever a client sends, it gets Redis's words, its connection is closed only where Redis closes
// it, the node's memory stays bounded and the other clients do not notice.
func TestBadInput(t *testing.T) {
	c := proctest.Start(t, 1, "--shards", "4", "--max-value", "1MiB")
	n := c.Nodes[0]
	neighbour := redisClient(t, n)
	ctx := context.Background()
	require.NoError(t, neighbour.Set(ctx, "k", "v", 0).Err())
	before := memoryOf(t, n)
	for _, input := range []struct {
		name, send, want string
		closes           bool
	}{
		{name: "unknown command", send: "*2\r\n$4\r\nFROB\r\n$1\r\nx\r\n", want: "-ERR unknown command 'FROB', with args beginning with: 'x' "},
		{name: "wrong arity", send: "*1\r\n$3\r\nGET\r\n", want: "-ERR wrong number of arguments for 'get' command"},
		{name: "inline wrong arity", send: "SET k\r\n", want: "-ERR wrong number of arguments for 'set' command"},
		{name: "syntax", send: "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nNX\r\n$2\r\nXX\r\n", want: "-ERR syntax error"},
		{name: "not an integer", send: "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nEX\r\n$1\r\nx\r\n", want: "-ERR syntax error"},
		{name: "too many arguments", send: "*1048577000\r\n", want: "-ERR Protocol error: invalid multibulk length", closes: true},
		{name: "huge bulk", send: "*2\r\n$3\r\nGET\r\n$999999999999\r\n", want: "-ERR Protocol error: invalid bulk length", closes: true},
		{name: "negative bulk", send: "*2\r\n$3\r\nGET\r\n$-5\r\n", want: "-ERR Protocol error: invalid bulk length", closes: true},
		{name: "no bulk", send: "*2\r\n$3\r\nGET\r\n:5\r\n", want: "-ERR Protocol error: expected '$', got ':'", closes: true},
		{name: "nested arrays", send: strings.Repeat("*1\r\n", 100_000), want: "-ERR Protocol error: expected '$', got '*'", closes: true},
		{name: "unbalanced quotes", send: "SET k \"v\r\n", want: "-ERR Protocol error: unbalanced quotes in request", closes: true},
		{name: "endless line", send: strings.Repeat("a", 100_000), want: "-ERR Protocol error: too big inline request", closes: true},
		{name: "oversized key", send: bulks("SET", strings.Repeat("k", 65<<10), "v"), want: "-ERR "},
		{name: "oversized value", send: "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n", want: "-ERR Protocol error: invalid bulk length", closes: true},
	} {
		t.Run(input.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", n.RESP)
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
			go func() { _, _ = io.WriteString(conn, input.send) }() // the node may hang up before it has read all
			r := bufio.NewReader(conn)
			line, err := r.ReadString('\n')
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(line, input.want), "answered %q, want %q", line, input.want)
			if input.closes {
				_, err = r.ReadByte()
				require.Error(t, err, "Redis closes the connection here")
				return
			}
			_, err = io.WriteString(conn, "PING\r\n")
			require.NoError(t, err)
			line, err = r.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "+PONG\r\n", line, "Redis goes on here")
		})
	}
	t.Run("truncated", func(t *testing.T) {
		for range 200 {
			conn, err := net.Dial("tcp", n.RESP)
			require.NoError(t, err)
			_, err = io.WriteString(conn, "*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$1000000\r\nthe rest never comes")
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		}
	})
	require.Equal(t, "v", neighbour.Get(ctx, "k").Val(), "the neighbour is undisturbed")
	require.Zero(t, neighbour.Exists(ctx, "half").Val(), "half a command is no command")
	require.Less(t, memoryOf(t, n)-before, int64(256<<20), "memory stays bounded")
}

func bulks(parts ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(parts))
	for _, p := range parts {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(p), p)
	}
	return b.String()
}

// memoryOf is the process's resident memory in bytes (Linux; elsewhere 0).
func memoryOf(t *testing.T, n *proctest.Node) int64 {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", n.PID()))
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(stat))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}
