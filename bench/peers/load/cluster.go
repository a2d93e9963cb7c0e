package load

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"torc/core/wire"
)

// Cluster speaks the Redis protocol to the leaders of a cluster: every caller has a connection to each node, and sends each
// request to the one that leads its key's slot, as cluster-aware clients do. A pipeline goes in as many pieces as it has leaders.
type Cluster struct{ Addrs []string }

// Open asks for the leaders and connects every caller.
func (t Cluster) Open(callers int) ([]Caller, error) {
	slots, nodes, err := leaders(t.Addrs[0])
	if err != nil {
		return nil, fmt.Errorf("CLUSTER SHARDS: %w", err)
	}
	return openEach(callers, func(int) (Caller, error) {
		c := &clusterCaller{slots: slots}
		for _, addr := range nodes {
			conn, err := dialRESP(addr, NoWait)
			if err != nil {
				c.Close()
				return nil, err
			}
			c.nodes = append(c.nodes, &node{conn: conn})
		}
		return c, nil
	})
}

// leaders returns the nodes that lead something, and for each slot which of them leads it.
func leaders(addr string) (slots []uint8, nodes []string, err error) {
	db := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	shards, err := db.ClusterShards(ctx).Result()
	if err != nil {
		return nil, nil, err
	}
	slots, covered := make([]uint8, wire.SlotCount), 0
	for _, shard := range shards {
		for _, n := range shard.Nodes {
			if n.Role != "master" {
				continue
			}
			leader := net.JoinHostPort(n.IP, fmt.Sprint(n.Port))
			if !slices.Contains(nodes, leader) {
				nodes = append(nodes, leader)
			}
			i := uint8(slices.Index(nodes, leader))
			for _, r := range shard.Slots {
				covered += int(r.End - r.Start + 1)
				for s := r.Start; s <= r.End; s++ {
					slots[s] = i
				}
			}
		}
	}
	if covered != wire.SlotCount {
		return nil, nil, fmt.Errorf("%d of %d slots have a leader: wait until the cluster is ready", covered, wire.SlotCount)
	}
	return slots, nodes, nil
}

type clusterCaller struct {
	slots []uint8
	nodes []*node
}

// node is one of a caller's connections, and its part of the batch.
type node struct {
	conn  *respCaller
	batch []Op
	from  []int // where in the whole batch each of them stands
}

func (c *clusterCaller) Close() {
	for _, n := range c.nodes {
		n.conn.Close()
	}
}

// Do sends all parts before it reads any reply.
func (c *clusterCaller) Do(batch []Op) {
	if len(batch) == 1 {
		c.nodes[c.leader(batch[0].Key)].conn.Do(batch)
		return
	}
	for _, n := range c.nodes {
		n.batch, n.from = n.batch[:0], n.from[:0]
	}
	for i := range batch {
		n := c.nodes[c.leader(batch[i].Key)]
		n.batch, n.from = append(n.batch, batch[i]), append(n.from, i)
	}
	deadline := time.Now().Add(callTimeout)
	for _, n := range c.nodes {
		if len(n.batch) == 0 {
			continue
		}
		_ = n.conn.conn.SetDeadline(deadline)
		if err := n.conn.send(n.batch); err != nil {
			n.conn.Close() // the read below fails at once, with every request
		}
	}
	for _, n := range c.nodes {
		if len(n.batch) > 0 {
			n.conn.receive(n.batch)
		}
		for i, at := range n.from {
			batch[at].Err = n.batch[i].Err
		}
	}
}

func (c *clusterCaller) leader(key string) uint8 { return c.slots[wire.Slot([]byte(key))] }
