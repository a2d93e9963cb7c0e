package resp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// CLIENT KILL closes the connections that it means, its own after its answer.
func TestClientKill(t *testing.T) {
	s := serve(t, newFakeNode(4))
	ask := func(c net.Conn, command string) string {
		_, err := io.WriteString(c, command+"\r\n")
		require.NoError(t, err)
		line, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err)
		return strings.TrimSpace(line)
	}
	ended := func(c net.Conn) {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
		_, err := c.Read(make([]byte, 1))
		require.Error(t, err)
		require.NotErrorIs(t, err, net.ErrClosed)
		require.NotContains(t, err.Error(), "timeout", "it is open")
	}
	me, other, third := dial(t, s), dial(t, s), dial(t, s)
	id := func(c net.Conn) string { return ask(c, "CLIENT ID")[1:] }
	require.Equal(t, ":1", ask(me, "CLIENT KILL ID "+id(other)))
	ended(other)
	require.Equal(t, ":0", ask(me, "CLIENT KILL ID "+id(me)), "one spares oneself")
	require.Equal(t, ":0", ask(me, "CLIENT KILL TYPE pubsub SKIPME no"))
	require.Equal(t, "-ERR No such client", ask(me, "CLIENT KILL 127.0.0.1:1"))
	id(third)
	require.Equal(t, "+OK", ask(me, fmt.Sprint("CLIENT KILL ", third.LocalAddr())))
	ended(third)
	fourth := dial(t, s)
	id(fourth)
	require.Equal(t, ":2", ask(me, "CLIENT KILL USER default SKIPME no"))
	ended(fourth)
	ended(me)
}
