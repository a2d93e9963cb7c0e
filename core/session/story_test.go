package session

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the stories' outputs")

// The stories are text: commands, "----", what the brain does. The cluster has three nodes
// and one shard (or as many as the map command says). Commands:
//
//	new                                 a fresh brain, started
//	map EPOCH [shards=N] [cluster=N] [down=NODE]
//	                                    answers the question for the map
//	no-map                              answers it with no map
//	do NAME set|get KEY ... [timeout=D] begins an operation
//	ok ID [leader=N] [epoch=N]          answers an attempt
//	refused|unknown ID REASON [leader=N] [epoch=N]
//	fail ID [sent]                      a question came to nothing
//	pass DURATION                       lets time pass
//	stop                                stops the brain
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { tellStory(t, file) })
	}
}

func tellStory(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	s := &story{}
	var told strings.Builder
	for i, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
		if i > 0 {
			told.WriteString("\n\n")
		}
		input, _, isStep := strings.Cut(block, "----")
		if !isStep {
			told.WriteString(block) // prose
			continue
		}
		s.out.Reset()
		for line := range strings.Lines(strings.TrimSpace(input)) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
				s.command(t, line)
			}
		}
		if s.out.Len() == 0 {
			s.out.WriteString("(nothing)")
		}
		told.WriteString(strings.TrimSpace(input) + "\n----\n" + strings.TrimRight(s.out.String(), "\n"))
	}
	told.WriteString("\n")
	if *rewrite {
		require.NoError(t, os.WriteFile(file, []byte(told.String()), 0o644))
		return
	}
	require.Equal(t, string(text), told.String())
}

type story struct {
	world *world
	brain *Brain
	out   strings.Builder
	sent  map[uint64]int // attempt -> commands
	fetch uint64
	names []uint64 // of clients, in the order in which they appeared
}

func (s *story) say(format string, args ...any) {
	fmt.Fprintf(&s.out, "%9s  %s\n", (s.world.now - time.Hour).Round(100*time.Microsecond), fmt.Sprintf(format, args...))
}

// Send and FetchMap make the story a Transport that only writes down.
func (s *story) Send(id uint64, addr string, req *wire.Request, timeout time.Duration) {
	s.sent[id] = len(req.Commands)
	words := []string{fmt.Sprintf("-> %s  #%d shard %d epoch %d", addr, id, req.Shard, req.Epoch)}
	if q := req.Session; q != (wire.Session{}) {
		words = append(words, fmt.Sprintf("client %s seq %d floor %d", s.name(q.Client), q.Seq, q.Floor))
		if q.Retry {
			words = append(words, "retry")
		}
	}
	for _, c := range req.Commands {
		words = append(words, string(c.Key))
	}
	if req.Cluster != s.brain.Map().ClusterID {
		words = append(words, "for no cluster of ours")
	}
	s.say("%s", strings.Join(words, " "))
}

func (s *story) FetchMap(id uint64, addr string) {
	s.fetch = id
	s.say("-> %s  #%d map?", addr, id)
}

// name gives clients letters: their numbers say nothing.
func (s *story) name(client uint64) string {
	if !slices.Contains(s.names, client) {
		s.names = append(s.names, client)
	}
	return string(rune('A' + slices.Index(s.names, client)))
}

func (s *story) Uint64() uint64 { s.world.n++; return s.world.n * 1_000_003 }

func (s *story) command(t *testing.T, line string) {
	words := strings.Fields(line)
	var id, leader, epoch, shards, cluster, down uint64 = 0, 0, 7, 1, 1, 0
	timeout := time.Duration(0)
	var rest []string
	for _, word := range words[1:] {
		name, value, named := strings.Cut(word, "=")
		target := map[string]*uint64{"leader": &leader, "epoch": &epoch, "shards": &shards, "cluster": &cluster, "down": &down}[name]
		switch {
		case named && name == "timeout":
			d, err := time.ParseDuration(value)
			require.NoError(t, err, line)
			timeout = d
		case named:
			_, err := fmt.Sscan(value, target)
			require.NoError(t, err, line)
		default:
			rest = append(rest, word)
		}
	}
	number := func(i int) uint64 {
		_, err := fmt.Sscan(strings.TrimPrefix(rest[i], "#"), &id)
		require.NoError(t, err, line)
		return id
	}
	response := func(o wire.Outcome, r wire.Reason) *wire.Response {
		return &wire.Response{Outcome: o, Reason: r, Leader: wire.NodeID(leader), Epoch: wire.Epoch(epoch)}
	}
	switch words[0] {
	case "new":
		s.world, s.sent, s.names = newWorld(1), map[uint64]int{}, nil
		s.brain = New(Config{Seeds: []string{"seed1", "seed2"}}, s.world, s, s)
		s.brain.Start()
	case "map":
		m := threeNodes(wire.Epoch(number(0)), uint32(shards), cluster)
		if who := m.Member(wire.NodeID(down)); who != nil {
			who.State = wire.MemberDown
		}
		s.brain.OnMap(s.fetch, m)
	case "no-map":
		s.brain.OnMap(s.fetch, nil)
	case "do":
		s.do(rest, timeout)
	case "ok":
		r := response(wire.OutcomeOK, 0)
		r.Results = make([]wire.Result, s.sent[number(0)])
		s.brain.OnResponse(id, r)
	case "refused", "unknown":
		outcome := map[string]wire.Outcome{"refused": wire.OutcomeRefused, "unknown": wire.OutcomeUnknown}[words[0]]
		s.brain.OnResponse(number(0), response(outcome, reasonNamed(t, rest[1])))
	case "fail":
		s.brain.OnFailure(number(0), len(rest) > 1)
	case "pass":
		d, err := time.ParseDuration(rest[0])
		require.NoError(t, err, line)
		s.world.run(s.world.now + d)
	case "stop":
		s.brain.Stop()
	default:
		require.Fail(t, "unknown command", line)
	}
}

func (s *story) do(words []string, timeout time.Duration) {
	op := map[string]wire.Op{"set": wire.OpSet, "get": wire.OpGet}[words[1]]
	var cmds []wire.Command
	for _, key := range words[2:] {
		cmds = append(cmds, wire.Command{Op: op, Key: []byte(key)})
	}
	s.brain.Do(cmds, timeout, func(items []Item) {
		var outcomes []string
		for _, item := range items {
			outcomes = append(outcomes, fmt.Sprint([...]string{"ok", "refused: ", "unknown: "}[item.Outcome], strings.TrimPrefix(item.Reason.String(), "none")))
		}
		s.say("%s is done: %s", words[0], strings.Join(outcomes, ", "))
	})
}

func reasonNamed(t *testing.T, name string) wire.Reason {
	for r := wire.ReasonNone; r <= wire.ReasonOtherCluster; r++ {
		if strings.ReplaceAll(r.String(), " ", "-") == name {
			return r
		}
	}
	require.Fail(t, "unknown reason", name)
	return 0
}

// threeNodes is a map in which node 1 should lead every shard.
func threeNodes(epoch wire.Epoch, shards uint32, cluster uint64) *wire.ClusterMap {
	m := &wire.ClusterMap{ClusterID: cluster, Epoch: epoch, Shards: shards, Replication: 3}
	for id := wire.NodeID(1); id <= 3; id++ {
		m.Members = append(m.Members, wire.Member{ID: id, GRPCAddr: id.String(), Weight: 100})
	}
	for s := range wire.ShardID(shards + 1) {
		p := wire.Placement{Shard: s, Preferred: 1}
		for id := wire.NodeID(1); id <= 3; id++ {
			p.Replicas = append(p.Replicas, wire.Replica{ID: wire.ReplicaID(id), Node: id, Role: wire.RoleVoter})
		}
		m.Placements = append(m.Placements, p)
	}
	return m
}
