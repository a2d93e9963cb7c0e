package real

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"torc/cluster"
	"torc/sim"
)

// Unreal is what the model has and real processes have otherwise, and why.
type Unreal struct{ What, Why string }

// electionTicks is how many ticks torcd's election timeout has.
const electionTicks = 10

// electionLeast and driftMost are torcd's own limits.
const (
	electionLeast = 100 * time.Millisecond
	driftMost     = 200
	graceDefault  = time.Minute

	resetGraceDefault = 30 * time.Second

	sessionLeast   = time.Second
	sessionDefault = 10 * time.Minute
)

// realised are the settings that reach the processes or the clients as they are.
var realised = map[string]bool{
	"nodes": true, "absent": true, "shards": true, "replicas": true, "lanes": true, "reads": true, "drift": true,
	"sessions": true, "plain": true, "threads": true, "think": true, "timeout": true,
	"registers": true, "counters": true, "appends": true,
	"tick": true, "election": true, "elections": true, "grace": true, "reset-grace": true, "session-ttl": true, // see adjusted
	"on-loss": true, "evict": true,
	"faults": true, "fault-every": true, "fault-for": true, // of swarms, which are refused
}

// reasons are why a setting is otherwise, by the beginning of its name.
var reasons = []struct{ prefix, why string }{
	{"link.", "the links are this machine's own: some ten microseconds, nothing lost or doubled"},
	{"swim.", "torcd's gossip has its own times, and nobody makes it lie"},
	{"drift-used", "all processes share one clock"},
	{"skew", "all processes share one clock"},
	{"unbounded", "all processes share one clock"},
	{"core", "all nodes are healed at once"},
	{"turn", "a turn takes what it takes"},
	{"heartbeat", "torcd sets it itself"},
	{"log", "torcd sets it itself"},
	{"codec", "frames always travel in their binary form"},
	{"redirect", "Torc's client finds leaders by the map, as always"},
	{"models", "not drawn with real processes: the file's own operations are"},
	{"expiring", "not drawn with real processes: the file's own operations are"},
	{"transactions", "not drawn with real processes: no client asks for atomic batches"},
	{"", "torcd cannot be told"},
}

// unrealSettings lists the settings that reality has otherwise, one entry for each reason.
func unrealSettings(s *sim.Settings) (list []Unreal) {
	whys := map[string]int{}
	add := func(what, why string) {
		if i, known := whys[why]; known {
			list[i].What += " " + what
			return
		}
		whys[why] = len(list)
		list = append(list, Unreal{what, why})
	}
	for _, f := range sim.Fields() {
		if realised[f.Name] {
			continue
		}
		for _, r := range reasons {
			if strings.HasPrefix(f.Name, r.prefix) {
				add(f.Name+"="+f.Get(s), r.why)
				break
			}
		}
	}
	for _, u := range adjusted(s) {
		add(u.What, u.Why)
	}
	return list
}

// adjusted are the settings of which torcd takes only some values.
func adjusted(s *sim.Settings) (list []Unreal) {
	for node := range s.Nodes {
		ticks, election := s.ElectionOf(node), electionOf(s, node)
		if node > 0 && ticks == s.ElectionOf(node-1) {
			continue
		}
		if ticks != electionTicks {
			what := fmt.Sprintf("tick=%v election=%d", s.Tick, ticks)
			if len(s.Elections) > 0 {
				what += fmt.Sprintf(" of n%d", node+1)
			}
			list = append(list, Unreal{what,
				fmt.Sprintf("torcd's election timeout has ten ticks: it is %v, as in the model, and a tick %v", election, election/electionTicks)})
		}
		if want := s.Tick * time.Duration(ticks); election != want {
			list = append(list, Unreal{fmt.Sprintf("an election timeout of %v", want), fmt.Sprintf("torcd's is at least %v", electionLeast)})
		}
	}
	if s.Grace != 0 && graceOf(s) != s.Grace {
		list = append(list, Unreal{fmt.Sprintf("grace=%v", s.Grace), fmt.Sprintf("torcd's is at least four election timeouts, %v", graceOf(s))})
	}
	if s.ResetGrace != 0 && resetGraceOf(s) != s.ResetGrace {
		list = append(list, Unreal{fmt.Sprintf("reset-grace=%v", s.ResetGrace), fmt.Sprintf("torcd's is at least four election timeouts, %v", resetGraceOf(s))})
	}
	if s.SessionTTL != 0 && sessionTTLOf(s) != s.SessionTTL {
		list = append(list, Unreal{fmt.Sprintf("session-ttl=%v", s.SessionTTL), fmt.Sprintf("torcd's is at least %v", sessionLeast)})
	}
	if s.Drift > driftMost {
		list = append(list, Unreal{fmt.Sprintf("drift=%d", s.Drift), fmt.Sprintf("torcd takes at most %d", driftMost)})
	}
	return list
}

// electionOf is the election timeout of a node, counted from 0.
func electionOf(s *sim.Settings, node int) time.Duration {
	return max(s.Tick*time.Duration(s.ElectionOf(node)), electionLeast)
}

// longestElection is that of the most patient node.
func longestElection(s *sim.Settings) (longest time.Duration) {
	for node := range s.Nodes {
		longest = max(longest, electionOf(s, node))
	}
	return longest
}

func graceOf(s *sim.Settings) time.Duration {
	if s.Grace == 0 {
		return max(graceDefault, 4*longestElection(s))
	}
	return max(s.Grace, 4*longestElection(s))
}

func resetGraceOf(s *sim.Settings) time.Duration {
	if s.ResetGrace == 0 {
		return max(resetGraceDefault, 4*longestElection(s))
	}
	return max(s.ResetGrace, 4*longestElection(s))
}

func sessionTTLOf(s *sim.Settings) time.Duration {
	if s.SessionTTL == 0 {
		return sessionDefault
	}
	return max(s.SessionTTL, sessionLeast)
}

// flagsOf is what a node, counted from 0, is told besides its addresses. Who only joins is told nothing of what the founders
// wish: the map says it.
func flagsOf(s *sim.Settings, node int) []string {
	reads := "lease"
	if s.ReadsOf(node) == cluster.ReadIndex {
		reads = "readindex"
	}
	loss := "reset"
	if s.OnLoss == cluster.LossRefuse {
		loss = "refuse"
	}
	flags := []string{
		"--name", fmt.Sprintf("n%d", node+1), "--lanes", strconv.Itoa(s.Lanes[node]),
		"--reads", reads, "--clock-drift", strconv.Itoa(min(s.Drift, driftMost)),
		"--election-timeout", electionOf(s, node).String(), "--grace", graceOf(s).String(), "--timeout", s.Timeout.String(),
		"--on-quorum-loss", loss, "--reset-grace", resetGraceOf(s).String(), "--maxmemory-policy", s.Evict.String(),
	}
	expect := s.Nodes - s.Absent
	if node >= expect {
		return append(flags, "--expect", "1")
	}
	return append(flags, "--expect", strconv.Itoa(expect), "--shards", strconv.Itoa(s.Shards), "--replicas", strconv.Itoa(s.Replicas),
		"--session-ttl", sessionTTLOf(s).String())
}
