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

// WriteBuffers writes several pieces with as few system calls as possible.
func (c *Conn) WriteBuffers(b *net.Buffers) (int64, error) {
	c.outs.Lock()
	defer c.outs.Unlock()
	return b.WriteTo(c.TCPConn)
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
