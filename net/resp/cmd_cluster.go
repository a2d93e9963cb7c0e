package resp

import (
	"fmt"
	"slices"
	"strings"

	"torc/core/wire"
)

// CLUSTER tells cluster-aware clients who leads which slots. It works in both modes: where
// the node forwards, a client that knows the leaders only saves a hop.

// runClusterSlots: ranges of slots, each with its leader, and no replicas: when a replica comes to lead one shard redis-py takes the master before it
// for a replica from then on, though it leads other slots, and leaves it out of SCAN and FLUSHALL. From a node that has not joined a cluster yet a client
// takes no map, but asks the next one: with an empty one some have lost their way (redis-py).
func runClusterSlots(r *request) {
	if !r.ready() {
		return
	}
	ranges := r.srv.slotRanges(r.topology)
	o := r.begin()
	o.array(len(ranges))
	for _, s := range ranges {
		o.array(3)
		o.int(int64(s.first))
		o.int(int64(s.last))
		member := r.topology.Member(s.leader)
		host, port := hostPort(member.RESPAddr)
		o.array(4)
		o.text(host)
		o.int(int64(port))
		o.text(nodeHex(member.Name))
		o.dict(r.proto, 0)
	}
	r.finish()
}

// runClusterShards: for each leader and set of followers, its slots and nodes.
func runClusterShards(r *request) {
	if !r.ready() {
		return
	}
	ranges := r.srv.slotRanges(r.topology)
	var groups []slotRange
	slots := make(map[int][]slotRange)
	for _, s := range ranges {
		i := slices.IndexFunc(groups, func(g slotRange) bool {
			return g.leader == s.leader && slices.Equal(g.replicas, s.replicas)
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, s)
		}
		slots[i] = append(slots[i], s)
	}
	o := r.begin()
	o.array(len(groups))
	for i, g := range groups {
		o.dict(r.proto, 2)
		o.text("slots")
		o.array(2 * len(slots[i]))
		for _, s := range slots[i] {
			o.int(int64(s.first))
			o.int(int64(s.last))
		}
		o.text("nodes")
		o.array(1 + len(g.replicas))
		r.shardNode(o, g.leader, "master")
		for _, node := range g.replicas {
			r.shardNode(o, node, "replica")
		}
	}
	r.finish()
}

func (r *request) shardNode(o *output, node wire.NodeID, role string) {
	member := r.topology.Member(node)
	host, port := hostPort(member.RESPAddr)
	portName, health := "port", "online"
	if r.srv.opts.TLS != nil {
		portName = "tls-port"
	}
	if member.State != wire.MemberActive {
		health = "fail"
	}
	o.dict(r.proto, 7)
	o.text("id")
	o.text(nodeHex(member.Name))
	o.text(portName)
	o.int(int64(port))
	o.text("ip")
	o.text(host)
	o.text("endpoint")
	o.text(host)
	o.text("role")
	o.text(role)
	o.text("replication-offset")
	o.int(0)
	o.text("health")
	o.text(health)
}

// runClusterNodes: a line for each member:
//
//	<id> <host:port@peer port> <flags> <master id or -> <ping> <pong> <epoch> <link> <slot ranges>
//
// A node that leads something is a master; one that only follows is a replica of one of the
// leaders it follows; one that holds nothing is a master without slots.
func runClusterNodes(r *request) {
	var b strings.Builder
	if r.topology == nil {
		self := r.srv.backend.Self()
		nodeLine(&b, &self, "myself,master", "-", 0, nil)
		r.verbatim(b.String())
		return
	}
	ranges := r.srv.slotRanges(r.topology)
	for i := range r.topology.Members {
		member := &r.topology.Members[i]
		if member.State == wire.MemberLeft {
			continue
		}
		own, flags, master := ledBy(ranges, member.ID), "master", "-"
		if len(own) == 0 {
			if leader := r.topology.Member(followed(ranges, member.ID)); leader != nil {
				flags, master = "slave", nodeHex(leader.Name)
			}
		}
		if member.ID == r.srv.self {
			flags = "myself," + flags
		}
		if member.State == wire.MemberDown {
			flags += ",fail"
		}
		nodeLine(&b, member, flags, master, r.topology.Epoch, own)
	}
	r.verbatim(b.String())
}

func nodeLine(b *strings.Builder, m *wire.Member, flags, master string, epoch wire.Epoch, own []slotRange) {
	host, port := hostPort(m.RESPAddr)
	_, peer := hostPort(m.PeerAddr)
	link := "connected"
	if m.State != wire.MemberActive {
		link = "disconnected"
	}
	fmt.Fprintf(b, "%s %s:%d@%d %s %s 0 0 %d %s", nodeHex(m.Name), host, port, peer, flags, master, epoch, link)
	for _, s := range own {
		if s.first == s.last {
			fmt.Fprintf(b, " %d", s.first)
		} else {
			fmt.Fprintf(b, " %d-%d", s.first, s.last)
		}
	}
	b.WriteByte('\n')
}

// runClusterInfo: the state is "ok" when every shard has a leader that this node knows of.
func runClusterInfo(r *request) {
	m := r.topology
	assigned, served, leaders, members := 0, 0, make(map[wire.NodeID]bool), 0
	epoch := wire.Epoch(0)
	if m != nil {
		epoch = m.Epoch
		for shard := wire.ShardID(1); uint32(shard) <= m.Shards; shard++ {
			first, last := wire.SlotRange(shard, int(m.Shards))
			n := int(last) - int(first) + 1
			assigned += n
			if leader := r.srv.backend.Leader(shard); leader != 0 {
				served += n
				leaders[leader] = true
			}
		}
		for i := range m.Members {
			if m.Members[i].State != wire.MemberLeft {
				members++
			}
		}
	}
	state, enabled := "fail", 0
	if served == wire.SlotCount {
		state = "ok"
	}
	if r.srv.opts.Redirect {
		enabled = 1
	}
	r.verbatim(fmt.Sprintf("cluster_enabled:%d\r\ncluster_state:%s\r\ncluster_slots_assigned:%d\r\ncluster_slots_ok:%d\r\n"+
		"cluster_slots_pfail:0\r\ncluster_slots_fail:%d\r\ncluster_known_nodes:%d\r\ncluster_size:%d\r\n"+
		"cluster_current_epoch:%d\r\ncluster_my_epoch:%d\r\n",
		enabled, state, assigned, served, assigned-served, members, len(leaders), epoch, epoch))
}

func runClusterKeySlot(r *request) { r.int(int64(wire.Slot(r.args[2]))) }

func runClusterMyID(r *request) {
	r.bulk([]byte(nodeHex(r.srv.backend.Self().Name)))
}

func runClusterCountKeysInSlot(r *request) {
	slot, ok := r.number(2)
	if !ok {
		return
	}
	if slot < 0 || slot >= wire.SlotCount {
		r.fail("ERR Invalid slot")
		return
	}
	switch {
	case !r.ready():
	case r.elsewhere(slot):
		r.int(0)
	default:
		r.oneOn(r.shardOf(uint16(slot)), wire.Command{Op: wire.OpCountInSlot, Start: slot}, replyInt)
	}
}

// elsewhere says that a slot's keys are not this node's to tell of: in redirect mode those of the slots that others lead, as in
// Redis Cluster.
func (r *request) elsewhere(slot int64) bool {
	leader := r.srv.leaderOf(r.topology, r.shardOf(uint16(slot)))
	return r.srv.opts.Redirect && leader != 0 && leader != r.srv.self
}

// runClusterGetKeysInSlot: CLUSTER GETKEYSINSLOT slot count.
func runClusterGetKeysInSlot(r *request) {
	slot, ok := r.number(2)
	if !ok {
		return
	}
	most, ok := r.number(3)
	if !ok {
		return
	}
	if slot < 0 || slot >= wire.SlotCount || most < 0 {
		r.fail("ERR Invalid slot or number of keys")
		return
	}
	switch {
	case !r.ready():
	case r.elsewhere(slot):
		r.begin().array(0)
		r.finish()
	default:
		r.oneOn(r.shardOf(uint16(slot)), wire.Command{Op: wire.OpSlotKeys, Start: slot, End: most}, replyList)
	}
}

// readOnly makes READONLY and READWRITE.
func readOnly(on bool) func(*request) {
	return func(r *request) {
		r.readOnly = on
		r.ok()
	}
}
