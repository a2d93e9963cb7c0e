package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/linearizability"
)

// shrinkToy shrinks a run of flawed toys.
func shrinkToy(t *testing.T, flaw string, scenario Scenario, oracle Oracle) Shrunk {
	t.Helper()
	r := toyRun(1, flaw, scenario, nil)
	for seed := uint64(2); r.Verdict == Pass && seed < 20; seed++ { // which seeds show a flaw changes with what is drawn
		r = toyRun(seed, flaw, scenario, nil)
	}
	require.Contains(t, r.Fired(), oracle)
	small, ok := Shrink{Case: CaseOf(&r), Oracle: oracle, Lanes: toyFactory(flaw)}.Run()
	require.True(t, ok)
	require.Contains(t, small.Result.Fired(), oracle)
	require.True(t, small.Minimal)
	c := small.Case
	again := Run(Options{Seed: c.Seed, Lanes: toyFactory(flaw), Scenario: withSettings(c.Scenario, c.Settings)})
	require.Contains(t, again.Fired(), oracle, "what was found fails when it is run again")
	return small
}

func withSettings(c Scenario, s Settings) Scenario {
	c.Settings = func(into *Settings) { *into = s }
	return c
}

// A doubled write needs one increment whose answer is lost, and no fault but a lossy link.
func TestShrinkToOneDoubledWrite(t *testing.T) {
	small := shrinkToy(t, "no dedupe", Scenario{Name: "toy", Swarm: true, Settings: lossySettings}, OracleOnce)
	require.LessOrEqual(t, len(small.Case.Scenario.Calls), 3)
	require.Empty(t, small.Case.Scenario.Script)
	require.LessOrEqual(t, small.Case.Settings.Nodes, 2)
}

// Of many faults only the crash of the one node that holds the data matters.
func TestShrinkToOneCrash(t *testing.T) {
	small := shrinkToy(t, "", Scenario{Name: "toy", Script: Steps(
		Every(time.Second, time.Second, 5, For{time.Second, Pause{Node(2)}}),
		[]Step{At(4*time.Second, kill{Node(1)})},
		Every(5*time.Second, time.Second, 4, For{time.Second, Slow{Node(3), time.Millisecond}}),
	)}, OracleDurability)
	require.Len(t, small.Case.Scenario.Script, 1)
	require.IsType(t, kill{}, small.Case.Scenario.Script[0].Fault)
	require.Len(t, small.Case.Scenario.Calls, 1)
}

func TestShrinkWantsAFailure(t *testing.T) {
	r := toyRun(3, "", Scenario{Name: "toy"}, nil)
	_, ok := Shrink{Case: CaseOf(&r), Lanes: toyFactory("")}.Run()
	require.False(t, ok)
}

// Without time it gives back what it was given.
func TestShrinkWithoutTime(t *testing.T) {
	r := toyRun(3, "", Scenario{Name: "toy", Script: []Step{At(4*time.Second, kill{Node(1)})}}, nil)
	small, ok := Shrink{Case: CaseOf(&r), Oracle: OracleDurability, Lanes: toyFactory(""), More: func() bool { return false }}.Run()
	require.True(t, ok)
	require.False(t, small.Minimal)
	require.Equal(t, len(r.Plan.Calls), len(small.Case.Scenario.Calls))
}

// Every plain setting is one that can be set.
func TestPlainSettings(t *testing.T) {
	for _, p := range plain {
		var s Settings
		require.NoError(t, s.Set(p[0], p[1]))
	}
}

func TestDropIdle(t *testing.T) {
	c := Case{Settings: Settings{Clients: 3, Plain: 2}, Scenario: Scenario{
		Calls:  []Call{{Client: 1, Ops: []Op{{Kind: linearizability.Read, Key: "x"}}}, {Client: 4, Ops: []Op{{Kind: linearizability.Read, Key: "x"}}}},
		Script: []Step{At(0, For{time.Second, Split{Clients: true, Near: []int{0, 1, 4}}})}}}
	c.dropIdle()
	require.Equal(t, 1, c.Settings.Clients)
	require.Equal(t, 1, c.Settings.Plain)
	require.Equal(t, 0, c.Scenario.Calls[0].Client)
	require.Equal(t, 1, c.Scenario.Calls[1].Client)
	require.Equal(t, []int{0, 1}, c.Scenario.Script[0].Fault.(For).Fault.(Split).Near)
}

func TestCrop(t *testing.T) {
	at := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	c := Case{Scenario: Scenario{Duration: at(60), Script: []Step{
		{At: at(10), Fault: Isolate{Node(1)}},
		{At: at(20), Fault: For{Fault: Isolate{Node(1)}, Duration: at(5)}},
		{At: at(20), Fault: For{Fault: Isolate{Node(2)}, Duration: at(15)}},
		{At: at(32), Fault: Isolate{Node(3)}},
		{At: at(50), Fault: Isolate{Node(3)}},
	}, Calls: []Call{{At: at(29)}, {At: at(31)}, {At: at(41)}}}}
	c.crop(at(30), at(40))
	require.Equal(t, []Step{
		{At: at(1), Fault: For{Fault: Isolate{Node(2)}, Duration: at(5)}},
		{At: at(3), Fault: Isolate{Node(3)}},
	}, c.Scenario.Script, "what is under way when the window opens begins then; what was over or comes later is left out")
	require.Equal(t, []Call{{At: at(2)}}, c.Scenario.Calls)
	require.Equal(t, at(11), c.Scenario.Duration)
}
