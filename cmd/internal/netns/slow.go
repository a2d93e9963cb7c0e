package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"torc/cmd/internal/delay"
)

// Slow makes the connections between hosts slow: those that are made to one port while it is there.
// Each host's own connections go by a proxy on that host, so addresses, cuts and losses mean what
// they did.
type Slow struct {
	lab     *Lab
	proxies []*delay.Proxy

	mu    sync.Mutex
	links map[Link]*delay.Link
}

// SlowDown readies slow links for a port that the hosts listen on. They are as fast as ever until Set
// is called. Close of the lab ends them.
func (l *Lab) SlowDown(ctx context.Context, port uint16) (*Slow, error) {
	s := &Slow{lab: l, links: map[Link]*delay.Link{}}
	for i := range l.hosts {
		if err := s.intercept(ctx, i, port); err != nil {
			return nil, errors.Join(fmt.Errorf("making the links of host %d slow: %w", i+1, err), s.close())
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slow = append(l.slow, s)
	return s, nil
}

// intercept sends what a host connects to a port of another by way of a proxy.
func (s *Slow) intercept(ctx context.Context, host int, port uint16) error {
	var listener net.Listener
	err := inside(s.lab.host(host), func() (err error) {
		listener, err = net.Listen("tcp4", "127.0.0.1:0")
		return err
	})
	if err != nil {
		return err
	}
	s.proxies = append(s.proxies, delay.Serve(listener, delay.Options{
		Dial: func(ctx context.Context, accepted net.Conn) (far net.Conn, err error) {
			to, err := meantFor(accepted)
			if err != nil {
				return nil, err
			}
			err = inside(s.lab.host(host), func() (err error) {
				far, err = dialMarked(ctx, to)
				return err
			})
			return far, err
		},
		Link: func(accepted net.Conn) *delay.Link {
			to, err := meantFor(accepted)
			if err != nil {
				return &delay.Link{} // Dial will say it
			}
			return s.link(Link{s.lab.Host(host), to.Addr()})
		},
	}))
	_, err = nft(ctx, s.lab.host(host), redirection(s.lab.subnet, port, listener.Addr().(*net.TCPAddr).Port), "-f", "-")
	return err
}

// mark is on what a proxy sends itself: it is not sent back to it.
const mark = 0x746f7263

// redirection is the ruleset of a host whose connections to a port go by a proxy.
func redirection(subnet netip.Prefix, port uint16, proxy int) string {
	return fmt.Sprintf(`table ip torc {
	chain out {
		type nat hook output priority -100; policy accept;
		ip daddr %v tcp dport %d meta mark != %#x redirect to :%d
	}
}
`, subnet, port, mark, proxy)
}

// link is the way of connections that one host makes to another.
func (s *Slow) link(l Link) *delay.Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.links[l] == nil {
		s.links[l] = &delay.Link{}
	}
	return s.links[l]
}

// Set changes how long one direction between two hosts takes, on whichever host's connections.
func (s *Slow) Set(from, to netip.Addr, p delay.Pace) {
	s.link(Link{from, to}).There.Set(p)
	s.link(Link{to, from}).Back.Set(p)
}

// Delayed counts the bytes that were made to wait so far.
func (s *Slow) Delayed() (bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		bytes += l.There.Delayed() + l.Back.Delayed()
	}
	return bytes
}

func (s *Slow) close() error {
	var wrong []error
	for _, p := range s.proxies {
		wrong = append(wrong, p.Close())
	}
	return errors.Join(wrong...)
}
