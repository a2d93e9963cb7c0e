package main

import (
	"fmt"
	"strings"

	torcv1 "torc/api/v1"
)

// gossipReport is what the nodes that answered say of a node, from gossip: a few seconds old, and
// the only word about a node that this client does not reach.
type gossipReport struct {
	Alive   int `json:"alive"`   // so many of the other nodes believe that it is alive,
	Suspect int `json:"suspect"` // that it may not be,
	Dead    int `json:"dead"`    // that it is not,
	Left    int `json:"left"`    // that it has said goodbye

	Known       bool   `json:"known"` // it has said how it is:
	RequestRate uint64 `json:"request_rate"`
	Waiting     uint64 `json:"waiting"`
	MemoryUsed  uint64 `json:"memory_used"`
	MemoryMax   uint64 `json:"memory_max"`
	HitRate     int    `json:"hit_rate_thousandths"` // -1: nothing was read lately
	Leads       uint64 `json:"leads"`
	uptime      int64
}

// gossipOf gathers what is said of a node's present life; nil when nobody speaks of it. Of several
// words of its own the newest counts.
func gossipOf(n *torcv1.Node, answers []*torcv1.StatusResponse) (g *gossipReport) {
	for _, a := range answers {
		for _, b := range a.GetPeers() {
			if b.Node != n.Id || b.Incarnation < n.Incarnation {
				continue
			}
			if g == nil {
				g = &gossipReport{HitRate: -1}
			}
			if a.Node != n.Id {
				g.count(b.Belief)
			}
			g.learn(b.Health)
		}
	}
	return g
}

func (g *gossipReport) count(belief string) {
	switch belief {
	case "alive":
		g.Alive++
	case "suspect":
		g.Suspect++
	case "dead":
		g.Dead++
	case "left":
		g.Left++
	}
}

func (g *gossipReport) learn(h *torcv1.Health) {
	if h == nil || g.Known && h.UptimeSeconds < g.uptime {
		return
	}
	g.Known, g.uptime, g.RequestRate, g.Waiting, g.Leads = true, h.UptimeSeconds, h.RequestRate, h.Waiting, h.Leads
	g.MemoryUsed, g.MemoryMax, g.HitRate = h.MemoryUsed, h.MemoryMax, int(h.HitRate)
}

// text is the columns RATE, HITS and GOSSIP.
func (g *gossipReport) text() string {
	rate, hits := "-", "-"
	if g != nil && g.Known {
		rate = fmt.Sprintf("%d/s", g.RequestRate)
		if g.HitRate >= 0 {
			hits = fmt.Sprintf("%.1f%%", float64(g.HitRate)/10)
		}
	}
	return rate + "\t" + hits + "\t" + g.belief()
}

// belief is what the others think, with their numbers when they are of two minds or think the worst.
func (g *gossipReport) belief() string {
	if g == nil || g.Alive+g.Suspect+g.Dead+g.Left == 0 {
		return "-"
	}
	total := g.Alive + g.Suspect + g.Dead + g.Left
	if g.Alive == total {
		return "alive"
	}
	var words []string
	for _, b := range []struct {
		n    int
		word string
	}{{g.Dead, "dead"}, {g.Suspect, "suspect"}, {g.Left, "left"}} {
		if b.n > 0 {
			words = append(words, fmt.Sprintf("%s (%d of %d)", b.word, b.n, total))
		}
	}
	return strings.Join(words, ", ")
}

// memoryText is the column MEMORY of a node that does not answer.
func (g *gossipReport) memoryText() string {
	if g == nil || !g.Known {
		return "-"
	}
	return bytesText(g.MemoryUsed) + g.pressureText()
}

// pressureText is how full a node's memory is, if it is bounded.
func (g *gossipReport) pressureText() string {
	if g == nil || !g.Known || g.MemoryMax == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d%%)", g.MemoryUsed*100/g.MemoryMax)
}
