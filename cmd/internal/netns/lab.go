package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
)

// Limits of a lab: its addresses are those of one /24.
const (
	HostsMax  = 32
	GuestsMax = 150

	firstHost  = 11  // 198.18.x.11
	firstGuest = 101 // 198.18.x.101
)

// labs counts this process's, for names.
var labs atomic.Int32

// Lab is a network of hosts.
type Lab struct {
	name   string // torc-PID-NUMBER
	device string // this machine's interface
	subnet netip.Prefix
	hosts  int

	mu      sync.Mutex
	dropped uint64  // by rules that were replaced
	slow    []*Slow // what SlowDown made
}

// New makes a network of hosts and guests. When it fails nothing of it is left.
func New(ctx context.Context, hosts, guests int) (*Lab, error) {
	if hosts < 1 || hosts > HostsMax || guests < 0 || guests > GuestsMax {
		return nil, fmt.Errorf("a network of namespaces has 1 to %d hosts and at most %d guests, not %d and %d", HostsMax, GuestsMax, hosts, guests)
	}
	number := labs.Add(1)
	subnet, err := takeSubnet(int(number))
	if err != nil {
		return nil, err
	}
	l := &Lab{name: fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), number), device: fmt.Sprintf("torc%d.%d", os.Getpid(), number), subnet: subnet, hosts: hosts}
	if err := l.build(ctx, guests); err != nil {
		return nil, errors.Join(fmt.Errorf("making a network of namespaces: %w", err), l.Close())
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context, guests int) error {
	hub := l.hub()
	steps := [][]string{
		{"netns", "add", hub},
		{"-n", hub, "link", "add", "bridge0", "type", "bridge"},
		{"-n", hub, "link", "set", "bridge0", "up"},
		{"-n", hub, "link", "add", "root", "type", "veth", "peer", "name", l.device, "netns", strconv.Itoa(os.Getpid())},
		{"-n", hub, "link", "set", "root", "master", "bridge0", "up"},
		{"addr", "add", l.cidr(l.Self()), "dev", l.device},
		{"link", "set", l.device, "up"},
	}
	for i := range guests {
		steps = append(steps, []string{"addr", "add", l.cidr(l.Guest(i)), "dev", l.device})
	}
	for i := range l.hosts {
		host, port := l.host(i), fmt.Sprintf("port%d", i+1)
		steps = append(steps,
			[]string{"netns", "add", host},
			[]string{"-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host},
			[]string{"-n", hub, "link", "set", port, "master", "bridge0", "up"},
			[]string{"-n", host, "addr", "add", l.cidr(l.Host(i)), "dev", "eth0"},
			[]string{"-n", host, "link", "set", "eth0", "up"},
			[]string{"-n", host, "link", "set", "lo", "up"})
	}
	for _, args := range steps {
		if _, err := run(ctx, "", "ip", args...); err != nil {
			return err
		}
	}
	return l.Apply(ctx, Rules{})
}

// Self is this process's own address: no rule should speak of it, so that it reaches every host.
func (l *Lab) Self() netip.Addr { return l.address(1) }

// Host is the address of a host, counted from 0.
func (l *Lab) Host(i int) netip.Addr { return l.address(firstHost + i) }

// Guest is an address of this process at which it can be cut off, counted from 0.
func (l *Lab) Guest(i int) netip.Addr { return l.address(firstGuest + i) }

func (l *Lab) address(last int) netip.Addr {
	b := l.subnet.Addr().As4()
	b[3] = byte(last)
	return netip.AddrFrom4(b)
}

func (l *Lab) cidr(a netip.Addr) string { return netip.PrefixFrom(a, l.subnet.Bits()).String() }

func (l *Lab) hub() string       { return l.name + "-hub" }
func (l *Lab) host(i int) string { return fmt.Sprintf("%s-n%d", l.name, i+1) }

// Command is a program on a host. Its process is the program itself, not something around it.
func (l *Lab) Command(i int, name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", l.host(i), name}, args...)...)
}

// Apply replaces the rules of all links.
func (l *Lab) Apply(ctx context.Context, r Rules) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost, err := l.droppedNow(ctx)
	if err != nil {
		return err
	}
	_, err = nft(ctx, l.hub(), r.Text(), "-f", "-")
	if err == nil {
		l.dropped += lost
	}
	return err
}

// Dropped counts the packets that the rules have kept from passing so far. A few that were dropped
// while rules were replaced may be missing.
func (l *Lab) Dropped(ctx context.Context) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost, err := l.droppedNow(ctx)
	return l.dropped + lost, err
}

// droppedNow counts what the present rules have dropped.
func (l *Lab) droppedNow(ctx context.Context) (uint64, error) {
	text, err := nft(ctx, l.hub(), "", "list", "ruleset")
	return droppedIn(text), err
}

// Close ends every process that is left on the hosts and removes the network.
func (l *Lab) Close() error {
	defer giveSubnet(l.subnet)
	ctx := context.WithoutCancel(context.Background())
	var wrong []error
	l.mu.Lock()
	for _, s := range l.slow {
		wrong = append(wrong, s.close())
	}
	l.slow = nil
	l.mu.Unlock()
	if _, err := net.InterfaceByName(l.device); err == nil {
		_, err := run(ctx, "", "ip", "link", "delete", l.device)
		wrong = append(wrong, err)
	}
	names, err := namespaces(ctx)
	wrong = append(wrong, err)
	for _, name := range names {
		if labOf(name) == l.name {
			wrong = append(wrong, remove(ctx, name))
		}
	}
	return errors.Join(wrong...)
}

// taken are the subnets of this process's labs. A lab's is not to be seen on the machine before its first addresses are there, and two labs
// that are made at once must not share one: a client of the one would reach nodes of the other.
var taken = struct {
	sync.Mutex
	subnets map[netip.Prefix]bool
}{subnets: map[netip.Prefix]bool{}}

// takeSubnet takes a /24 of 198.18.0.0/15 in which this machine has no address and that no other lab of this process has taken.
// Processes begin at different ones, so that two of them do not choose the same at once.
func takeSubnet(number int) (netip.Prefix, error) {
	taken.Lock()
	defer taken.Unlock()
	used, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("listing this machine's addresses: %w", err)
	}
	const subnets, apart = 512, 16
	for i := range subnets {
		n := (os.Getpid()*apart + number + i) % subnets
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, byte(18 + n/256), byte(n % 256), 0}), 24)
		if !overlaps(p, used) && !taken.subnets[p] {
			taken.subnets[p] = true
			return p, nil
		}
	}
	return netip.Prefix{}, errors.New("every /24 of 198.18.0.0/15 is in use on this machine")
}

// giveSubnet gives one back.
func giveSubnet(p netip.Prefix) {
	taken.Lock()
	defer taken.Unlock()
	delete(taken.subnets, p)
}

func overlaps(p netip.Prefix, used []net.Addr) bool {
	for _, a := range used {
		if other, err := netip.ParsePrefix(a.String()); err == nil && p.Overlaps(other.Masked()) {
			return true
		}
	}
	return false
}

// String is the subnet.
func (l *Lab) String() string { return l.subnet.String() }
