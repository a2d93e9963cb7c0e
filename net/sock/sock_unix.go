//go:build unix

package sock

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// Conn is a TCP connection. At most one goroutine at a time may Read; any number may Write.
type Conn struct {
	*net.TCPConn
	raw  syscall.RawConn
	in   transfer
	out  transfer
	many gathering
	outs sync.Mutex // whose turn it is to write
}

// Wrap returns the connection as a *Conn if it is a plain TCP connection, or else as it is.
func Wrap(nc net.Conn) net.Conn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nc
	}
	c := &Conn{TCPConn: tcp, raw: raw}
	c.in.attempt = c.in.attempts(sysRead)
	c.out.attempt = c.out.attempts(sysWrite)
	c.many.attempt = c.many.attempts()
	return c
}

// transfer is one direction. Its function is made once: one for each call would be an allocation.
type transfer struct {
	bytes   []byte
	n       int
	errno   syscall.Errno
	try     bool // once, without waiting
	attempt func(fd uintptr) bool
}

// attempts makes what is called when the socket may be ready: it says whether the waiting is over.
func (t *transfer) attempts(trap uintptr) func(fd uintptr) bool {
	return func(fd uintptr) bool {
		for {
			t.n, t.errno = call(trap, fd, t.bytes)
			if t.errno != syscall.EINTR {
				return t.errno != syscall.EAGAIN || t.try
			}
		}
	}
}

// gathering is a transfer of several pieces.
type gathering struct {
	transfer
	pieces [][]byte
	vector vector
}

func (g *gathering) attempts() func(fd uintptr) bool {
	return func(fd uintptr) bool {
		for {
			g.n, g.errno = g.vector.write(fd, g.pieces, oneMost)
			if g.errno != syscall.EINTR {
				return g.errno != syscall.EAGAIN || g.try
			}
		}
	}
}

// piecesMost bounds the pieces of a system call; the kernel would take 1024.
const piecesMost = 64

// oneMost bounds a single system call: the kernel copies so much while nothing else can run on this thread.
const oneMost = 256 << 10

// Read is net.Conn's.
func (c *Conn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c.in.bytes, c.in.n, c.in.errno = b[:min(len(b), oneMost)], 0, 0
	err := c.raw.Read(c.in.attempt)
	c.in.bytes = nil
	switch {
	case err != nil:
		return 0, plain(err)
	case c.in.errno != 0:
		return 0, c.fault("read", c.in.errno)
	case c.in.n == 0:
		return 0, io.EOF
	}
	return c.in.n, nil
}

// Write is net.Conn's.
func (c *Conn) Write(b []byte) (written int, err error) {
	c.outs.Lock()
	defer c.outs.Unlock()
	for written < len(b) {
		c.out.bytes, c.out.n, c.out.errno = b[written:min(len(b), written+oneMost)], 0, 0
		err := c.raw.Write(c.out.attempt)
		c.out.bytes = nil
		switch {
		case err != nil:
			return written, plain(err)
		case c.out.errno != 0:
			return written, c.fault("write", c.out.errno)
		case c.out.n == 0:
			return written, c.fault("write", syscall.EIO) // a socket takes something or says why not
		}
		written += c.out.n
	}
	return written, nil
}

// TryWrite writes what the socket takes at once, and returns how much that was. Errors are left for the next Write
// to find.
func (c *Conn) TryWrite(b []byte) int {
	if len(b) == 0 || !c.outs.TryLock() {
		return 0
	}
	defer c.outs.Unlock()
	c.out.bytes, c.out.n, c.out.errno, c.out.try = b[:min(len(b), oneMost)], 0, 0, true
	err := c.raw.Write(c.out.attempt)
	c.out.bytes, c.out.try = nil, false
	if err != nil {
		return 0
	}
	return c.out.n
}

// WriteBuffers writes several pieces with few system calls. As net.Buffers has it, it changes the list.
func (c *Conn) WriteBuffers(b *net.Buffers) (written int64, err error) {
	c.outs.Lock()
	defer c.outs.Unlock()
	for {
		if *b = advance(*b, 0); len(*b) == 0 {
			return written, nil
		}
		c.many.pieces, c.many.n, c.many.errno = *b, 0, 0
		err := c.raw.Write(c.many.attempt)
		c.many.pieces = nil
		switch {
		case err != nil:
			return written, plain(err)
		case c.many.errno != 0:
			return written, c.fault("write", c.many.errno)
		case c.many.n == 0:
			return written, c.fault("write", syscall.EIO)
		}
		written += int64(c.many.n)
		*b = advance(*b, c.many.n)
	}
}

// TryWriteBuffers is TryWrite for several pieces, and leaves the list as it is.
func (c *Conn) TryWriteBuffers(pieces [][]byte) int {
	if len(pieces) == 0 || !c.outs.TryLock() {
		return 0
	}
	defer c.outs.Unlock()
	c.many.pieces, c.many.n, c.many.errno, c.many.try = pieces, 0, 0, true
	err := c.raw.Write(c.many.attempt)
	c.many.pieces, c.many.try = nil, false
	if err != nil {
		return 0
	}
	return c.many.n
}

// advance takes n bytes off the front, and what is empty there.
func advance(b net.Buffers, n int) net.Buffers {
	for len(b) > 0 && n >= len(b[0]) {
		n -= len(b[0])
		b[0] = nil
		b = b[1:]
	}
	if n > 0 {
		b[0] = b[0][n:]
	}
	return b
}

// fault words an error as net does.
func (c *Conn) fault(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
}

// plain is the error of a raw read or write under the name that net gives it.
func plain(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		op.Op = map[string]string{"raw-read": "read", "raw-write": "write"}[op.Op]
	}
	return err
}
