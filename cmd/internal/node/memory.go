package node

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"

	"torc/cluster"
	"torc/cmd/internal/config"
	"torc/core/store"
	"torc/net/admin"
)

// memory is what the stores of all lanes hold.
func (s *Status) memory() (m store.Memory) {
	for _, l := range s.Lanes {
		m.Add(l.Memory)
	}
	return m
}

// resident is what the system says that this process has in memory; 0 where it does not say.
func resident() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.ParseInt(fields[1], 10, 64)
	return n * int64(os.Getpagesize())
}

// infoMemory says what keys and values take. Fragmentation is what the stores have reserved for a byte that
// can be read.
func (n *Node) infoMemory(line func(string, any)) {
	if rss := resident(); rss > 0 {
		line("used_memory_rss", rss)
	}
	ctx, cancel := context.WithTimeout(context.Background(), infoPatience)
	defer cancel()
	s, err := n.Status(ctx)
	if err != nil {
		return
	}
	m, p := s.memory(), n.pages.Stats()
	line("used_memory_dataset", m.Data)
	line("mem_fragmentation_ratio", fmt.Sprintf("%.2f", ratio(m.Reserved, m.Data)))
	line("torc_memory_live", m.Data)
	line("torc_memory_cells", m.Used)
	line("torc_memory_reserved", m.Reserved)
	line("torc_memory_pages", p.Used)
	line("torc_memory_idle", p.Idle)
	plan := memoryPlan(n.cfg)
	for _, part := range n.parts(s, &plan) {
		line("torc_memory_for_"+part.name, part.bytes)
		line("torc_memory_for_"+part.name+"_max", part.most)
	}
}

func (n *Node) memorySamples(g *gatherer, s *Status) {
	m, p := s.memory(), n.pages.Stats()
	g.gauge("torc_memory_live_bytes", "Bytes of keys and values that can be read.", float64(m.Data))
	g.gauge("torc_memory_cells_bytes", "Bytes of slab cells in use.", float64(m.Used))
	g.gauge("torc_memory_reserved_bytes", "Bytes of slab pages.", float64(m.Reserved))
	g.gauge("torc_memory_pages_bytes", "Bytes of pages outside Go's heap that are in use: slabs, and what expires.", float64(p.Used))
	g.gauge("torc_memory_idle_bytes", "Bytes of pages that are free and still resident.", float64(p.Idle))
	g.gauge("torc_memory_fragmentation_ratio", "Reserved bytes for a live one.", ratio(m.Reserved, m.Data))
	plan := memoryPlan(n.cfg)
	for _, part := range n.parts(s, &plan) {
		of := admin.Label{Name: "for", Value: part.name}
		g.gauge("torc_memory_part_bytes", "Bytes held, by what they are for.", float64(part.bytes), of)
		g.gauge("torc_memory_part_max_bytes", "Their bounds; 0: none. Keys and sessions share one.", float64(part.most), of)
	}
	if rss := resident(); rss > 0 {
		g.gauge("torc_memory_resident_bytes", "What the system says that this process has in memory.", float64(rss))
	}
}

// part is what of the memory is for one thing.
type part struct {
	name        string
	bytes, most int64 // most 0: no bound
}

// parts is what this node holds, by what it is for, beside its bounds. Keys and sessions share the stores'.
func (n *Node) parts(s *Status, plan *budget) []part {
	var h cluster.Holdings
	for _, l := range s.Lanes {
		h.Add(l.Holds)
	}
	return []part{
		{"keys", h.Keys + h.Coming, plan.Stores}, {"sessions", h.Sessions, plan.Stores},
		{"logs", h.Logs, plan.Logs},
		{"requests", h.Requests, plan.waiting()}, {"hot", h.Held, plan.held()},
		{"peers", int64(n.links.Stats().Queued), plan.Peers},
		{"clients", n.redis.Buffered() + n.api.Buffered(), plan.Clients},
		{"copies", h.Kept + h.Sending, plan.Copies},
	}
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Keys and values lie outside Go's heap, which holds Raft logs, queues and sessions. By Go's own measure it is
// collected whenever it has doubled, so a small one many times a second.
const (
	heapGrowth = 64 << 20 // it may grow by so much in any case
	percentMin = 100
	percentMax = 1600
	heapMin    = 96 << 20 // what a node without traffic has, and some room for the collector
	heapPart   = 4
)

// LimitHeap sets when Go's collector runs, as far as the user has not. Without GOGC in the environment the heap
// may double, and a small one grow by 64 MiB; that follows its size, collection by collection, until the process ends. With --max-memory
// and without GOMEMLIMIT its bound is 96 MiB and a quarter of --max-memory (what may lie there is 3/16 of it, see budget): near that it is collected more
// often, whatever the rest says.
func LimitHeap(c *config.Config, environ []string) {
	follow, limit := heapOf(c, environ)
	if limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	if !follow {
		return
	}
	debug.SetGCPercent(percentFor(0))
	go followHeap()
}

// SampleAllocations leaves Go's sampling of allocations on only where somebody can ask for what comes of it. Each sample walks a stack, and
// there is one for every 512 KiB: a hundredth of what a SET of 4 KiB or more takes.
func SampleAllocations(c *config.Config) {
	if !c.Profiles {
		runtime.MemProfileRate = 0
	}
}

// followHeap sets GOGC anew after each collection. It must not come later: a heap of 4 MiB is told to grow sixteenfold,
// and one that has become 60 MiB since would go to 1 GiB before it is collected again.
func followHeap() {
	set := percentFor(0)
	collected := make(chan struct{}, 1)
	for {
		afterCollection(func() { collected <- struct{}{} })
		<-collected
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		// To set it stops the world for a moment: not for every little change.
		if percent := percentFor(live[0].Value.Uint64()); max(percent-set, set-percent) > set/percentStep {
			set = percent
			debug.SetGCPercent(percent)
		}
	}
}

// percentStep is the part by which GOGC must change to be set anew.
const percentStep = 8

// afterCollection calls f once, after the next collection.
func afterCollection(f func()) {
	witness := new(*byte) // a pointer: small things without one share their memory with others
	runtime.AddCleanup(witness, func(f func()) { f() }, f)
}

// percentFor is GOGC for a heap of so many live bytes.
func percentFor(live uint64) int {
	return int(min(max(heapGrowth*100/max(live, 1), percentMin), percentMax))
}

// heapOf is whether GOGC is to follow the heap's size, and the memory limit; 0: none.
func heapOf(c *config.Config, environ []string) (follow bool, limit int64) {
	follow = true
	if c.MaxMemory > 0 {
		limit = heapMin + int64(c.MaxMemory)/heapPart
	}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		switch {
		case value == "":
		case name == "GOGC":
			follow = false
		case name == "GOMEMLIMIT":
			limit = 0
		}
	}
	return follow, limit
}
