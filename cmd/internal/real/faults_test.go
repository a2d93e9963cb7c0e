package real

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/scenarios/script"
	"torc/sim"
)

// paper is a fabric that only writes down what it is told.
type paper struct{ text *strings.Builder }

func (p paper) addresses(int) addresses                  { return addresses{} }
func (p paper) command(int, string, ...string) *exec.Cmd { return exec.Command("false") }
func (p paper) from(int) net.Addr                        { return nil }
func (p paper) flags() []string                          { return nil }
func (p paper) close() error                             { return nil }
func (p paper) String() string                           { return "on paper" }
func (p paper) through(_, _ int, c net.Conn) net.Conn    { return c }
func (p paper) bite(context.Context) (Bite, error)       { return Bite{}, nil }
func (p paper) apply(_ context.Context, t trouble) error {
	if t.none() {
		p.text.WriteString("  all links are whole\n")
	}
	end := func(i int) string {
		if i < 4 {
			return fmt.Sprintf("n%d", i+1)
		}
		return fmt.Sprintf("c%d", i-3)
	}
	for _, l := range t.cut {
		fmt.Fprintf(p.text, "  %s -> %s nothing passes\n", end(l.from), end(l.to))
	}
	for _, l := range t.loss {
		fmt.Fprintf(p.text, "  %s -> %s loses %d‱\n", end(l.from), end(l.to), l.tenThousandths)
	}
	for _, l := range t.slow {
		fmt.Fprintf(p.text, "  %s -> %s takes %v longer\n", end(l.from), end(l.to), l.delay)
	}
	return nil
}

// paperRun is a run of four nodes, of which the second leads, and two clients, without any process.
func paperRun(t *testing.T, f fabric, lines string) *run {
	file, err := script.Parse("test", "scenario test\nset nodes=4 sessions=1 plain=1 shards=1\n"+lines)
	require.NoError(t, err)
	scenario := file.Scenario()
	r := &run{o: Options{File: file}, settings: scenario.Draw(1), started: time.Now(), parts: map[string]int{}, links: newLinks(f, 4, 2)}
	r.result.Struck, r.result.StruckAt = make([]bool, len(file.Script)), make([]time.Duration, len(file.Script))
	r.watch, r.agenda = newWatcher(4, 1, r.now), newAgenda(r.now)
	r.watch.newest[1] = Election{Shard: 1, Node: 2, Term: 7}
	for i := range 4 {
		r.nodes = append(r.nodes, &process{number: i + 1})
	}
	r.users = make([]*user, 2)
	return r
}

// What each kind of fault does to the links, and that healing undoes it.
func TestFaultsOnLinks(t *testing.T) {
	const lines = `
at 1s cast A=leader(1) B=follower(1,1)
at 1s isolate A
at 1s heal
at 2s partition A,c2 | rest
at 2s heal
at 3s partition A,B | rest
at 3s heal
at 4s deafen leader(1)
at 4s mute n4
at 4s heal
at 5s cut A >> B
at 5s heal
at 6s cut A -- B
at 6s isolate B
at 6s heal
at 7s bridge n1
at 7s heal
at 8s lossy drop=500 duplicate=1 delay=5ms
at 8s heal
at 9s lossy drop=25 clients
at 9s heal
at 10s lossy drop=0 delay=20ms
at 10s lossy drop=10 delay=5ms clients
at 10s heal
`
	var text strings.Builder
	r := paperRun(t, paper{&text}, lines)
	for i, step := range r.o.File.Script {
		fmt.Fprintf(&text, "%s\n", script.SpellFault(step.Fault))
		require.NoError(t, r.strike(context.Background(), i, step.Fault))
	}
	text.WriteString("said\n")
	for _, m := range r.result.Timeline {
		fmt.Fprintf(&text, "  %s\n", m.Text)
	}
	text.WriteString("left out\n")
	for _, u := range r.result.LeftOut {
		fmt.Fprintf(&text, "  %s: %s\n", u.What, u.Why)
	}
	path := filepath.Join("testdata", "links.txt")
	if *rewrite {
		require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String())
}

// What cannot be done is said, and no operation is blamed for it.
func TestNothingIsPassedOver(t *testing.T) {
	const lines = `
at 1s isolate n1 for 2s
at 1s lossy drop=100
at 1s clock n1 rate -20
at 1s clock n1 jump 4s
at 1s slow n1 turn 30ms
at 1s hot-keys for 1s
`
	r := paperRun(t, &loopback{}, lines)
	for i, step := range r.o.File.Script {
		require.NoError(t, r.strike(context.Background(), i, step.Fault))
		require.Equal(t, script.SpellFault(step.Fault), r.result.LeftOut[len(r.result.LeftOut)-1].What)
		require.False(t, r.result.Struck[i])
	}
	require.Len(t, r.result.LeftOut, len(r.o.File.Script))
	require.Empty(t, r.result.Timeline)
	require.Empty(t, r.links.cuts)
	require.Zero(t, r.links.drop)
	r.result.File = r.o.File
	require.True(t, r.result.faultsLeftOut())
}

// Every setting reaches the processes or the clients, or is listed as unreal.
func TestEverySettingIsSaid(t *testing.T) {
	s := (&sim.Scenario{}).Draw(1)
	s.Election, s.Tick, s.Grace, s.Drift = 3, 20*time.Millisecond, time.Millisecond, 400
	s.ResetGrace, s.SessionTTL = time.Millisecond, time.Millisecond
	var said strings.Builder
	for _, u := range unrealSettings(&s) {
		fmt.Fprintf(&said, " %s: %s\n", u.What, u.Why)
	}
	for _, f := range sim.Fields() {
		if !realised[f.Name] {
			require.Contains(t, said.String(), " "+f.Name+"="+f.Get(&s))
		}
	}
	require.Contains(t, said.String(), "tick=20ms election=3: ")
	require.Contains(t, said.String(), "an election timeout of 60ms: torcd's is at least 100ms")
	require.Contains(t, said.String(), "grace=1ms: torcd's is at least four election timeouts, 400ms")
	require.Contains(t, said.String(), "drift=400: ")
	require.Contains(t, said.String(), " reset-grace=1ms: torcd's is at least four election timeouts, 400ms")
	require.Contains(t, said.String(), "session-ttl=1ms: torcd's is at least 1s")
	require.Contains(t, strings.Join(flagsOf(&s, 0), " "), "--election-timeout 100ms --grace 400ms")
}

// Who only joins is told nothing that the founders decide.
func TestJoinersAreToldNoWishes(t *testing.T) {
	s := (&sim.Scenario{}).Draw(1)
	s.Nodes, s.Absent, s.Lanes = 4, 1, []int{1, 1, 1, 1}
	for node := range s.Nodes {
		wishes := strings.Contains(strings.Join(flagsOf(&s, node), " "), "--shards")
		require.Equal(t, node < 3, wishes, "n%d", node+1)
	}
}
