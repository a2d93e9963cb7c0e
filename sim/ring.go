package sim

import (
	"torc/core/trace"
	"torc/core/wire"
)

// rings sees to it that there is one cluster, and one map under each of its epochs: two maps
// under one epoch are two owners of some key.
type rings struct {
	founded uint64 // the cluster's ID, zero: none yet
	by      wire.NodeID
	maps    []digest // by epoch
}

// newest is the greatest epoch of all maps.
func (r *rings) newest() uint64 { return uint64(max(len(r.maps)-1, 0)) }

func (r *rings) see(w *World, e *trace.Event) {
	if e.Kind == trace.Founded {
		if r.founded != 0 {
			w.violate(OracleRing, "%v founded cluster %x, but %v had founded cluster %x", e.Node, e.A, r.by, r.founded)
			return
		}
		r.founded, r.by = e.A, e.Node
		return
	}
	if e.A > 1<<20 {
		return
	}
	for uint64(len(r.maps)) <= e.A {
		r.maps = append(r.maps, digest{})
	}
	d := &r.maps[e.A]
	if d.set && d.sum != e.B {
		w.violate(OracleRing, "epoch %d: the map on %v has digest %x, the one on %v had %x", e.A, e.Node, e.B, d.node, d.sum)
		return
	}
	*d = digest{e.B, e.Node, true}
}
