package node

import "torc/cluster"

// hot is how a node's lanes stand together with copies of other nodes' hot keys.
func (s *Status) hot() (h cluster.HotStatus) {
	for i := range s.Lanes {
		l := &s.Lanes[i].Hot
		h.Keys, h.Reads, h.Taken, h.Recalls = h.Keys+l.Keys, h.Reads+l.Reads, h.Taken+l.Taken, h.Recalls+l.Recalls
	}
	return h
}

// hotSamples are its metrics.
func hotSamples(g *gatherer, s *Status) {
	h := s.hot()
	g.gauge("torc_hot_keys_held", "Hot keys of other nodes of which this one holds a copy now.", float64(h.Keys))
	g.counter("torc_hot_reads_total", "Reads answered from such copies.", float64(h.Reads))
	g.counter("torc_hot_copies_total", "Copies taken, renewed ones too.", float64(h.Taken))
	g.counter("torc_hot_recalls_total", "Copies dropped because a leader wanted them back: somebody was about to write the key.", float64(h.Recalls))
}
