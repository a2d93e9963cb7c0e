package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
)

// exitDegraded says that the cluster answers but is not whole.
const exitDegraded = 2

// report is what the nodes say, put together.
type report struct {
	Cluster string        `json:"cluster"`
	Epoch   uint64        `json:"epoch"`
	Nodes   []nodeReport  `json:"nodes"`
	Shards  []shardReport `json:"shards"`
	Trouble []string      `json:"trouble"` // empty: all is well
}

type nodeReport struct {
	Name     string        `json:"name"`
	GRPC     string        `json:"grpc"`
	RESP     string        `json:"resp"`
	State    string        `json:"state"`           // active, down, left
	Error    string        `json:"error,omitempty"` // why it did not answer
	Uptime   time.Duration `json:"uptime_ns"`
	Replicas int           `json:"replicas"`
	Leads    int           `json:"leads"`
	Keys     uint64        `json:"keys"`
	Bytes    uint64        `json:"bytes"`
	LogBytes uint64        `json:"log_bytes"`
	Answered uint64        `json:"answered"`
	Refused  uint64        `json:"refused"`
	Waiting  uint64        `json:"waiting"`
}

type shardReport struct {
	Shard    uint32   `json:"shard"` // 0 is the meta group
	Leader   string   `json:"leader"`
	Term     uint64   `json:"term"`
	Applied  uint64   `json:"applied"`
	Lag      uint64   `json:"lag"` // entries that the slowest replica is behind
	Voters   []string `json:"voters"`
	Learners []string `json:"learners"`
	Keys     uint64   `json:"keys"`
	Bytes    uint64   `json:"bytes"`
}

func showStatus(args []string) int {
	flags := newFlags("torc status", "")
	var c connection
	c.flags(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	all := flags.Bool("shards", false, "print every shard, not just those in trouble")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	r, err := gather(ctx, &c)
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc status: %v\n", err)
		return exitError
	}
	if *asJSON {
		out, _ := json.MarshalIndent(r, "", "  ")
		fmt.Println(string(out))
	} else {
		r.print(os.Stdout, newPainter(os.Stdout), *all)
	}
	if len(r.Trouble) > 0 {
		return exitDegraded
	}
	return exitOK
}

// gather asks a node who is there, and then everybody.
func gather(ctx context.Context, c *connection) (*report, error) {
	ctx, err := c.authorized(ctx)
	if err != nil {
		return nil, err
	}
	var topology *torcv1.TopologyResponse
	for _, addr := range c.seeds() {
		if topology, err = ask(ctx, c, addr, func(ctx context.Context, api torcv1.CacheClient) (*torcv1.TopologyResponse, error) {
			return api.Topology(ctx, &torcv1.TopologyRequest{})
		}); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	answers := make([]*torcv1.StatusResponse, len(topology.Nodes))
	failures := make([]error, len(topology.Nodes))
	var asked sync.WaitGroup
	for i, n := range topology.Nodes {
		asked.Go(func() {
			answers[i], failures[i] = ask(ctx, c, n.GrpcAddr, func(ctx context.Context, api torcv1.CacheClient) (*torcv1.StatusResponse, error) {
				return api.Status(ctx, &torcv1.StatusRequest{})
			})
		})
	}
	asked.Wait()
	return newReport(topology, answers, failures), nil
}

// askWithin is how long one node may take.
const askWithin = 2 * time.Second

func ask[T any](ctx context.Context, c *connection, addr string, call func(context.Context, torcv1.CacheClient) (T, error)) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	conn, err := c.dial(addr)
	if err != nil {
		return answer, err
	}
	defer func() { _ = conn.Close() }()
	if answer, err = call(ctx, torcv1.NewCacheClient(conn)); err != nil {
		return answer, fmt.Errorf("%s: %s", addr, status.Convert(err).Message())
	}
	return answer, nil
}

func newReport(t *torcv1.TopologyResponse, answers []*torcv1.StatusResponse, failures []error) *report {
	r := &report{Cluster: fmt.Sprintf("%016x", t.ClusterId), Epoch: t.Epoch, Trouble: []string{}, Shards: make([]shardReport, len(t.Shards)+1)}
	for shard := range r.Shards {
		r.Shards[shard] = shardReport{Shard: uint32(shard), Voters: []string{}, Learners: []string{}}
	}
	homes := map[uint64]string{} // replica -> node; replica IDs are unique in a cluster
	for i, n := range t.Nodes {
		if answers[i] == nil {
			continue
		}
		for _, g := range answers[i].Replicas {
			homes[g.Replica] = n.Name
		}
	}
	for i, n := range t.Nodes {
		r.addNode(n, answers[i], failures[i], homes)
	}
	r.countLeads()
	slices.SortFunc(r.Nodes, func(a, b nodeReport) int { return strings.Compare(a.Name, b.Name) })
	want := min(int(t.Replication), len(t.Nodes))
	for i := range r.Shards {
		r.judge(&r.Shards[i], want)
	}
	return r
}

func (r *report) addNode(n *torcv1.Node, s *torcv1.StatusResponse, failure error, homes map[uint64]string) {
	of := nodeReport{Name: n.Name, GRPC: n.GrpcAddr, RESP: n.RespAddr, State: strings.ToLower(n.State.String())}
	if of.State != "active" {
		r.Trouble = append(r.Trouble, fmt.Sprintf("node %s is %s", n.Name, of.State))
	}
	if failure != nil {
		of.Error = failure.Error()
		r.Trouble = append(r.Trouble, fmt.Sprintf("node %s does not answer: %v", n.Name, failure))
		r.Nodes = append(r.Nodes, of)
		return
	}
	of.Uptime, of.Replicas = time.Duration(s.UptimeMillis)*time.Millisecond, len(s.Replicas)
	of.Answered, of.Refused, of.Waiting = s.Answered, s.Refused, s.Waiting
	for _, g := range s.Replicas {
		of.Keys, of.Bytes, of.LogBytes = of.Keys+g.Keys, of.Bytes+g.Bytes, of.LogBytes+g.LogBytes
		if g.Role == "leader" {
			r.lead(n.Name, g, homes)
		}
	}
	r.Nodes = append(r.Nodes, of)
}

// lead notes what a shard's leader says of it. Of two that think so, the later term counts.
func (r *report) lead(name string, g *torcv1.ReplicaStatus, homes map[uint64]string) {
	if int(g.Shard) >= len(r.Shards) || r.Shards[g.Shard].Term >= g.Term {
		return
	}
	names := func(ids []uint64) []string {
		out := []string{}
		for _, id := range ids {
			home := homes[id]
			if home == "" {
				home = fmt.Sprintf("? (replica %d)", id)
			}
			out = append(out, home)
		}
		slices.Sort(out)
		return out
	}
	r.Shards[g.Shard] = shardReport{Shard: g.Shard, Leader: name, Term: g.Term, Applied: g.Applied, Lag: g.Lag,
		Voters: names(g.Voters), Learners: names(g.Learners), Keys: g.Keys, Bytes: g.Bytes}
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

func (r *report) judge(s *shardReport, want int) {
	if trouble := s.trouble(want); trouble != "" {
		r.Trouble = append(r.Trouble, s.name()+": "+trouble)
	}
}

func (s *shardReport) name() string {
	if s.Shard == 0 {
		return "meta group"
	}
	return fmt.Sprintf("shard %d", s.Shard)
}

// laggard is how many entries a replica may be behind before it is worth a word.
const laggard = 10_000

func (s *shardReport) trouble(want int) string {
	live := 0
	for _, v := range s.Voters {
		if !strings.HasPrefix(v, "?") {
			live++
		}
	}
	switch {
	case s.Leader == "":
		return "no leader was found"
	case live < want:
		return fmt.Sprintf("%d of %d replicas", live, want)
	case s.Lag > laggard:
		return fmt.Sprintf("a replica is %d entries behind", s.Lag)
	}
	return ""
}

func (r *report) print(w io.Writer, p painter, all bool) {
	_, _ = fmt.Fprintf(w, "cluster %s, epoch %d, %d nodes, %d shards: ", r.Cluster, r.Epoch, len(r.Nodes), len(r.Shards)-1)
	if len(r.Trouble) == 0 {
		_, _ = fmt.Fprintln(w, p.good("healthy"))
	} else {
		_, _ = fmt.Fprintln(w, p.bad(fmt.Sprintf("%d troubles", len(r.Trouble))))
	}
	r.printNodes(w, p)
	for _, trouble := range r.Trouble {
		_, _ = fmt.Fprintln(w, p.odd("! "+trouble))
	}
	if all {
		r.printShards(w, p)
	}
}

// Colours are put on the lines' ends only: a tabwriter counts their bytes.
func (r *report) printNodes(w io.Writer, p painter) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nNODE\tRESP\tUP\tLEADS\tREPLICAS\tKEYS\tMEMORY\tLOG\tREQUESTS\tWAITING\tSTATE")
	for _, n := range r.Nodes {
		state := p.good(n.State)
		if n.State != "active" || n.Error != "" {
			state = p.bad(n.State + ", does not answer")
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%v\t%d\t%d\t%d\t%s\t%s\t%d\t%d\t%s\n", n.Name, n.RESP, n.Uptime.Round(time.Second),
			n.Leads, n.Replicas, n.Keys, bytesText(n.Bytes), bytesText(n.LogBytes), n.Answered, n.Waiting, state)
	}
	_ = t.Flush()
}

func (r *report) printShards(w io.Writer, p painter) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nSHARD\tLEADER\tTERM\tAPPLIED\tLAG\tKEYS\tMEMORY\tVOTERS\tLEARNERS")
	for _, s := range r.Shards {
		name, leader := fmt.Sprint(s.Shard), s.Leader
		if s.Shard == 0 {
			name = "meta"
		}
		if leader == "" {
			leader = "none"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", name, leader, s.Term, s.Applied, s.Lag, s.Keys,
			bytesText(s.Bytes), strings.Join(s.Voters, " "), p.odd(strings.Join(s.Learners, " ")))
	}
	_ = t.Flush()
}

func bytesText(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1fGiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1fMiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1fKiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%dB", n)
}
