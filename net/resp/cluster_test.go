package resp

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A node is a master or a replica to Redis libraries, and those that scan, count or flush ask the masters: so whoever leads anything is nobody's
// replica, and who leads nothing is one wherever it has a copy.
func TestANodeHasOneRole(t *testing.T) {
	n := newFakeNode(8, "node-1", "node-2", "node-3", "node-4")
	n.leaders[2], n.leaders[3], n.leaders[7] = 2, 3, 2
	s := serve(t, n, func(o *Options) { o.Redirect = true })
	db := redis.NewClient(&redis.Options{Addr: s.Addr().String()})
	defer db.Close()
	roles := func() (masters, replicas map[string]bool) {
		masters, replicas = map[string]bool{}, map[string]bool{}
		shards, err := db.ClusterShards(context.Background()).Result()
		require.NoError(t, err)
		for _, shard := range shards {
			for _, node := range shard.Nodes {
				set := replicas
				if node.Role == "master" {
					set = masters
				}
				set[fmt.Sprintf("%s:%d", node.IP, node.Port)] = true
			}
		}
		slots, err := db.Do(context.Background(), "CLUSTER", "SLOTS").Slice()
		require.NoError(t, err)
		told := map[string]bool{}
		for _, entry := range slots {
			run := entry.([]any) // first and last slot, master, replicas
			require.Len(t, run, 3, "libraries make a replica of who leads something else")
			master := run[2].([]any)
			told[fmt.Sprintf("%v:%v", master[0], master[1])] = true
		}
		require.Equal(t, masters, told)
		return masters, replicas
	}
	all := func(last int) map[string]bool {
		addrs := map[string]bool{}
		for _, member := range n.cluster.Members[:last] {
			addrs[member.RESPAddr] = true
		}
		return addrs
	}
	masters, replicas := roles()
	require.Equal(t, all(3), masters)
	require.Equal(t, map[string]bool{n.cluster.Members[3].RESPAddr: true}, replicas)

	n.mu.Lock()
	n.leaders[8] = 4
	n.mu.Unlock()
	masters, replicas = roles()
	require.Equal(t, all(4), masters)
	require.Empty(t, replicas)
}

// A node that was restarted should lead shards, and does not know yet who leads them: it does not say that it does, or those whom it redirects would
// come back to it.
func TestARestartedNodeDoesNotNameItself(t *testing.T) {
	for want, names := range map[string][]string{"10.0.0.1": {"node-1"}, "10.0.0.2": {"node-1", "node-2", "node-3"}} {
		n := newFakeNode(1, names...)
		n.lead(1, 0)
		s := serve(t, n, func(o *Options) { o.Redirect = true })
		require.Contains(t, roundTrip(t, s, "CLUSTER SLOTS\r\n"), want)

		n.lead(1, 1)
		require.Contains(t, roundTrip(t, s, "CLUSTER SLOTS\r\n"), "10.0.0.1", "now it does lead")
	}
}

// A library that reads from replicas sends a read again and again when the replica redirects it: so a node that is called one answers. A write
// goes to the leader all the same, as does a read of a client that did not ask for that.
func TestReplicasAnswerReads(t *testing.T) {
	n := newFakeNode(8, "node-1", "node-2")
	for shard := range n.leaders {
		n.leaders[shard] = 2
	}
	s := serve(t, n, func(o *Options) { o.Redirect = true })
	require.Equal(t, "-MOVED 3300 10.0.0.2:7002\r\n+OK\r\n-MOVED 3300 10.0.0.2:7002\r\n$-1\r\n*2\r\n$-1\r\n$-1\r\n:0\r\n+OK\r\n-MOVED 3300 10.0.0.2:7002\r\n+OK\r\n",
		roundTrip(t, s, "GET b\r\nREADONLY\r\nSET b 1\r\nGET b\r\nMGET {b}1 {b}2\r\nEXISTS b\r\nREADWRITE\r\nGET b\r\n"))
	require.Contains(t, roundTrip(t, s, "READONLY\r\nRESET\r\nGET b\r\n"), "MOVED")

	n.mu.Lock()
	n.leaders[1] = 1 // it is a master now, and tells who is another slot's
	n.mu.Unlock()
	require.Contains(t, roundTrip(t, s, "READONLY\r\nGET b\r\n"), "MOVED")
}
