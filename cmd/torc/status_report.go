package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	torcv1 "torc/api/v1"
)

// report is what the nodes say, put together. Groups are the shards and the meta group.
type report struct {
	Cluster     string        `json:"cluster"`
	Epoch       uint64        `json:"epoch"`
	Replication uint32        `json:"replication"`
	Nodes       []nodeReport  `json:"nodes"`
	Shards      []shardReport `json:"shards"`
	Leaderless  int           `json:"groups_without_leader"`
	Short       int           `json:"groups_short_of_replicas"`
	Moving      int           `json:"groups_moving"`      // a replica comes or goes
	Trouble     []string      `json:"trouble"`            // empty: all is well
	Progress    string        `json:"progress,omitempty"` // of the moves, in words; empty: there are none
	Advice      string        `json:"advice,omitempty"`   // what only an operator can do about it
}

type nodeReport struct {
	Name     string        `json:"name"`
	GRPC     string        `json:"grpc"`
	RESP     string        `json:"resp"`
	State    string        `json:"state"`           // active, draining, down, left
	Error    string        `json:"error,omitempty"` // why it did not answer
	Uptime   time.Duration `json:"uptime_ns"`
	Weight   string        `json:"weight"`
	Lanes    uint32        `json:"lanes"`
	Replicas int           `json:"replicas"`
	Leads    int           `json:"leads"`
	Keys     uint64        `json:"keys"`
	Bytes    uint64        `json:"bytes"`
	LogBytes uint64        `json:"log_bytes"`
	Answered uint64        `json:"answered"`
	Refused  uint64        `json:"refused"`
	Waiting  uint64        `json:"waiting"`
	Policy   string        `json:"maxmemory_policy"`
	Evicted  uint64        `json:"evicted"`
	Curve    []int32       `json:"hit_rate_estimates_thousandths,omitempty"` // with 0.5, 1, 2 and 4 times the memory
	Hot      *hotReport    `json:"hot_keys,omitempty"`                       // copies of keys that other nodes lead
	Gossip   *gossipReport `json:"gossip,omitempty"`                         // what the other nodes say of it

	asked bool // it should be there
}

type shardReport struct {
	Shard    uint32   `json:"shard"` // 0 is the meta group
	Leader   string   `json:"leader"`
	Term     uint64   `json:"term"`
	Applied  uint64   `json:"applied"`
	Lag      uint64   `json:"lag"` // entries that the slowest replica is behind
	Voters   []string `json:"voters"`
	Learners []string `json:"learners"`
	Leaving  []string `json:"leaving"` // voters that go as soon as their successors vote
	Keys     uint64   `json:"keys"`
	Bytes    uint64   `json:"bytes"`

	Losses        uint64     `json:"losses,omitempty"`         // how often it was lost and begun anew, empty
	LostAt        *time.Time `json:"lost_at,omitempty"`        // the last time
	WithoutQuorum bool       `json:"without_quorum,omitempty"` // the majority of its replicas is over

	trouble string
}

// newReport puts together what the nodes answered; those with a failure, or that have left, did not.
func newReport(t *torcv1.TopologyResponse, answers []*torcv1.StatusResponse, failures []error) *report {
	r := &report{Cluster: fmt.Sprintf("%016x", t.ClusterId), Epoch: t.Epoch, Replication: t.Replication, Trouble: []string{}}
	h := newHomes(t, answers)
	members := 0
	for i, n := range t.Nodes {
		if n.State != torcv1.Node_LEFT && n.State != torcv1.Node_DRAINING {
			members++
		}
		r.addNode(n, answers[i], failures[i])
		r.Nodes[i].Gossip = gossipOf(n, answers)
	}
	want := min(int(t.Replication), members)
	for shard := range len(t.Shards) + 1 {
		r.addShard(newShard(uint32(shard), t, answers, h), want)
	}
	r.countLeads()
	r.Advice = r.metaAdvice()
	slices.SortFunc(r.Nodes, func(a, b nodeReport) int { return strings.Compare(a.Name, b.Name) })
	return r
}

func (r *report) addNode(n *torcv1.Node, s *torcv1.StatusResponse, failure error) {
	of := nodeReport{Name: n.Name, GRPC: n.GrpcAddr, RESP: n.RespAddr, State: strings.ToLower(n.State.String()), Weight: weightText(n.Weight), asked: n.State != torcv1.Node_LEFT}
	if of.State == "down" {
		r.Trouble = append(r.Trouble, fmt.Sprintf("node %s is down", n.Name))
	}
	switch {
	case failure != nil:
		of.Error = failure.Error()
		r.Trouble = append(r.Trouble, fmt.Sprintf("node %s does not answer at %s: %v", n.Name, n.GrpcAddr, failure))
	case s != nil:
		of.Uptime, of.Lanes, of.Replicas = time.Duration(s.UptimeMillis)*time.Millisecond, s.Lanes, len(s.Replicas)
		of.Answered, of.Refused, of.Waiting = s.Answered, s.Refused, s.Waiting
		of.Policy, of.Evicted, of.Curve = s.GetEviction().GetPolicy(), s.GetEviction().GetEvicted(), s.GetEviction().GetHitRates()
		of.Hot = hotOf(s)
		for _, g := range s.Replicas {
			of.Keys, of.Bytes, of.LogBytes = of.Keys+g.Keys, of.Bytes+g.Bytes, of.LogBytes+g.LogBytes
		}
	}
	r.Nodes = append(r.Nodes, of)
}

func (r *report) addShard(s shardReport, want int) {
	live := 0
	for _, voter := range s.Voters {
		if !strings.HasSuffix(voter, missing) {
			live++
		}
	}
	if s.Leader == "" {
		r.Leaderless++
	}
	if live < want {
		r.Short++
	}
	if len(s.Learners)+len(s.Leaving) > 0 {
		r.Moving++
	}
	switch {
	case s.WithoutQuorum && s.Leader == "":
		s.trouble = "the majority of its replicas is lost: see \"Losing a quorum\" in OPERATIONS.md"
	case s.Leader == "":
		s.trouble = "no leader was found"
	case live < want:
		s.trouble = fmt.Sprintf("%d of %d replicas", live, want)
	case s.Lag > laggard:
		s.trouble = fmt.Sprintf("a replica is %d entries behind", s.Lag)
	}
	if s.trouble != "" {
		r.Trouble = append(r.Trouble, s.name()+": "+s.trouble)
	}
	r.Shards = append(r.Shards, s)
}

// metaAdvice is what to do when the meta group cannot elect a leader by those that answer: no waiting mends it, and who does
// not know that waits.
func (r *report) metaAdvice() string {
	meta := &r.Shards[0]
	live := slices.DeleteFunc(slices.Clone(meta.Voters), func(voter string) bool { return strings.HasSuffix(voter, missing) })
	if meta.Leader != "" || len(meta.Voters) > 0 && len(live) > len(meta.Voters)/2 {
		return ""
	}
	at := slices.IndexFunc(r.Nodes, func(n nodeReport) bool {
		return n.asked && n.Error == "" && (len(live) == 0 || slices.Contains(live, n.Name))
	})
	if at < 0 {
		return ""
	}
	return fmt.Sprintf("the meta group has lost its majority (%d of its %d voters answer): nothing is repaired or moved, and no node is let in. Bring its other nodes back if they are only cut off or stand still; "+
		"if their processes have ended, what they knew is gone: torc recover-meta --addr %s shows what can be done, and does nothing yet", len(live), len(meta.Voters), r.Nodes[at].GRPC)
}

// countLeads counts only claims that hold: nodes answer at slightly different times, and a leadership
// that is handed over meanwhile is claimed twice.
func (r *report) countLeads() {
	leads := map[string]int{}
	for _, s := range r.Shards {
		leads[s.Leader]++
	}
	for i := range r.Nodes {
		r.Nodes[i].Leads = leads[r.Nodes[i].Name]
	}
}

// weightText is a weight without zeros that say nothing.
func weightText(hundredths uint32) string {
	return strconv.FormatFloat(float64(hundredths)/100, 'f', -1, 64)
}

// moving says that replicas are on the move, or are to be.
func (r *report) moving() bool {
	return r.Moving > 0 || r.Short > 0 || slices.ContainsFunc(r.Nodes, func(n nodeReport) bool { return n.State == "draining" })
}

// laggard is how many entries a replica may be behind before it is worth a word.
const laggard = 10_000

// newShard is a shard as its leader describes it. Of two that think they lead, the later term counts.
// Without a leader it is what the cluster map says of it.
func newShard(shard uint32, t *torcv1.TopologyResponse, answers []*torcv1.StatusResponse, h homes) shardReport {
	s := shardReport{Shard: shard}
	var voters, learners, leaving []uint64
	if shard > 0 { // the topology is for clients, who have no business with the meta group
		voters, learners, leaving = placed(t.Shards[shard-1])
		s.lossesOf(t.Shards[shard-1])
	} else {
		s.metaLosses(answers)
	}
	for i, answer := range answers {
		for _, g := range answer.GetReplicas() {
			switch {
			case g.Shard != shard:
			case g.Role == "leader" && (s.Leader == "" || g.Term > s.Term):
				s.Leader, s.Term, s.Applied, s.Lag, s.Keys, s.Bytes = t.Nodes[i].Name, g.Term, g.Applied, g.Lag, g.Keys, g.Bytes
				voters, learners = g.Voters, g.Learners
			case s.Leader == "":
				s.Term, s.Applied = max(s.Term, g.Term), max(s.Applied, g.Applied)
				if len(voters) == 0 {
					voters, learners = g.Voters, g.Learners
				}
			}
		}
	}
	s.Voters, s.Learners, s.Leaving = h.names(voters), h.names(learners), h.names(leaving)
	return s
}

func placed(s *torcv1.Shard) (voters, learners, leaving []uint64) {
	for _, r := range s.Replicas {
		if r.Leaving {
			leaving = append(leaving, r.Id)
		}
		if r.Voter {
			voters = append(voters, r.Id)
		} else {
			learners = append(learners, r.Id)
		}
	}
	return voters, learners, leaving
}

func (s *shardReport) name() string {
	if s.Shard == 0 {
		return "meta group"
	}
	return fmt.Sprintf("shard %d", s.Shard)
}

// missing marks a replica that no node says it holds: its node is silent, or lives a new life in which
// it has forgotten it.
const missing = " (missing)"

// homes tells where replicas are. Their IDs are never used twice in a cluster.
type homes struct {
	placed map[uint64]string // by the cluster map
	held   map[uint64]string // by the word of the node that holds it
}

func newHomes(t *torcv1.TopologyResponse, answers []*torcv1.StatusResponse) homes {
	h := homes{placed: map[uint64]string{}, held: map[uint64]string{}}
	names := map[uint64]string{}
	for i, n := range t.Nodes {
		names[n.Id] = n.Name
		for _, g := range answers[i].GetReplicas() {
			h.held[g.Replica] = n.Name
		}
	}
	for _, s := range t.Shards {
		for _, r := range s.Replicas {
			h.placed[r.Id] = names[r.Node]
		}
	}
	return h
}

// names are the replicas' nodes, in order.
func (h homes) names(replicas []uint64) []string {
	out := []string{}
	for _, id := range replicas {
		home := h.held[id]
		if home == "" {
			home = h.placed[id] + missing
		}
		if home == missing {
			home = fmt.Sprintf("replica %d", id) + missing
		}
		out = append(out, home)
	}
	slices.Sort(out)
	return out
}
