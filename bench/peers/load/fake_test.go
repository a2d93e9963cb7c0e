package load

import (
	"bufio"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scripted listens, reads so many bytes of one connection, answers with what it was told to, and hangs up.
func scripted(t *testing.T, read int, answer string) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.CopyN(io.Discard, bufio.NewReader(conn), int64(read))
		_, _ = io.WriteString(conn, answer)
	}()
	return l.Addr().String()
}

// callerFunc is a peer made of a function.
type callerFunc func(batch []Op)

func (f callerFunc) Do(batch []Op) { f(batch) }
func (f callerFunc) Close()        {}

// after answers right, after a while.
func after(d time.Duration) callerFunc {
	return func(batch []Op) {
		time.Sleep(d)
		failAll(batch, nil)
	}
}

var errFake = errors.New("refused by a fake")
