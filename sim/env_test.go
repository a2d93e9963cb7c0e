package sim

import (
	"testing"
	"time"

	"torc/cluster"
	"torc/core/env"
	"torc/core/env/envtest"
	"torc/core/trace"
	"torc/core/wire"
)

// envWorld lets the contract suite of env.Env drive a simulated world. Its lanes do nothing
// of their own.
type envWorld struct {
	w     *World
	nodes []*envNode
}

type envNode struct {
	toy
	*node
	door    env.Env
	receive func(*wire.Frame)
}

func (n *envNode) Start()                 {}
func (n *envNode) OnFrame(f *wire.Frame)  { n.receive(f) }
func (n *envNode) OnCall(*wire.Call)      {}
func (n *envNode) OnMap(*wire.ClusterMap) {}
func (n *envNode) Env() env.Env           { return n.door }
func (n *envNode) Self() (m wire.Member)  { return n.node.config.Self }

func (n *envNode) Do(f func()) {
	done := false
	n.lanes[0].deliver(delivery{fn: func() { f(); done = true }})
	for !done {
		n.node.w.step()
	}
}

func newEnvWorld(seed uint64, codec bool) *envWorld {
	g := &envWorld{}
	s := DrawSettings(seed)
	toySettings(&s)
	s.Codec = codec
	s.Links.Drop, s.Links.Duplicate = min(s.Links.Drop, 100), 100
	factory := func(cfg *cluster.Config, _ int, e env.Env, _ cluster.Board, _ trace.Sink) Lane {
		n := g.nodes[len(g.nodes)-1]
		n.door = e
		return n
	}
	g.w = newWorld(seed, s, factory, nil)
	return g
}

func (g *envWorld) Start(_ string, receive func(*wire.Frame)) envtest.Node {
	n := &envNode{node: g.w.nodes[len(g.nodes)], receive: receive}
	g.nodes = append(g.nodes, n)
	n.node.start()
	return n
}

func (g *envWorld) Until(cond func() bool) bool {
	for end := g.w.now + int64(5*time.Minute); g.w.now < end; g.w.step() {
		if cond() {
			return true
		}
	}
	return cond()
}

func (g *envWorld) Stall(of envtest.Node, d time.Duration) {
	n := of.(*envNode)
	n.pause()
	g.w.until(time.Duration(g.w.now) + d + d/10)
	n.resume()
}

func TestEnvContract(t *testing.T) {
	for _, codec := range []bool{false, true} {
		name := "shared memory"
		if codec {
			name = "binary form"
		}
		t.Run(name, func(t *testing.T) {
			seed := uint64(0)
			envtest.Run(t, func(*testing.T) envtest.World {
				seed++
				return newEnvWorld(seed, codec)
			})
		})
	}
}
