package peer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"torc/bench/peers/load"
)

// Peer is one column of the table: a server and a way to speak to it.
type Peer struct {
	Name   string
	Facts  Facts
	Target load.Target `json:"-"`
	Server *Server     `json:"-"`
}

// Facts are what a reader must know to judge a figure.
type Facts struct {
	What       string // in a few words
	Version    string
	Flags      string // of one of its processes; what is not named is at its default
	Copies     string // that have a write when it is acknowledged
	Durable    string // what of an acknowledged write survives
	Consistent string // what a read may return
	Pipeline   string // what a pipeline is to it
}

// Server is some processes that make up one service.
type Server struct {
	Name      string
	RESP      []string // Redis addresses, if it has any
	processes []*process
	data      string // a folder beside Options.Dir to be removed, if any
}

// Stop stops its processes, the last that was started first.
func (s *Server) Stop() {
	for i := len(s.processes) - 1; i >= 0; i-- {
		s.processes[i].stop()
	}
	if s.data != "" {
		_ = os.RemoveAll(s.data) // what is left is in a folder for temporary things
	}
}

// CPU is the processor time that its processes have taken so far.
func (s *Server) CPU() (sum time.Duration) {
	for _, p := range s.processes {
		sum += p.cpu()
	}
	return sum
}

// Processes is how many there are.
func (s *Server) Processes() int { return len(s.processes) }

// Memory is what the process with this number holds in memory, in bytes.
func (s *Server) Memory(process int) int64 { return s.processes[process].memory() }

// Dead is nil while all its processes run.
func (s *Server) Dead() error {
	for _, p := range s.processes {
		select {
		case <-p.ended:
			return fmt.Errorf("a process of %s has ended; its last words:\n%s", s.Name, p.tail())
		default:
		}
	}
	return nil
}

// Options say where things are.
type Options struct {
	Dir  string // data and logs; each server has a folder in it
	Etcd string // etcd's data, if not in Dir
	Root string // Torc's source tree
}

// starters are the servers that can be compared, by the name of the program that each needs ("" for Torc, which is built).
var starters = []struct {
	name, program string
	start         func(ctx context.Context, o Options, dir string) (*Server, []Peer, error)
}{
	{"torc", "", startTorc},
	{"torc-sized", "", startTorcSized},
	{"redis", "redis-server", startRedis},
	{"redis-wait", "redis-server", startRedisWait},
	{"memcached", "memcached", startMemcached},
	{"etcd", "etcd", startEtcd},
}

// Programs are what the peers need to be installed, by the Debian package that has it.
var Programs = map[string]string{"redis-server": "redis-server", "memcached": "memcached", "etcd": "etcd-server"}

// Start starts every server whose program is there and returns their peers, and why others are left out. What was started is
// returned with an error, too: stop it.
func Start(ctx context.Context, o Options, find func(program string) error) (servers []*Server, peers []Peer, out []string, err error) {
	for _, s := range starters {
		if s.program != "" {
			if missing := find(s.program); missing != nil {
				out = append(out, fmt.Sprintf("%s: %v", s.name, missing))
				continue
			}
		}
		dir := filepath.Join(o.Dir, s.name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return servers, nil, nil, err
		}
		server, ways, err := s.start(ctx, o, dir)
		if server != nil {
			server.Name = s.name
			servers = append(servers, server)
		}
		if err != nil {
			return servers, nil, nil, fmt.Errorf("%s: %w", s.name, err)
		}
		for _, p := range ways {
			p.Server = server
			peers = append(peers, p)
		}
	}
	return servers, peers, out, nil
}

// With starts a Torc of three nodes, does something with it, and stops it.
func With(ctx context.Context, root string, do func(*Server) error) error {
	dir, err := os.MkdirTemp("", "torc-bench-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()                    // it is in the system's folder for temporary files
	starting, cancel := context.WithTimeout(ctx, 5*time.Minute) // building torcd is a part of it
	server, _, err := startTorc(starting, Options{Dir: dir, Root: root}, dir)
	cancel()
	if server != nil {
		defer server.Stop()
	}
	if err != nil {
		return err
	}
	return do(server)
}

// add starts one more of a server's processes.
func (s *Server) add(dir, name, program string, args ...string) (*process, error) {
	p, err := start(dir, name, program, args...)
	if err == nil {
		s.processes = append(s.processes, p)
	}
	return p, err
}

// flags words a command line for the table: addresses and folders, which differ each time, are left away.
func flags(args ...string) string { return strings.Join(args, " ") }
