package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/scenarios/repro"
	"torc/scenarios/sweep"
	"torc/sim"
)

// asTorc makes the test's own binary be torc, so that tests can have processes of it.
const asTorc = "TORC_TEST_AS_TORC"

func TestMain(m *testing.M) {
	if os.Getenv(asTorc) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// torcProcess is a torc that has not been started.
func torcProcess(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asTorc+"=1")
	return cmd
}

// torc runs torc and returns what it printed and its exit code.
func torc(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := torcProcess(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// scenarioFile is a run of half a dozen operations; the last one wants what cannot be.
func scenarioFile(t *testing.T, want string) string {
	path := filepath.Join(t.TempDir(), "small.scenario")
	text := "scenario small\nseed 4\nduration 3s\nquiet\nbase small\nat 1s c1 set x one\nat 2s c1 get x -> " + want + "\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// A sweep keeps what fails; what it keeps replays to the hash that was seen, and a changed file is
// found out.
func TestSweepKeepsWhatReplays(t *testing.T) {
	out, file := filepath.Join(t.TempDir(), "failures"), scenarioFile(t, `"two"`)
	stdout, _, code := torc(t, "sim", file, "--seeds", "3", "--workers", "2", "--duration", "4s", "--out", out)
	require.Equal(t, int(sim.LostTruth), code)
	again := "torc sim --seed 2 --duration 4s " + file
	require.Contains(t, stdout, again+"\n")
	report, err := os.ReadFile(filepath.Join(out, "seed-2", "report.txt"))
	require.NoError(t, err)
	require.Contains(t, string(report), "replay: "+again+"\n")
	first, _, code := torc(t, strings.Fields(again)[1:]...)
	require.Equal(t, int(sim.LostTruth), code)
	require.Contains(t, first, "replay: "+again+"\n")
	require.Contains(t, stdout, "3 seeds of small.scenario from 1: 3 FAILED")
	require.Contains(t, stdout, filepath.Join(out, "seed-2"))

	kept := filepath.Join(out, "seed-2", "repro.json")
	stdout, stderr, code := torc(t, "sim", "replay", kept, "--break", "kind=return node=c1")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "it is the run that was kept")
	require.Contains(t, stdout, "by event")
	require.Contains(t, stdout, "leader")

	stdout, _, code = torc(t, "sim", "replay", kept)
	require.Equal(t, int(sim.LostTruth), code, "a run that went to its end says its verdict")
	require.Contains(t, stdout, "CONSISTENCY LOST")

	run, err := repro.Load(kept)
	require.NoError(t, err)
	run.Hash, run.Commit = "beef", "another"
	text, err := run.Encode()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(kept, text, 0o644))
	stdout, _, code = torc(t, "sim", "replay", kept, "--until", "1")
	require.Equal(t, exitDifferent, code)
	require.Contains(t, stdout, "IT IS NOT THE RUN THAT WAS KEPT")
	require.Contains(t, stdout, "commit")

	other := scenarioFile(t, `"one"`)
	stdout, _, code = torc(t, "sim", "diff", kept, other, "--seed", "9")
	require.Equal(t, exitDifferent, code)
	require.Contains(t, stdout, "both runs are one")
	stdout, stderr, code = torc(t, "sim", "diff", other, scenarioFile(t, `"one"`), "--width", "80")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "Both runs are one")
}

func TestSimSaysWhatItCannotDo(t *testing.T) {
	file := scenarioFile(t, `"one"`)
	for want, args := range map[string][]string{
		"wants one FILE":                         {"replay"},
		`--break: in "nod=1": there is no field`: {"replay", file, "--break", "nod=1"},
		`--until: "soon" is no time`:             {"replay", file, "--until", "soon"},
		"reading a run":                          {"replay", "no such file"},
		"wants one file or two":                  {"diff"},
		"is held against itself":                 {"diff", file},
		"two --runs at least":                    {"check-determinism", "--runs", "1"},
		"is no program":                          {"check-determinism", "--binary", "/no/such"},
		`no scenario is called "x"`:              {"--seeds", "2", "--scenario", "x"},
		"--resume needs --out":                   {"--seeds", "2", "--out", "", "--resume"},
		"built without planted bugs":             {"--seeds", "2", "--out", "", "--mutant", "no-dedupe"},
		"reading the scenario":                   {"no such", "--seeds", "2"},
		"--report is of one run":                 {"--seeds", "2", "--report", "out.html"},
		"--json is for a sweep":                  {"--json"},
		"--resume is for a sweep":                {file, "--resume"},
		"--seeds 0: want at least one":           {"--seeds", "0"},
		"give one of them":                       {file, "--scenario", "healthy"},
	} {
		_, stderr, code := torc(t, append([]string{"sim"}, args...)...)
		require.Equal(t, exitError, code, "%v", args)
		require.Contains(t, stderr, want)
	}
}

// A file's planted bug can be left out, of one run and of many.
func TestWithoutThePlantedBug(t *testing.T) {
	file := scenarioFile(t, `"one"`)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(text, "mutant no-dedupe\n"...), 0o644))
	stdout, stderr, code := torc(t, "sim", file, "--mutant", "none")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "replay: torc sim --seed 4 --mutant none "+file)
	stdout, stderr, code = torc(t, "sim", file, "--mutant", "none", "--seeds", "2", "--out", "")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "2 seeds of small.scenario from 1: all passed")
	_, stderr, code = torc(t, "sim", "shrink", file, "--mutant", "none", "--out", filepath.Join(t.TempDir(), "small"))
	require.Equal(t, exitError, code)
	require.Contains(t, stderr, "there is nothing to shrink")

	stdout, stderr, code = torc(t, "sim", "--scenario", "healthy", "--mutant", "none", "--seed", "1", "--duration", "3s")
	require.Equal(t, exitOK, code, "%s: a named scenario has no planted bug of its own", stderr)
	require.Contains(t, stdout, "replay: make sim SEED=1 SCENARIO=healthy DURATION=3s")
	stdout, stderr, code = torc(t, "sim", "--scenario", "healthy", "--mutant", "none", "--seeds", "2", "--duration", "3s", "--out", "")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "2 seeds of healthy from 1: all passed")
}

func TestStepsOverAPipe(t *testing.T) {
	cmd := torcProcess("sim", "replay", scenarioFile(t, `"one"`), "--step", "--break", "kind=founded")
	cmd.Stdin = strings.NewReader("n return\nq\n")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "founds cluster")
	require.Contains(t, string(out), "c1  r1 came to: ok")
	require.NotContains(t, string(out), "\x1b")
}

func journalLines(out string) int {
	text, _ := os.ReadFile(filepath.Join(out, sweep.JournalName))
	return bytes.Count(text, []byte("\n"))
}

// Ctrl-C ends a sweep at the next seed, a kill at once; --resume goes on where it was, with the same
// program and scenario only.
func TestSweepStopsAndGoesOn(t *testing.T) {
	out := t.TempDir()
	file := scenarioFile(t, `"one"`)
	done := 1
	for _, end := range []os.Signal{os.Interrupt, syscall.SIGKILL} {
		cmd := torcProcess("sim", file, "--seeds", "1000000", "--workers", "2", "--out", out, "--resume")
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return journalLines(out) > done+3 }, time.Minute, 5*time.Millisecond)
		require.NoError(t, cmd.Process.Signal(end))
		err := cmd.Wait()
		done = journalLines(out)
		if end == os.Interrupt {
			require.Error(t, err)
			require.Equal(t, exitStopped, cmd.ProcessState.ExitCode(), "a script must not take it for a sweep that passed")
			require.Contains(t, stdout.String(), fmt.Sprintf("stopped: %d of 1000000 seeds are done, %d are left; --resume goes on", done-1, 1000000-(done-1)))
		}
	}
	stdout, stderr, code := torc(t, "sim", file, "--seeds", fmt.Sprint(done+2), "--out", out, "--resume", "--json")
	require.Equal(t, 0, code, stderr)
	var r sweepResult
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Equal(t, done+2, r.Done)

	_, stderr, code = torc(t, "sim", "--scenario", "healthy", "--seeds", "2", "--out", out, "--resume")
	require.Equal(t, exitError, code)
	require.Contains(t, stderr, "it is another sweep: the scenario was \"small.scenario\" and is \"healthy\" now")
}

// A polite kill goes to all of a sweep's processes when timeout(1) or a service manager sends it; the seeds that are under way end all the same, and none fails.
func TestAKillOfTheWholeGroupFailsNoSeed(t *testing.T) {
	out := t.TempDir()
	cmd := torcProcess("sim", "--scenario", "healthy", "--seeds", "1000000", "--workers", "2", "--out", out)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return journalLines(out) > 3 }, time.Minute, 5*time.Millisecond)
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM))
	require.Error(t, cmd.Wait())
	require.Equal(t, exitStopped, cmd.ProcessState.ExitCode(), stdout.String())
	require.Contains(t, stdout.String(), "stopped: ")
	require.NotContains(t, stdout.String(), "FAILED")
}

// Each control has a folder of its own, for all begin with the same seed, and they can be gone on with.
func TestControlsGoOn(t *testing.T) {
	out := t.TempDir()
	args := []string{"sim", "gallery", "controls", "--seeds", "1", "--out", out}
	stdout, stderr, code := torc(t, args...)
	require.Equal(t, exitOK, code, stderr)
	require.NotContains(t, stderr, "is started over")
	journals, err := filepath.Glob(filepath.Join(out, "*", sweep.JournalName))
	require.NoError(t, err)
	require.Len(t, journals, strings.Count(stdout, "1 seeds of "))
	_, stderr, code = torc(t, append(args, "--resume")...)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, len(journals), strings.Count(stderr, "1 of 1 seeds were done before"))
}

// The same seeds have the same hashes in other processes, on other numbers of processors, behind
// other seeds.
func TestCheckDeterminism(t *testing.T) {
	stdout, stderr, code := torc(t, "sim", "check-determinism", "--seeds", "6", "--runs", "3", "--duration", "3s", "--binary", os.Args[0])
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "6 seeds, 3 runs each, 18 runs in all")
	require.Contains(t, stdout, "equal hashes")
}

// Progress is a line of figures, and the report of a run holds no wall clock.
func TestProgressLine(t *testing.T) {
	s := &simFlags{seeds: 100, seed: 1}
	l := newTally(s, &sweep.Job{Scenario: "swarm"})
	require.Equal(t, "0 of 100 seeds, 0 failed; 0 simulated seconds", l.line(0))
	for seed := range uint64(20) {
		l.take(sweep.Answer{Seed: seed, Hash: "x", SimSeconds: 60})
	}
	require.Equal(t, "20 of 100 seeds, 0 failed; 1200 simulated seconds; 200 seeds a minute, 200x real time; 24s left", l.line(6*time.Second))

	file := scenarioFile(t, `"one"`)
	first, pace, _ := torc(t, "sim", file)
	second, _, _ := torc(t, "sim", file)
	require.Equal(t, first, second)
	require.Contains(t, pace, "simulated seconds in")
}

// Help is an answer, not a failure, of every command, two words deep as well.
func TestSimHelp(t *testing.T) {
	var commands [][]string
	for _, c := range simCommands() {
		commands = append(commands, []string{"sim", c.name})
	}
	for _, c := range galleryCommands() {
		commands = append(commands, []string{"sim", "gallery", c.name})
	}
	for _, words := range commands {
		_, stderr, code := torc(t, append(words, "--help")...)
		require.Equal(t, exitOK, code, "%v: %s", words, stderr)
		require.Contains(t, stderr, "usage: torc "+strings.Join(words, " "))
	}
}

// Who names a planted bug to a command that takes none is told so, and not kept waiting for all of them.
func TestGalleryRefusesWhatItWouldNotLookAt(t *testing.T) {
	for _, command := range []string{"score", "shrink", "controls"} {
		_, stderr, code := torc(t, "sim", "gallery", command, "no-dedupe")
		require.Equal(t, exitError, code, command)
		require.Contains(t, stderr, `takes flags only, not "no-dedupe"`)
	}
}

func TestGalleryHelp(t *testing.T) {
	_, stderr, code := torc(t, "sim", "gallery", "--help")
	require.Equal(t, exitOK, code)
	require.Contains(t, stderr, "usage: torc sim gallery")
	_, stderr, code = torc(t, "sim", "gallery", "scroe")
	require.Equal(t, exitError, code)
	require.Contains(t, stderr, `there is no command "scroe"`)
}
