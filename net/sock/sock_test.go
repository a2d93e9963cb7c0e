//go:build unix

package sock

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pair connects a Conn with an ordinary connection.
func pair(t *testing.T) (*Conn, *net.TCPConn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, ln.Close()) }()
	far, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	near, err := ln.Accept()
	require.NoError(t, err)
	c, ok := Wrap(near).(*Conn)
	require.True(t, ok)
	t.Cleanup(func() { _, _ = c.Close(), far.Close() })
	return c, far.(*net.TCPConn)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	c, far := pair(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // more than one system call takes, or a socket holds
	var both sync.WaitGroup
	both.Go(func() {
		_, err := c.Write(data)
		require.NoError(t, err)
		require.NoError(t, c.CloseWrite())
	})
	both.Go(func() {
		_, err := io.Copy(far, far) // until c has said all
		require.NoError(t, err)
		require.NoError(t, far.CloseWrite())
	})
	got, err := io.ReadAll(c)
	require.NoError(t, err, "the end is io.EOF")
	require.True(t, bytes.Equal(data, got))
	both.Wait()
}

func TestManyPiecesAreWrittenInOrder(t *testing.T) {
	c, far := pair(t)
	buffers := net.Buffers{[]byte("one "), []byte("two "), []byte("three")}
	n, err := c.WriteBuffers(&buffers)
	require.NoError(t, err)
	require.EqualValues(t, 13, n)
	require.NoError(t, c.CloseWrite())
	got, err := io.ReadAll(far)
	require.NoError(t, err)
	require.Equal(t, "one two three", string(got))
}

// More pieces, and longer ones, than a system call takes, to somebody who reads slowly.
func TestPiecesOfAnyLengthAreWrittenInOrder(t *testing.T) {
	c, far := pair(t)
	var buffers net.Buffers
	var want []byte
	for i := range 3 * piecesMost {
		piece := bytes.Repeat([]byte{byte(i)}, []int{0, 1, 100, 70_000}[i%4])
		if i == 5 {
			piece = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		}
		buffers, want = append(buffers, piece), append(want, piece...)
	}
	var all sync.WaitGroup
	all.Go(func() {
		n, err := c.WriteBuffers(&buffers)
		require.NoError(t, err)
		require.EqualValues(t, len(want), n)
		require.Empty(t, buffers)
		require.NoError(t, c.CloseWrite())
	})
	got, err := io.ReadAll(far)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
	all.Wait()
}

func TestTryWriteBuffersNeverWaits(t *testing.T) {
	c, far := pair(t)
	pieces := [][]byte{[]byte("head"), nil, bytes.Repeat([]byte("x"), 64<<10), []byte("tail")}
	want := bytes.Join(pieces, nil)
	require.Zero(t, c.TryWriteBuffers(nil))
	taken := 0
	for n := len(want); n == len(want); taken += n {
		n = c.TryWriteBuffers(pieces)
	}
	require.Zero(t, c.TryWriteBuffers(pieces), "the socket is full, and nobody reads")
	require.Equal(t, "head", string(pieces[0]), "the list stays as it is")
	got := make([]byte, taken)
	_, err := io.ReadFull(far, got)
	require.NoError(t, err)
	for i := 0; i < taken; i += len(want) {
		part := got[i:min(taken, i+len(want))]
		require.True(t, bytes.Equal(want[:len(part)], part))
	}
	require.NoError(t, c.Close())
	require.Zero(t, c.TryWriteBuffers(pieces))
}

func TestTryWriteNeverWaits(t *testing.T) {
	c, far := pair(t)
	data, taken := make([]byte, 64<<10), 0
	for n := len(data); n == len(data); taken += n {
		n = c.TryWrite(data)
	}
	require.Zero(t, c.TryWrite(data), "the socket is full, and nobody reads")
	require.Zero(t, c.TryWrite(nil))

	writing := make(chan error, 1)
	go func() {
		_, err := c.Write(data)
		writing <- err
	}()
	for c.outs.TryLock() { // until Write has it
		c.outs.Unlock()
		time.Sleep(time.Millisecond)
	}
	require.Zero(t, c.TryWrite(data), "a Write waits for room: it goes first")

	_, err := io.CopyN(io.Discard, far, int64(taken+len(data)))
	require.NoError(t, err, "nothing is lost, nothing is there twice")
	require.NoError(t, <-writing)
	require.NoError(t, c.CloseWrite())
	rest, err := io.ReadAll(far)
	require.NoError(t, err)
	require.Empty(t, rest)
}

func TestDeadlinesHold(t *testing.T) {
	c, _ := pair(t)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var timeout net.Error
	require.True(t, errors.As(err, &timeout) && timeout.Timeout())

	require.NoError(t, c.SetWriteDeadline(time.Now().Add(20*time.Millisecond)))
	_, err = c.Write(make([]byte, 64<<20))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)

	require.NoError(t, c.SetReadDeadline(time.Unix(1, 0)))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.ErrorContains(t, err, "read tcp", "worded as ever")
}

func TestCloseEndsAReadThatWaits(t *testing.T) {
	c, _ := pair(t)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}()
	time.Sleep(10 * time.Millisecond)
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-ended, net.ErrClosed)
	_, err := c.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	require.Zero(t, c.TryWrite([]byte("x")))
}

func TestABrokenConnectionSaysSo(t *testing.T) {
	c, far := pair(t)
	require.NoError(t, far.SetLinger(0))
	require.NoError(t, far.Close()) // a reset
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Zero(t, c.TryWrite([]byte("x")), "the next Write says why")
	_, err = c.Write([]byte("x"))
	require.Error(t, err)
}

func TestOtherConnectionsStayAsTheyAre(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _, _ = a.Close(), b.Close() }()
	require.Equal(t, a, Wrap(a))
	secret := tls.Client(a, nil)
	require.Equal(t, net.Conn(secret), Wrap(secret))
}

func BenchmarkRoundTrip(b *testing.B) {
	for name, wrap := range map[string]func(net.Conn) net.Conn{"net": func(c net.Conn) net.Conn { return c }, "sock": Wrap} {
		b.Run(name, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(b, err)
			far, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(b, err)
			near, err := ln.Accept()
			require.NoError(b, err)
			defer func() { _, _, _ = near.Close(), far.Close(), ln.Close() }()
			c, back := wrap(near), wrap(far)
			go func() { _, _ = io.Copy(struct{ io.Writer }{back}, struct{ io.Reader }{back}) }()
			buf := make([]byte, 100)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(buf); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
