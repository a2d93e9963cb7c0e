package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"torc/cluster"
	"torc/core/evict"
)

// Field is one of the Settings under the name that reports and scenario files give it.
type Field struct {
	Name string
	Doc  string
	Get  func(*Settings) string
	Set  func(*Settings, string) error
}

// fieldGroups are all of the Settings, in the lines in which a report shows them.
var fieldGroups = [][]Field{
	{
		intField("nodes", "machines", 1, 32, func(s *Settings) *int { return &s.Nodes }),
		intField("absent", "of the nodes, the last ones, until they join", 0, 31, func(s *Settings) *int { return &s.Absent }),
		intField("shards", "Raft groups with data", 1, 1024, func(s *Settings) *int { return &s.Shards }),
		intField("replicas", "of each shard", 1, 9, func(s *Settings) *int { return &s.Replicas }),
		{"lanes", "event loops of each node, as in 2,1,1", getLanes, setLanes},
		choiceField("reads", "how reads are made safe: lease, readindex, or mixed: n1 by lease, n2 by readindex, and so on", []string{"lease", "readindex", "mixed"}, getReads, setReads),
		durationField("tick", "raft's clock", func(s *Settings) *time.Duration { return &s.Tick }),
		intField("election", "ticks until an election", 2, 1000, func(s *Settings) *int { return &s.Election }),
		{"elections", "the same of each node, where they differ, as in 10,30,10; 0: as election says", getElections, setElections},
		intField("heartbeat", "ticks between heartbeats", 1, 500, func(s *Settings) *int { return &s.Heartbeat }),
		intField("drift", "thousandths by which clocks may run apart", 0, 500, func(s *Settings) *int { return &s.Drift }),
		bytesField("log", "bytes of a shard's log before it is cut", func(s *Settings) *int64 { return &s.LogBytes }),
		choiceField("evict", "what is given up when memory is squeezed: a policy in Redis's words", evict.Names(),
			func(s *Settings) int { return int(s.Evict) }, func(s *Settings, choice int) { s.Evict = evict.Kind(choice) }),
		durationField("grace", "silence after which a node's replicas are moved; 0 is the default", func(s *Settings) *time.Duration { return &s.Grace }),
		choiceField("on-loss", "what becomes of a shard that has lost its quorum for good: reset or refuse", []string{"reset", "refuse"},
			func(s *Settings) int { return int(s.OnLoss) }, func(s *Settings, choice int) { s.OnLoss = cluster.LossPolicy(choice) }),
		durationField("reset-grace", "for how long it must have been lost; 0 is the default", func(s *Settings) *time.Duration { return &s.ResetGrace }),
		durationField("session-ttl", "for how long a shard remembers a client that writes nothing; 0 is the default", func(s *Settings) *time.Duration { return &s.SessionTTL }),
		intField("sessions-max", "how many clients a shard remembers; 0 is the default", 0, 1_000_000, func(s *Settings) *int { return &s.SessionsMax }),
		bytesField("session-bytes", "what that may take, with what they were told; 0 is the default", func(s *Settings) *int64 { return &s.SessionBytes }),
	}, {
		durationField("link.delay", "one way", func(s *Settings) *time.Duration { return &s.Links.Delay }),
		durationField("link.jitter", "added, uniformly", func(s *Settings) *time.Duration { return &s.Links.Jitter }),
		partsField("link.tail", "how often a packet takes up to link.tail-delay", func(s *Settings) *int { return &s.Links.Tail }),
		durationField("link.tail-delay", "the longest delay of those", func(s *Settings) *time.Duration { return &s.Links.TailDelay }),
		partsField("link.drop", "packets that are lost", func(s *Settings) *int { return &s.Links.Drop }),
		partsField("link.duplicate", "packets between nodes that come twice", func(s *Settings) *int { return &s.Links.Duplicate }),
		boolField("codec", "frames travel in their binary form", func(s *Settings) *bool { return &s.Codec }),
		boolField("redirect", "Torc's clients are redirected, not forwarded for", func(s *Settings) *bool { return &s.Redirect }),
		durationField("turn", "how long a lane's turn takes", func(s *Settings) *time.Duration { return &s.TurnCost }),
	}, {
		durationField("swim.every", "between rounds of the failure detector", func(s *Settings) *time.Duration { return &s.Swim.Every }),
		intField("swim.misses", "rounds without an answer before suspicion", 1, 100, func(s *Settings) *int { return &s.Swim.Misses }),
		durationField("swim.suspect", "from suspicion to death", func(s *Settings) *time.Duration { return &s.Swim.SuspectFor }),
		partsField("swim.false-alarm", "a healthy node is suspected", func(s *Settings) *int { return &s.Swim.FalseAlarm }),
		partsField("swim.libel", "a healthy node is declared dead", func(s *Settings) *int { return &s.Swim.Libel }),
		partsField("swim.old-rumour", "a former life is declared dead once more, and a dead one alive", func(s *Settings) *int { return &s.Swim.OldRumour }),
		partsField("swim.bad-digest", "a node's word about itself arrives as something else", func(s *Settings) *int { return &s.Swim.BadDigest }),
	}, {
		intField("drift-used", "thousandths by which the nodes' clocks do run apart", 0, 500, func(s *Settings) *int { return &s.DriftUsed }),
		boolField("unbounded", "clocks' rates may go beyond what leases allow for", func(s *Settings) *bool { return &s.Unbounded }),
		durationField("skew", "how far wall clocks are off, either way", func(s *Settings) *time.Duration { return &s.Skew }),
	}, {
		intField("sessions", "clients with sessions, as Torc's own are", 0, 100, func(s *Settings) *int { return &s.Clients }),
		intField("plain", "clients without, as Redis users are", 0, 100, func(s *Settings) *int { return &s.Plain }),
		intField("threads", "operations in flight per client", 1, 100, func(s *Settings) *int { return &s.Threads }),
		intField("limit", "requests that a session client lets be under way to one node; 0: as users have it", 0, 10000, func(s *Settings) *int { return &s.Limit }),
		boolField("hedge", "session clients ask a second node when a read takes long", func(s *Settings) *bool { return &s.Hedge }),
		durationField("hedge-after", "how long that is; 0: longer than most reads took lately", func(s *Settings) *time.Duration { return &s.HedgeAfter }),
		boolField("cache", "session clients keep what they read, for as long as leaders promise that it does not change", func(s *Settings) *bool { return &s.Cache }),
		durationField("cache-lease", "how long that is; 0 is the default", func(s *Settings) *time.Duration { return &s.CacheLease }),
		intField("hot-reads", "reads a second that make a key hot: nodes that do not lead it hold a copy; 0: they hold none", 0, 1_000_000, func(s *Settings) *int { return &s.HotReads }),
		durationField("hot-lease", "for how long leaders promise them that it does not change; 0 is the default", func(s *Settings) *time.Duration { return &s.HotLease }),
		durationField("hot-rest", "for how long a key that is recalled again and again is let alone; 0 is the default", func(s *Settings) *time.Duration { return &s.HotRest }),
		durationField("think", "mean pause of a thread between operations", func(s *Settings) *time.Duration { return &s.Think }),
		durationField("timeout", "of an operation", func(s *Settings) *time.Duration { return &s.Timeout }),
	}, {
		intField("registers", "keys in use of reads and writes", 0, 1000, func(s *Settings) *int { return &s.Registers }),
		intField("models", "keys in use of CAS, SETNX, deletes", 0, 1000, func(s *Settings) *int { return &s.Models }),
		intField("counters", "keys in use of increments", 0, 1000, func(s *Settings) *int { return &s.Counters }),
		intField("appends", "keys in use of appends", 0, 1000, func(s *Settings) *int { return &s.Appends }),
		intField("expiring", "keys in use with a time to live", 0, 1000, func(s *Settings) *int { return &s.Expiring }),
		intField("transactions", "families of keys in use for atomic batches", 0, 1000, func(s *Settings) *int { return &s.Transactions }),
		intField("leases", "keys in use that are filled under leases", 0, 1000, func(s *Settings) *int { return &s.Leases }),
	}, {
		{"faults", "kinds that a swarm run may draw, as in crash,pause; or none, or all", getFaults, setFaults},
		partsField("storm", "packets lost, and as many doubled, all through a swarm run", func(s *Settings) *int { return &s.Storm }),
		durationField("fault-every", "mean time between drawn faults", func(s *Settings) *time.Duration { return &s.FaultEvery }),
		durationField("fault-for", "mean time until a drawn fault ends", func(s *Settings) *time.Duration { return &s.FaultFor }),
		boolField("ruin", "faults may take more memory than data shards bear; the meta group keeps its majority", func(s *Settings) *bool { return &s.Ruin }),
		boolField("rough", "nodes come late, are cut off and restarted while they found the cluster", func(s *Settings) *bool { return &s.Rough }),
		boolField("core", "at the end only a majority of the nodes is healed first, and must serve", func(s *Settings) *bool { return &s.Core }),
	},
}

// Fields returns all of the Settings, in the order of reports.
func Fields() (all []Field) {
	for _, group := range fieldGroups {
		all = append(all, group...)
	}
	return all
}

// Set changes one of the Settings by its name.
func (s *Settings) Set(name, value string) error {
	for _, group := range fieldGroups {
		for _, f := range group {
			if f.Name != name {
				continue
			}
			if err := f.Set(s, value); err != nil {
				return fmt.Errorf("setting %s: %w", name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("there is no setting %q", name)
}

// Pairs are all of the Settings as name=value, in the order of reports.
func (s *Settings) Pairs() (lines [][]string) {
	for _, group := range fieldGroups {
		var line []string
		for _, f := range group {
			line = append(line, f.Name+"="+f.Get(s))
		}
		lines = append(lines, line)
	}
	return lines
}

// String is the settings in full, a few on a line.
func (s Settings) String() string {
	var b strings.Builder
	for _, line := range s.Pairs() {
		fmt.Fprintf(&b, "  %s\n", strings.Join(line, " "))
	}
	return b.String()
}

func intField(name, doc string, low, high int, at func(*Settings) *int) Field {
	return Field{name, doc,
		func(s *Settings) string { return strconv.Itoa(*at(s)) },
		func(s *Settings, text string) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < low || n > high {
				return fmt.Errorf("want a whole number from %d to %d, not %q", low, high, text)
			}
			*at(s) = n
			return nil
		}}
}

// partsField is a probability in ten-thousandths.
func partsField(name, doc string, at func(*Settings) *int) Field {
	return intField(name, doc+" (ten-thousandths)", 0, 10_000, at)
}

func durationField(name, doc string, at func(*Settings) *time.Duration) Field {
	return Field{name, doc,
		func(s *Settings) string { return at(s).String() },
		func(s *Settings, text string) error {
			d, err := time.ParseDuration(text)
			if err != nil || d < 0 || d > 24*time.Hour {
				return fmt.Errorf("want a duration such as 250ms or 2s, not %q", text)
			}
			*at(s) = d
			return nil
		}}
}

func boolField(name, doc string, at func(*Settings) *bool) Field {
	return choiceField(name, doc, []string{"no", "yes"},
		func(s *Settings) int {
			if *at(s) {
				return 1
			}
			return 0
		},
		func(s *Settings, choice int) { *at(s) = choice == 1 })
}

func choiceField(name, doc string, choices []string, get func(*Settings) int, set func(*Settings, int)) Field {
	return Field{name, doc,
		func(s *Settings) string { return choices[get(s)] },
		func(s *Settings, text string) error {
			for i, choice := range choices {
				if text == choice {
					set(s, i)
					return nil
				}
			}
			return fmt.Errorf("want %s, not %q", strings.Join(choices, " or "), text)
		}}
}

func bytesField(name, doc string, at func(*Settings) *int64) Field {
	const most = 1 << 30
	return Field{name, doc,
		func(s *Settings) string {
			if n := *at(s); n%1024 != 0 {
				return strconv.FormatInt(n, 10)
			}
			return strconv.FormatInt(*at(s)>>10, 10) + "KiB"
		},
		func(s *Settings, text string) error {
			digits, kib := strings.CutSuffix(text, "KiB")
			n, err := strconv.ParseInt(digits, 10, 64)
			if err != nil || n < 0 || n > most {
				return fmt.Errorf("want bytes, such as 512 or 64KiB, not %q", text)
			}
			if kib {
				n <<= 10
			}
			if n > most {
				return fmt.Errorf("at most 1 GiB, not %q", text)
			}
			*at(s) = n
			return nil
		}}
}

func getReads(s *Settings) int {
	switch {
	case s.Mixed:
		return 2
	case s.Reads == cluster.ReadIndex:
		return 1
	}
	return 0
}

func setReads(s *Settings, choice int) {
	s.Reads, s.Mixed = cluster.ReadLease, choice == 2
	if choice == 1 {
		s.Reads = cluster.ReadIndex
	}
}

func getLanes(s *Settings) string { return spellCounts(s.Lanes) }

func setLanes(s *Settings, text string) error {
	counts, ok := parseCounts(text, func(n int) bool { return n >= 1 && n <= 64 })
	if !ok {
		return fmt.Errorf("want a count from 1 to 64 for each node, as in 2,1,1, not %q", text)
	}
	s.Lanes = counts
	return nil
}

func getElections(s *Settings) string {
	if len(s.Elections) == 0 {
		return "0"
	}
	return spellCounts(s.Elections)
}

func setElections(s *Settings, text string) error {
	ticks, ok := parseCounts(text, func(n int) bool { return n == 0 || n >= 2 && n <= 1000 })
	if !ok {
		return fmt.Errorf("want ticks from 2 to 1000, or 0, for each node, as in 10,30,10, not %q", text)
	}
	if text == "0" {
		ticks = nil
	}
	s.Elections = ticks
	return nil
}

// spellCounts writes a number for each node, as in 2,1,1.
func spellCounts(counts []int) string {
	var words []string
	for _, n := range counts {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}

// parseCounts reads what spellCounts has written, if each number may be.
func parseCounts(text string, may func(int) bool) (counts []int, ok bool) {
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || !may(n) {
			return nil, false
		}
		counts = append(counts, n)
	}
	return counts, true
}

func getFaults(s *Settings) string { return s.Faults.String() }

func setFaults(s *Settings, text string) error {
	faults, err := ParseFaults(text)
	if err == nil {
		s.Faults = faults
	}
	return err
}

// kinds are the kinds of fault that a swarm run may draw, under their names, in the order of faultKind.
func (f *Faults) kinds() []struct {
	Name string
	On   *bool
} {
	return []struct {
		Name string
		On   *bool
	}{
		{"isolate", &f.Isolate}, {"split", &f.Split}, {"one-way", &f.OneWay}, {"bridge", &f.Bridge}, {"crash", &f.Crash},
		{"stop", &f.Stop}, {"pause", &f.Pause}, {"slow", &f.Slow}, {"lossy", &f.Lossy}, {"rates", &f.Rates}, {"wall-jumps", &f.WallJumps},
		{"clog", &f.Clog}, {"throttle", &f.Throttle}, {"replay", &f.Replay}, {"rack", &f.Rack}, {"snapshot-crash", &f.SnapshotCrash},
		{"change-crash", &f.ChangeCrash}, {"wild-rates", &f.WildRates}, {"long-pause", &f.LongPause}, {"memory", &f.Memory}, {"lies", &f.Lies},
		{"drain", &f.Drain}, {"weigh", &f.Weigh},
		{"lag", &f.Lag}, {"stall", &f.Stall},
	}
}

// String names the kinds that are on.
func (f Faults) String() string {
	var on []string
	for _, kind := range f.kinds() {
		if *kind.On {
			on = append(on, kind.Name)
		}
	}
	if len(on) == 0 {
		return "none"
	}
	return strings.Join(on, ",")
}

// ParseFaults reads what String has written, and "all".
func ParseFaults(text string) (f Faults, err error) {
	switch text {
	case "none":
		return f, nil
	case "all":
		for _, kind := range f.kinds() {
			*kind.On = true
		}
		return f, nil
	}
	var names []string
	for _, kind := range f.kinds() {
		names = append(names, kind.Name)
	}
next:
	for _, word := range strings.Split(text, ",") {
		for _, kind := range f.kinds() {
			if kind.Name == word {
				*kind.On = true
				continue next
			}
		}
		return f, fmt.Errorf("there is no kind of fault %q; there are %s, none and all", word, strings.Join(names, ", "))
	}
	return f, nil
}
