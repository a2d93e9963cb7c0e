package delay

import (
	"context"
	"net"
	"sync"
	"time"
)

// dialWithin is how long a connection may take to be made, like a node's own patience.
const dialWithin = time.Second

// Options say what a proxy does with the connections that it accepts.
type Options struct {
	// Dial connects to where an accepted connection was meant to go, and says which link that is.
	Dial func(ctx context.Context, accepted net.Conn) (net.Conn, error)
	// Link is the link that an accepted connection takes.
	Link func(accepted net.Conn) *Link
}

// Proxy forwards connections, slowly.
type Proxy struct {
	o        Options
	listener net.Listener
	stop     chan struct{}
	once     sync.Once
	busy     sync.WaitGroup
}

// Serve makes a proxy of a listener, which it owns from now on.
func Serve(l net.Listener, o Options) *Proxy {
	p := &Proxy{o: o, listener: l, stop: make(chan struct{})}
	p.busy.Go(p.accept)
	return p
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() net.Addr { return p.listener.Addr() }

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			select {
			case <-p.stop:
				return
			case <-time.After(10 * time.Millisecond): // too many open files, perhaps
				continue
			}
		}
		p.busy.Go(func() { p.forward(near) })
	}
}

// forward serves one connection. Its first word travels, too: the other end is dialled after the
// time that a packet would take to get there.
func (p *Proxy) forward(near net.Conn) {
	link := p.o.Link(near)
	far, err := p.dial(near, link.There.draw())
	if err != nil {
		reset(near)
		return
	}
	pair(near, far, link, p.stop)
}

func (p *Proxy) dial(near net.Conn, after time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), after+dialWithin)
	defer cancel()
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.stop:
		return nil, errStopped
	}
	return p.o.Dial(ctx, near)
}

// reset closes a connection so that its owner sees an error rather than an end.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// Close closes the proxy and all its connections, and waits for them.
func (p *Proxy) Close() error {
	var err error
	p.once.Do(func() {
		close(p.stop)
		err = p.listener.Close()
	})
	p.busy.Wait()
	return err
}
