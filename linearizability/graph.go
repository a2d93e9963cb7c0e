package linearizability

import "sort"

// The graph of transactions.
//
// Time alone gives an arrow from each transaction to every one called after it finished:
// quadratically many. Transactions are numbered by call, so those form a tail of the
// numbers, and a chain of time nodes offers all tails at two arrows each:
//
//	S0 ---> S1 ---> S2 ---> S3        Si leads to transaction i and to all later ones;
//	 |       |       |       |        a transaction that finished before the call of
//	 v       v       v       v        transaction 2 has one arrow, to S2
//	T0      T1      T2      T3
//
// A path through time nodes is an arrow of time between its ends and nothing more.

// edgeKind is why one transaction comes before another; kinds add up to sets.
type edgeKind uint8

const (
	ww    edgeKind = 1 << iota // its token stands right before the other's
	wr                         // the other read its token last
	rw                         // the other's token follows what it read
	inner                      // out of a node between two others; every search follows it
	clock                      // it had finished before the other was called
)

// edge leads to a node. The token at a place of a key is the reason.
type edge struct {
	to   int32
	kind edgeKind
	key  int32
	at   int32 // of the key's list: ww, rw: the token of to; wr: the token read. inner: of the key's missing
}

// graph holds transactions (nodes 0 to n-1), then one node for the end of each text beyond
// which some append of unknown outcome must stand, then the n time nodes.
type graph struct {
	n, nodes, timeBase int32
	start              []int32 // where a node's edges begin
	edges              []edge
	later              []int32 // the first transaction called after each one's end; n = none
}

// loose is an edge on its way into the graph.
type loose struct {
	from int32
	edge
}

func (t *transactions) graph() *graph {
	g := &graph{n: int32(len(t.list))}
	ops := 0
	for _, v := range t.keys {
		ops += len(v.ops)
	}
	list := make([]loose, 0, 2*ops)
	for _, v := range t.keys {
		list = v.edges(list)
	}
	g.timeBase = g.n
	for _, v := range t.keys {
		list = v.beyond(list, t.list, &g.timeBase)
	}
	g.nodes = g.timeBase + g.n
	g.fill(list)
	g.later = make([]int32, g.n)
	for i := range t.list {
		end := t.list[i].end
		g.later[i] = int32(sort.Search(len(t.list), func(j int) bool { return t.list[j].call > end }))
	}
	return g
}

// edges adds what the order of a key's tokens says.
func (v *versions) edges(list []loose) []loose {
	add := func(from, to int32, kind edgeKind, at int) {
		if from != to {
			list = append(list, loose{from, edge{to, kind, v.number, int32(at)}})
		}
	}
	for i := 1; i < len(v.list); i++ {
		add(v.list[i-1].txn, v.list[i].txn, ww, i)
	}
	for _, m := range v.ops {
		if m.op.Kind != Read {
			continue
		}
		n := v.sees(m.op)
		if n > 0 {
			add(v.list[n-1].txn, m.txn, wr, n-1)
		}
		if n < len(v.list) {
			add(m.txn, v.list[n].txn, rw, n)
		}
	}
	return list
}

// beyond adds what follows from an append of unknown outcome that must have happened, because
// somebody saw another part of its batch, but stands in no text that was read: it comes after
// the longest of them.
func (v *versions) beyond(list []loose, txns []transaction, node *int32) []loose {
	begun := false
	for i, m := range v.missing {
		if !txns[m.txn].happened {
			continue
		}
		if !begun {
			begun = true
			if v.seen > 0 {
				list = append(list, loose{v.list[v.seen-1].txn, edge{*node, ww, v.number, -1}})
			}
			for _, r := range v.ops {
				if r.op.Kind == Read && v.sees(r.op) == v.seen {
					list = append(list, loose{r.txn, edge{*node, rw, v.number, -1}})
				}
			}
		}
		list = append(list, loose{*node, edge{m.txn, inner, v.number, int32(i)}})
	}
	if begun {
		*node++
	}
	return list
}

// fill sorts the edges by where they begin.
func (g *graph) fill(list []loose) {
	g.start = make([]int32, g.timeBase+1)
	for i := range list {
		g.start[list[i].from+1]++
	}
	for i := int32(1); i <= g.timeBase; i++ {
		g.start[i] += g.start[i-1]
	}
	next := make([]int32, g.timeBase)
	copy(next, g.start)
	g.edges = make([]edge, len(list))
	for i := range list {
		from := list[i].from
		g.edges[next[from]] = list[i].edge
		next[from]++
	}
}

// successor is a node's i-th edge; more is false if it has none so far.
func (g *graph) successor(v, i int32) (e edge, more bool) {
	if v >= g.timeBase {
		at := v - g.timeBase
		switch {
		case i == 0:
			return edge{to: at, kind: clock}, true
		case i == 1 && v+1 < g.nodes:
			return edge{to: v + 1, kind: clock}, true
		}
		return e, false
	}
	if at := g.start[v] + i; at < g.start[v+1] {
		return g.edges[at], true
	}
	if i == g.start[v+1]-g.start[v] && v < g.n && g.later[v] < g.n {
		return edge{to: g.timeBase + g.later[v], kind: clock}, true
	}
	return e, false
}

// knots finds strongly connected components of more than one node, by Tarjan's algorithm
// without recursion.
type knots struct {
	g          *graph
	kinds      edgeKind // edges of other kinds are not followed
	order, low []int32  // 0 = not visited
	within     []int32  // the knot that each node is in, 0 = none; only nodes of the same are followed
	done       []bool
	count      int32
	stack      []int32
	frames     []frame
}

type frame struct{ node, edge int32 }

func newKnots(g *graph, kinds edgeKind, within []int32) *knots {
	return &knots{g: g, kinds: kinds | inner, within: within, order: make([]int32, g.nodes), low: make([]int32, g.nodes), done: make([]bool, g.nodes)}
}

// from appends the knots that can be reached from a node.
func (k *knots) from(root int32, found [][]int32) [][]int32 {
	if k.order[root] != 0 {
		return found
	}
	k.enter(root)
	for len(k.frames) > 0 {
		f := &k.frames[len(k.frames)-1]
		e, more := k.g.successor(f.node, f.edge)
		f.edge++
		switch {
		case !more:
			v := f.node
			k.frames = k.frames[:len(k.frames)-1]
			if n := len(k.frames); n > 0 {
				parent := k.frames[n-1].node
				k.low[parent] = min(k.low[parent], k.low[v])
			}
			if k.low[v] == k.order[v] {
				found = k.leave(v, found)
			}
		case e.kind&k.kinds == 0 || k.within != nil && k.within[e.to] != k.within[root]:
		case k.order[e.to] == 0:
			k.enter(e.to)
		case !k.done[e.to]:
			k.low[f.node] = min(k.low[f.node], k.order[e.to])
		}
	}
	return found
}

func (k *knots) enter(v int32) {
	k.count++
	k.order[v], k.low[v] = k.count, k.count
	k.stack = append(k.stack, v)
	k.frames = append(k.frames, frame{node: v})
}

// leave takes a finished component off the stack.
func (k *knots) leave(v int32, found [][]int32) [][]int32 {
	at := len(k.stack) - 1
	for k.stack[at] != v {
		at--
	}
	for _, w := range k.stack[at:] {
		k.done[w] = true
	}
	if at < len(k.stack)-1 {
		found = append(found, append([]int32(nil), k.stack[at:]...))
	}
	k.stack = k.stack[:at]
	return found
}
