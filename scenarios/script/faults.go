package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"torc/core/wire"
	"torc/sim"
)

// faultWord is a kind of fault as files spell it: how to read what follows the word, and how to
// write a fault of this kind (ok: it is one).
type faultWord struct {
	word, usage, doc string
	read             func(r *reader) (sim.Fault, error)
	write            func(f sim.Fault) (text string, ok bool)
}

// faultWords are all kinds of fault. TARGET is n2, leader(SHARD), follower(SHARD,I), voter(SHARD,I),
// random, or a part that cast has named; under when also sender and receiver.
var faultWords = []faultWord{
	aimed("isolate", "cut a node off from all others; clients still reach it",
		func(t sim.Target) sim.Fault { return sim.Isolate{Target: t} },
		func(f sim.Isolate) sim.Target { return f.Target }),
	{"partition", "partition TARGET,TARGET | rest, or TARGET,c1,c3 | rest, or TARGET | rest, clients drawn",
		"part the nodes into two sides; with clients, each of those is on one side, too", readSplit, writeSplit},
	aimed("deafen", "a node is heard but hears no other",
		func(t sim.Target) sim.Fault { return sim.Deaf{Target: t} },
		func(f sim.Deaf) sim.Target { return f.Target }),
	aimed("mute", "a node hears but is not heard by the others",
		func(t sim.Target) sim.Fault { return sim.Deaf{Target: t, Mute: true} },
		func(f sim.Deaf) sim.Target { return f.Target }),
	{"cut", "cut TARGET -- TARGET, or TARGET >> TARGET for one direction", "cut a link", readCut, writeCut},
	aimed("bridge", "two sides that meet only in one node",
		func(t sim.Target) sim.Fault { return sim.Bridge{Middle: t} },
		func(f sim.Bridge) sim.Target { return f.Middle }),
	{"crash", "crash TARGET [down 2s]", "kill a process; without down it stays away until it is restarted or all is healed",
		func(r *reader) (sim.Fault, error) {
			t, down, err := readDown(r)
			return sim.Crash{Target: t, Down: down}, err
		},
		func(f sim.Fault) (string, bool) {
			c, ok := f.(sim.Crash)
			return writeDown(c.Target, c.Down), ok
		}},
	{"stop", "stop TARGET [down 2s]", "end a process politely",
		func(r *reader) (sim.Fault, error) {
			t, down, err := readDown(r)
			return sim.Stop{Target: t, Down: down}, err
		},
		func(f sim.Fault) (string, bool) {
			c, ok := f.(sim.Stop)
			return writeDown(c.Target, c.Down), ok
		}},
	aimed("restart", "start a process that is down: a new life with empty memory",
		func(t sim.Target) sim.Fault { return sim.Restart{Target: t} },
		func(f sim.Restart) sim.Target { return f.Target }),
	aimed("join", "start a node that was absent so far (set absent=1 keeps the last node away)",
		func(t sim.Target) sim.Fault { return sim.Join{Target: t} },
		func(f sim.Join) sim.Target { return f.Target }),
	aimed("pause", "freeze a process; its clock goes on, its sockets fill",
		func(t sim.Target) sim.Fault { return sim.Pause{Target: t} },
		func(f sim.Pause) sim.Target { return f.Target }),
	{"slow", "slow TARGET turn 30ms", "every turn of a node takes long", readSlow, func(f sim.Fault) (string, bool) {
		s, ok := f.(sim.Slow)
		return fmt.Sprintf("%v turn %v", s.Target, s.Turn), ok
	}},
	{"stall", "stall TARGET lane 0", "one of a node's event loops, counted from 0, stands still; the others go on", readStall, func(f sim.Fault) (string, bool) {
		s, ok := f.(sim.Stall)
		return fmt.Sprintf("%v lane %d", s.Target, s.Lane), ok
	}},
	{"lossy", "lossy drop=1500 duplicate=500 delay=5ms [clients]", "links lose and double packets (ten-thousandths) and take longer", readLossy, writeLossy},
	{"clock", "clock TARGET rate -24 (thousandths from true time), or clock TARGET jump -4s", "a clock runs wrong, or a wall clock jumps", readClock, writeClock},
	{"clog", "clog TARGET [clients], or clog TARGET -- TARGET, or clog TARGET >> TARGET", "links hold what they are given, and let go of it all at once in the end", readClog, writeClog},
	{"lag", "lag TARGET >> TARGET by 2s, or lag TARGET -- TARGET by 2s", "what a link is given meanwhile arrives that much later; what is sent after it overtakes it", readLag, writeLag},
	{"echo", "echo TARGET >> TARGET by 2s, or echo TARGET -- TARGET by 2s", "what a link is given meanwhile arrives in time, and that much later once more",
		func(r *reader) (sim.Fault, error) {
			f, err := readLag(r)
			lag, _ := f.(sim.Lag)
			return sim.Echo(lag), err
		},
		func(f sim.Fault) (string, bool) {
			e, ok := f.(sim.Echo)
			text, _ := writeLag(sim.Lag(e))
			return text, ok
		}},
	{"throttle", "throttle TARGET delay=50ms bytes=16384", "a node's links are long and narrow (bytes a second; 0: no bound), and lose if drop=N says so (parts in 10,000), or what has more than N bytes if over=N does", readThrottle, writeThrottle},
	aimed("replay", "what a node's former life said and was told arrives once more",
		func(t sim.Target) sim.Fault { return sim.Replay{Target: t} },
		func(f sim.Replay) sim.Target { return f.Target }),
	{"rack", "rack TARGET,TARGET [down 2s]", "kill several processes at the same instant", readRack, writeRack},
	{"squeeze", "squeeze TARGET bytes=4096", "bound a node's memory: what would grow is refused", readSqueeze, func(f sim.Fault) (string, bool) {
		s, ok := f.(sim.Squeeze)
		return fmt.Sprintf("%v bytes=%d", s.Target, s.Bytes), ok
	}},
	{"lie", "lie TARGET false-alarm, or libel, old-rumour, stale-digest", "gossip is wrong about a node, in every round", readLie, func(f sim.Fault) (string, bool) {
		s, ok := f.(sim.Slander)
		return fmt.Sprintf("%v %v", s.Target, s.Lie), ok
	}},
	{"drain", "drain TARGET via TARGET [force]", "an operator asks a node that another one be emptied; with for, it is taken back then", readDrain, writeDrain},
	{"undrain", "undrain TARGET via TARGET", "an operator takes a drained node back", readUndrain, func(f sim.Fault) (string, bool) {
		u, ok := f.(sim.Undrain)
		return fmt.Sprintf("%v via %v", u.Target, u.Via), ok
	}},
	{"forget", "forget TARGET via TARGET", "an operator's word that a node which is down is gone for good", readForget, func(f sim.Fault) (string, bool) {
		u, ok := f.(sim.Forget)
		return fmt.Sprintf("%v via %v", u.Target, u.Via), ok
	}},
	{"recover-meta", "recover-meta via TARGET", "an operator begins a meta group that is lost anew, on a node", readRecoverMeta, func(f sim.Fault) (string, bool) {
		u, ok := f.(sim.RecoverMeta)
		return fmt.Sprintf("via %v", u.Via), ok
	}},
	{"weight", "weight TARGET via TARGET hundredths=50", "an operator sets a node's weight; 0: what it was started with", readWeigh, func(f sim.Fault) (string, bool) {
		u, ok := f.(sim.Weigh)
		return fmt.Sprintf("%v via %v hundredths=%d", u.Target, u.Via, u.Hundredths), ok
	}},
	{"roll", "roll TARGET [down 2s]", "stop a node as soon as torc roll --check says that it is safe",
		func(r *reader) (sim.Fault, error) {
			t, down, err := readDown(r)
			return sim.Roll{Target: t, Down: down}, err
		},
		func(f sim.Fault) (string, bool) {
			c, ok := f.(sim.Roll)
			return writeDown(c.Target, c.Down), ok
		}},
	{"hot-keys", "hot-keys", "all clients draw the same few keys", func(*reader) (sim.Fault, error) { return sim.HotKeys{}, nil },
		func(f sim.Fault) (string, bool) { _, ok := f.(sim.HotKeys); return "", ok }},
	{"heal", "heal", "end every fault that is on", func(*reader) (sim.Fault, error) { return sim.Heal{}, nil },
		func(f sim.Fault) (string, bool) { _, ok := f.(sim.Heal); return "", ok }},
	{"cast", "cast A=leader(1) B=follower(1,1)", "settle who plays the parts that the script names later on", readCast, writeCast},
	{"demand", "demand gap=5s elections=3 during=16s", "every shard must serve meanwhile, whatever is on", readDemand, writeDemand},
}

// aimed is a kind of fault that needs no more than a target.
func aimed[F sim.Fault](name, doc string, make func(sim.Target) sim.Fault, target func(F) sim.Target) faultWord {
	return faultWord{name, name + " TARGET", doc,
		func(r *reader) (sim.Fault, error) {
			t, err := readTarget(r)
			return make(t), err
		},
		func(f sim.Fault) (string, bool) {
			mine, ok := f.(F)
			if !ok || make(target(mine)) != f {
				return "", false
			}
			return target(mine).String(), true
		}}
}

// readFault reads a fault, to the end of the line.
func readFault(r *reader, verb word) (sim.Fault, error) {
	i := slices.IndexFunc(faultWords, func(w faultWord) bool { return verb.is(w.word) })
	if i < 0 {
		return nil, fmt.Errorf("there is no action %q; there are %s, and operations of clients (c1 get x)", verb.text, faultNames())
	}
	f, err := faultWords[i].read(r)
	if err != nil {
		return nil, fmt.Errorf("%w; write: %s", err, faultWords[i].usage)
	}
	if r.have("for") {
		d, err := readDuration(r)
		if err != nil {
			return nil, err
		}
		f = sim.For{Duration: d, Fault: f}
	}
	return f, r.end()
}

func faultNames() string {
	var names []string
	for _, w := range faultWords {
		names = append(names, w.word)
	}
	return strings.Join(names, ", ")
}

// writeFault writes a fault as readFault reads it.
func writeFault(f sim.Fault) (string, error) {
	if timed, ok := f.(sim.For); ok {
		text, err := writeFault(timed.Fault)
		return fmt.Sprintf("%s for %v", text, timed.Duration), err
	}
	for _, w := range faultWords {
		if text, ok := w.write(f); ok {
			return strings.TrimSpace(w.word + " " + text), nil
		}
	}
	return "", fmt.Errorf("no word of scenario files says %T", f)
}

func readDuration(r *reader) (time.Duration, error) {
	w, err := r.take("a duration such as 2s")
	if err != nil {
		return 0, err
	}
	return parseDuration(w.text)
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > 24*time.Hour {
		return 0, fmt.Errorf("want a duration such as 250ms or 2s, not %q", text)
	}
	return d, nil
}

func readTarget(r *reader) (sim.Target, error) {
	w, err := r.take("a node, such as n2 or leader(1)")
	if err != nil {
		return sim.Target{}, err
	}
	return parseTarget(w.text)
}

const targetsUsage = "n2, leader(1), follower(1,2), voter(1,2), random, or a part such as A that cast has named"

const numbersMax = 1 << 16 // of nodes, shards, clients: more is a slip of the pen

func parseTarget(text string) (sim.Target, error) {
	switch text {
	case "random":
		return sim.Random(), nil
	case "sender":
		return sim.Sender(), nil
	case "receiver":
		return sim.Receiver(), nil
	}
	name, rest, called := strings.Cut(text, "(")
	numbers, ends := parseNumbers(strings.TrimSuffix(rest, ")"))
	switch {
	case called && strings.HasSuffix(rest, ")") && name == "leader" && ends && len(numbers) == 1:
		return sim.Leader(wire.ShardID(numbers[0])), nil
	case called && strings.HasSuffix(rest, ")") && name == "follower" && ends && len(numbers) == 2:
		return sim.Follower(wire.ShardID(numbers[0]), numbers[1]), nil
	case called && strings.HasSuffix(rest, ")") && name == "voter" && ends && len(numbers) == 2:
		return sim.Voter(wire.ShardID(numbers[0]), numbers[1]), nil
	case called:
	case isPart(text):
		return sim.Part(text), nil
	default:
		if digits, ok := strings.CutPrefix(text, "n"); ok {
			if n, ok := parseNumbers(digits); ok && len(n) == 1 && n[0] > 0 {
				return sim.Node(n[0]), nil
			}
		}
	}
	return sim.Target{}, fmt.Errorf("want a node: %s, not %q", targetsUsage, text)
}

// isPart says that a word names a part: it begins with a capital letter.
func isPart(text string) bool { return text != "" && text[0] >= 'A' && text[0] <= 'Z' && isName(text) }

func isName(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return text != ""
}

func parseNumbers(text string) (list []int, ok bool) {
	for _, part := range strings.Split(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n > numbersMax {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}

// parseClient reads c3 as the client with index 2.
func parseClient(text string) (index int, ok bool) {
	digits, is := strings.CutPrefix(text, "c")
	n, numbers := parseNumbers(digits)
	if !is || !numbers || len(n) != 1 || n[0] < 1 {
		return 0, false
	}
	return n[0] - 1, true
}

// splitTargets parts a list at its commas, but not at those inside of brackets.
func splitTargets(text string) (list []string) {
	depth, from := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, text[from:i])
				from = i + 1
			}
		}
	}
	return append(list, text[from:])
}

func readSplit(r *reader) (sim.Fault, error) {
	f := sim.Split{}
	w, err := r.take("the nodes of one side")
	if err != nil {
		return f, err
	}
	for _, text := range splitTargets(strings.Trim(w.text, "{}")) {
		if i, is := parseClient(text); is {
			f.Clients, f.Near = true, append(f.Near, i)
			continue
		}
		t, err := parseTarget(text)
		if err != nil {
			return f, err
		}
		f.Side = append(f.Side, t)
	}
	if err := r.must("|"); err != nil {
		return f, err
	}
	if r.have("rest,") {
		f.Clients = true
		if err := r.must("clients"); err != nil {
			return f, err
		}
		if r.have("far") {
			f.Near = []int{}
			return f, nil
		}
		return f, r.must("drawn")
	}
	return f, r.must("rest")
}

func writeSplit(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.Split)
	if !ok {
		return "", false
	}
	var names []string
	for _, t := range f.Side {
		names = append(names, t.String())
	}
	for _, i := range f.Near {
		names = append(names, "c"+strconv.Itoa(i+1))
	}
	text := strings.Join(names, ",") + " | rest"
	switch {
	case f.Clients && f.Near == nil:
		text += ", clients drawn"
	case f.Clients && len(f.Near) == 0:
		text += ", clients far"
	}
	return text, true
}

func readCut(r *reader) (sim.Fault, error) {
	a, err := readTarget(r)
	if err != nil {
		return nil, err
	}
	how, err := r.take("-- or >>")
	if err != nil {
		return nil, err
	}
	if !how.is("--") && !how.is(">>") {
		return nil, fmt.Errorf("want -- (both ways) or >> (one way), not %q", how.text)
	}
	b, err := readTarget(r)
	switch {
	case err != nil:
		return nil, err
	case how.is("--"):
		return sim.Cut{A: a, B: b}, nil
	}
	return sim.OneWay{From: a, To: b}, nil
}

func writeCut(fault sim.Fault) (string, bool) {
	switch f := fault.(type) {
	case sim.Cut:
		return fmt.Sprintf("%v -- %v", f.A, f.B), true
	case sim.OneWay:
		return fmt.Sprintf("%v >> %v", f.From, f.To), true
	}
	return "", false
}

func readDown(r *reader) (t sim.Target, down time.Duration, err error) {
	if t, err = readTarget(r); err != nil || !r.have("down") {
		return t, 0, err
	}
	down, err = readDuration(r)
	return t, down, err
}

func writeDown(t sim.Target, down time.Duration) string {
	if down == 0 {
		return t.String()
	}
	return fmt.Sprintf("%v down %v", t, down)
}

func readSlow(r *reader) (sim.Fault, error) {
	t, err := readTarget(r)
	if err != nil {
		return nil, err
	}
	if err := r.must("turn"); err != nil {
		return nil, err
	}
	d, err := readDuration(r)
	return sim.Slow{Target: t, Turn: d}, err
}

// readPairs reads name=value words as long as there are any.
func readPairs(r *reader, set func(name, value string) error) error {
	for r.left() {
		name, value, is := strings.Cut(r.words[r.next].text, "=")
		if !is || r.words[r.next].quoted {
			return nil
		}
		if err := set(name, value); err != nil {
			return err
		}
		r.next++
	}
	return nil
}

func parseParts(name, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 10_000 {
		return 0, fmt.Errorf("%s: want ten-thousandths, from 0 to 10000, not %q", name, text)
	}
	return n, nil
}

func readLossy(r *reader) (sim.Fault, error) {
	f := sim.Lossy{}
	err := readPairs(r, func(name, value string) (err error) {
		switch name {
		case "drop":
			f.Drop, err = parseParts(name, value)
		case "duplicate":
			f.Duplicate, err = parseParts(name, value)
		case "delay":
			f.Delay, err = parseDuration(value)
		default:
			err = fmt.Errorf("want drop=, duplicate= or delay=, not %q", name)
		}
		return err
	})
	f.Clients = err == nil && r.have("clients")
	return f, err
}

func writeLossy(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.Lossy)
	text := fmt.Sprintf("drop=%d duplicate=%d delay=%v", f.Drop, f.Duplicate, f.Delay)
	if f.Clients {
		text += " clients"
	}
	return text, ok
}

func readClock(r *reader) (sim.Fault, error) {
	t, err := readTarget(r)
	if err != nil {
		return nil, err
	}
	how, err := r.take("rate or jump")
	if err != nil {
		return nil, err
	}
	by, err := r.take("by how much")
	switch {
	case err != nil:
		return nil, err
	case how.is("rate"):
		n, err := strconv.Atoi(by.text)
		if err != nil || n <= -1000 || n > 10_000 {
			return nil, fmt.Errorf("want thousandths from true time, such as -24, not %q", by.text)
		}
		return sim.Rate{Target: t, Thousandth: n}, nil
	case how.is("jump"):
		d, err := time.ParseDuration(by.text)
		if err != nil || d < -24*time.Hour || d > 24*time.Hour {
			return nil, fmt.Errorf("want how far to jump, such as -4s, not %q", by.text)
		}
		return sim.WallJump{Target: t, By: d}, nil
	}
	return nil, fmt.Errorf("want rate or jump, not %q", how.text)
}

func writeClock(fault sim.Fault) (string, bool) {
	switch f := fault.(type) {
	case sim.Rate:
		return fmt.Sprintf("%v rate %d", f.Target, f.Thousandth), true
	case sim.WallJump:
		return fmt.Sprintf("%v jump %v", f.Target, f.By), true
	}
	return "", false
}

func readCast(r *reader) (sim.Fault, error) {
	f := sim.Cast{}
	err := readPairs(r, func(name, value string) error {
		if !isPart(name) {
			return fmt.Errorf("a part begins with a capital letter, as A does; %q does not", name)
		}
		t, err := parseTarget(value)
		f = append(f, sim.Role{Part: name, Target: t})
		return err
	})
	if err == nil && len(f) == 0 {
		err = fmt.Errorf("nobody is cast")
	}
	return f, err
}

func writeCast(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.Cast)
	var roles []string
	for _, r := range f {
		roles = append(roles, r.Part+"="+r.Target.String())
	}
	return strings.Join(roles, " "), ok
}

func readDemand(r *reader) (sim.Fault, error) {
	f := sim.Demand{}
	err := readPairs(r, func(name, value string) (err error) {
		switch name {
		case "gap":
			f.Gap, err = parseDuration(value)
		case "during":
			f.For, err = parseDuration(value)
		case "elections":
			f.Elections, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("want gap=, elections= or during=, not %q", name)
		}
		return err
	})
	return f, err
}

func writeDemand(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.Demand)
	return fmt.Sprintf("gap=%v elections=%d during=%v", f.Gap, f.Elections, f.For), ok
}
