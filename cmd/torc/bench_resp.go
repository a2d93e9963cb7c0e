package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// respTarget is a server that speaks the Redis protocol: Torc's own RESP port, or a redis-server to
// compare with. The client here does as little as it can, so that the server is what is measured.
type respTarget struct {
	addr     string
	password string
	tls      *tls.Config
	timeout  time.Duration // for a batch of requests
}

func (c *connection) respTarget(addr string) (*respTarget, error) {
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	config, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	return &respTarget{addr: addr, password: password, tls: config, timeout: c.timeout}, nil
}

// dial connects and authenticates.
func (t *respTarget) dial(ctx context.Context) (*respConn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	var conn net.Conn
	var err error
	if t.tls != nil {
		conn, err = (&tls.Dialer{Config: t.tls}).DialContext(ctx, "tcp", t.addr)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", t.addr)
	}
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c := &respConn{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), out: bufio.NewWriterSize(conn, 64<<10)}
	if t.password == "" {
		return c, nil
	}
	_ = conn.SetDeadline(time.Now().Add(t.timeout))
	c.command("AUTH", []byte(t.password))
	if err = c.out.Flush(); err == nil {
		err = c.reply()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%s: authenticate: %w", t.addr, err)
	}
	return c, nil
}

// respAsker is one caller's connection. It is made anew after it broke, with the next request.
type respAsker struct {
	target *respTarget
	conn   *respConn // nil: to be made
}

// newRESPAsker connects at once: a wrong address or password is an error before the run, not 100,000
// errors of it.
func newRESPAsker(ctx context.Context, t *respTarget) (*respAsker, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &respAsker{target: t, conn: conn}, nil
}

func (a *respAsker) close() {
	if a.conn != nil {
		_ = a.conn.conn.Close()
		a.conn = nil
	}
}

// ask writes all requests in one piece and reads as many replies. When the connection breaks, every
// request that has no reply has failed.
func (a *respAsker) ask(read bool, keys []string, value []byte) []error {
	outcomes := make([]error, len(keys))
	answered, err := a.exchange(read, keys, value, outcomes)
	if err == nil {
		return outcomes
	}
	a.close()
	for i := answered; i < len(outcomes); i++ {
		outcomes[i] = err
	}
	return outcomes
}

// exchange tells how many replies came, and what ended it.
func (a *respAsker) exchange(read bool, keys []string, value []byte, outcomes []error) (answered int, err error) {
	if a.conn == nil {
		if a.conn, err = a.target.dial(context.Background()); err != nil {
			return 0, err
		}
	}
	_ = a.conn.conn.SetDeadline(time.Now().Add(a.target.timeout)) // a closed connection says so below
	for _, key := range keys {
		if read {
			a.conn.command("GET", []byte(key))
		} else {
			a.conn.command("SET", []byte(key), value)
		}
	}
	if err := a.conn.out.Flush(); err != nil {
		return 0, fmt.Errorf("write: %w", err)
	}
	for i := range keys {
		err := a.conn.reply()
		if refusal := (serverError{}); err != nil && !errors.As(err, &refusal) {
			return i, err
		}
		outcomes[i] = err
	}
	return len(keys), nil
}

// respConn writes commands and reads just enough of a reply to know where it ends
// (https://redis.io/docs/latest/develop/reference/protocol-spec/).
type respConn struct {
	conn    net.Conn
	in      *bufio.Reader
	out     *bufio.Writer
	replied bool // at least once
}

// command writes a command; Flush tells of errors.
func (c *respConn) command(name string, args ...[]byte) {
	var number [20]byte
	head := func(kind byte, n int) {
		_ = c.out.WriteByte(kind)
		_, _ = c.out.Write(strconv.AppendInt(number[:0], int64(n), 10))
		_, _ = c.out.WriteString("\r\n")
	}
	head('*', len(args)+1)
	head('$', len(name))
	_, _ = c.out.WriteString(name + "\r\n")
	for _, arg := range args {
		head('$', len(arg))
		_, _ = c.out.Write(arg)
		_, _ = c.out.WriteString("\r\n")
	}
}

// serverError is an error that the server replied with; the connection is fine.
type serverError struct{ text string }

func (e serverError) Error() string { return e.text }

// errProtocol says that a reply is none that GET, SET or AUTH can have.
var errProtocol = errors.New("not a reply of the Redis protocol")

// bulkMost is the largest value that Redis allows.
const bulkMost = 512 << 20

// errHungUp says that a server had nothing to say. A port for TLS ends what does not begin with it so, perhaps after an alert.
var errHungUp = errors.New("the server closed the connection without a reply: if the port is for TLS, say --tls (or --tls-ca FILE)")

// reply reads one reply and forgets its value.
func (c *respConn) reply() error {
	line, err := c.in.ReadSlice('\n')
	first := !c.replied
	c.replied = c.replied || err == nil
	switch {
	case errors.Is(err, io.EOF) && first:
		return errHungUp
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Errorf("%w: a line without end", errProtocol)
	case err != nil:
		return fmt.Errorf("read: %w", err)
	case len(line) < 3 || line[len(line)-2] != '\r':
		return fmt.Errorf("%w: %q", errProtocol, line)
	}
	text := line[1 : len(line)-2]
	switch line[0] {
	case '+', ':', '_':
		return nil
	case '-':
		return serverError{string(text)}
	case '$':
		return c.skipBulk(string(text))
	}
	return fmt.Errorf("%w: %q", errProtocol, line)
}

func (c *respConn) skipBulk(length string) error {
	n, err := strconv.Atoi(length)
	if err != nil || n < -1 || n > bulkMost {
		return fmt.Errorf("%w: length %q", errProtocol, length)
	}
	if n == -1 { // absent
		return nil
	}
	if _, err := c.in.Discard(n); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	var end [2]byte
	if _, err := io.ReadFull(c.in, end[:]); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if string(end[:]) != "\r\n" {
		return fmt.Errorf("%w: a value without end", errProtocol)
	}
	return nil
}

// timedOut tells a server that is silent from one that is gone.
func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}
