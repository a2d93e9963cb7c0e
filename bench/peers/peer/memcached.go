package peer

import (
	"context"
	"net"
	"os"
	"strings"

	"torc/bench/peers/load"
)

// memcachedFlags hold all that is written here, and as many connections as callers.
var memcachedFlags = []string{"-m", "1024", "-c", "4096", "-U", "0"}

func startMemcached(ctx context.Context, _ Options, dir string) (*Server, []Peer, error) {
	addrs, err := freeAddrs(1)
	if err != nil {
		return nil, nil, err
	}
	args := append([]string{"-l", "127.0.0.1", "-p", port(addrs[0])}, memcachedFlags...)
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root") // it refuses to be root unasked
	}
	s := &Server{}
	p, err := s.add(dir, "memcached", "memcached", args...)
	if err != nil {
		return s, nil, err
	}
	err = p.waitFor(ctx, "memcached", func() error {
		conn, err := net.Dial("tcp", addrs[0])
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return s, []Peer{{Name: "memcached", Target: load.Memcached{Addr: addrs[0]}, Facts: Facts{
		What: "one memcached", Version: strings.TrimPrefix(firstLine("memcached", "--version"), "memcached "), Flags: flags(memcachedFlags...),
		Copies: "1", Durable: "nothing: lost when the process ends", Consistent: "linearizable: there is one copy",
		Pipeline: "commands on one connection",
	}}}, err
}
