package proctest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"torc/cluster"
	"torc/cmd/internal/crashlog"
	"torc/core/wire"
)

// FormsWithin is how long a cluster may take to form, on a slow machine.
const FormsWithin = 30 * time.Second

// Cluster is a few nodes that are to form one.
type Cluster struct {
	t     *testing.T
	Nodes []*Node
}

// Start starts count nodes with these settings beside their addresses, and waits until they serve.
func Start(t *testing.T, count int, settings ...string) *Cluster {
	t.Helper()
	c := New(t, count, settings...)
	for _, n := range c.Nodes {
		n.Start()
	}
	c.WaitWhole(FormsWithin)
	return c
}

// New makes the nodes without starting them.
func New(t *testing.T, count int, settings ...string) *Cluster {
	t.Helper()
	if binary == "" {
		t.Fatal("TestMain must call proctest.Main")
	}
	c := &Cluster{t: t}
	ports := freePorts(t, 4*count)
	var join []string
	for i := range count {
		join = append(join, ports[4*i])
	}
	for i := range count {
		n := &Node{t: t, Index: i, Peer: ports[4*i], RESP: ports[4*i+1], GRPC: ports[4*i+2], Admin: ports[4*i+3], log: &lockedBuffer{}}
		n.args = append([]string{
			"--peer", n.Peer, "--resp", n.RESP, "--grpc", n.GRPC, "--admin", n.Admin,
			"--join", strings.Join(join, ","), "--expect", fmt.Sprint(count),
		}, settings...)
		c.Nodes = append(c.Nodes, n)
	}
	t.Cleanup(c.end)
	return c
}

func (c *Cluster) end() {
	for _, n := range c.Nodes {
		if n.cmd == nil {
			continue
		}
		n.end()
		log := n.Log()
		if mark := crashlog.Mark(log); mark != "" {
			c.t.Errorf("node %d: %s\n%s", n.Index, mark, log)
		}
		if c.t.Failed() {
			c.t.Logf("log of node %d:\n%s", n.Index, tail(log, 4000))
		}
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// Until waits for a condition: until it returns nil.
func Until(t *testing.T, within time.Duration, what string, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v", what, within, err)
		}
		<-tick.C
	}
}

// WaitWhole waits until every shard has a leader and all its replicas vote and are live.
func (c *Cluster) WaitWhole(within time.Duration) {
	c.t.Helper()
	Until(c.t, within, "every shard is whole", c.Whole)
}

// Whole says what a shard lacks, or nil.
func (c *Cluster) Whole() error {
	groups, err := c.groups()
	if err != nil {
		return err
	}
	for shard, replicas := range groups {
		if err := whole(replicas, len(c.Nodes)); err != nil {
			return fmt.Errorf("shard %d: %w", shard, err)
		}
	}
	return nil
}

// groups are all replicas by shard. Every node must answer.
func (c *Cluster) groups() (groups [][]cluster.GroupStatus, err error) {
	for _, n := range c.Nodes {
		if err := n.Ready(); err != nil {
			return nil, fmt.Errorf("node %d: %w", n.Index, err)
		}
		s, err := n.Status()
		if err != nil {
			return nil, fmt.Errorf("node %d: %w", n.Index, err)
		}
		for _, lane := range s.Lanes {
			for _, g := range lane.Groups {
				for len(groups) <= int(g.Shard) {
					groups = append(groups, nil)
				}
				groups[g.Shard] = append(groups[g.Shard], g)
			}
		}
	}
	return groups, nil
}

// WaitSettled waits until every shard is led by the node that is to lead it: then no leadership moves by
// itself any more.
func (c *Cluster) WaitSettled(within time.Duration) {
	c.t.Helper()
	Until(c.t, within, "every shard is led by its preferred node", func() error {
		if err := c.Whole(); err != nil {
			return err
		}
		groups, err := c.groups()
		for shard, replicas := range groups {
			for _, g := range replicas {
				if g.LeaderOn != g.Preferred {
					return fmt.Errorf("shard %d is led by %v for all that replica %d knows, and is to be led by %v", shard, g.LeaderOn, g.Replica, g.Preferred)
				}
			}
		}
		return err
	})
}

func whole(replicas []cluster.GroupStatus, nodes int) error {
	i := slices.IndexFunc(replicas, func(g cluster.GroupStatus) bool { return g.Role == "leader" })
	if i < 0 {
		return errors.New("no leader")
	}
	leader := replicas[i]
	if len(leader.Voters) != min(3, nodes) || len(leader.Outgoing) > 0 || len(leader.Learners) > 0 {
		return fmt.Errorf("voters %v, outgoing %v, learners %v", leader.Voters, leader.Outgoing, leader.Learners)
	}
	for _, voter := range leader.Voters {
		if !slices.ContainsFunc(replicas, func(g cluster.GroupStatus) bool { return g.Replica == voter }) {
			return fmt.Errorf("voter %d lives nowhere", voter)
		}
	}
	return nil
}

// Leads lists the data shards that a node leads.
func (c *Cluster) Leads(n *Node) (shards []wire.ShardID) {
	s, err := n.Status()
	if err != nil {
		return nil
	}
	for _, lane := range s.Lanes {
		for _, g := range lane.Groups {
			if g.Role == "leader" && g.Shard != wire.MetaShard {
				shards = append(shards, g.Shard)
			}
		}
	}
	return shards
}

// Busiest is the node that leads most shards.
func (c *Cluster) Busiest() *Node {
	best, most := c.Nodes[0], -1
	for _, n := range c.Nodes {
		if leads := len(c.Leads(n)); leads > most {
			best, most = n, leads
		}
	}
	return best
}

// RESP lists the addresses for Redis clients.
func (c *Cluster) RESP() (addrs []string) {
	for _, n := range c.Nodes {
		addrs = append(addrs, n.RESP)
	}
	return addrs
}

// KeyOn returns a key with this prefix on a data shard, of a cluster with so many shards.
func KeyOn(shard wire.ShardID, shards int, prefix string) string {
	for i := 0; ; i++ {
		key := fmt.Sprintf("%s%d", prefix, i)
		if wire.ShardOf(wire.Slot([]byte(key)), shards) == shard {
			return key
		}
	}
}
