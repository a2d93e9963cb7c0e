package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDidYouMean(t *testing.T) {
	names := []string{"dev", "status", "get", "set", "del", "bench", "sim"}
	for _, c := range []struct{ typed, want string }{
		{"statsu", "; did you mean status?"}, // two letters swapped
		{"stats", "; did you mean status?"},
		{"benhc", "; did you mean bench?"},
		{"gte", "; did you mean get?"},
		{"delete", ""},
		{"sett", "; did you mean set?"},
		{"dl", "; did you mean del?"},
		{"g", ""}, // too little to go by
		{"", ""},
		{"frobnicate", ""},
	} {
		require.Equal(t, c.want, didYouMean(c.typed, "", names), "%q", c.typed)
	}
}

func TestSlips(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"ab", "ab", 0}, {"ab", "ba", 1},
		{"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ttl", "tl", 1}, {"ca", "abc", 3},
	} {
		require.Equal(t, c.want, slips(c.a, c.b), "%q %q", c.a, c.b)
	}
}

// A wrong flag is one line that says what is wrong, and one that says where to look.
func TestFlagErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--client", "3"}, "torc bench: there is no flag --client; did you mean --clients?\ntorc bench --help tells the flags\n"},
		{[]string{"-jsno"}, "torc bench: there is no flag --jsno; did you mean --json?\ntorc bench --help tells the flags\n"},
		{[]string{"--frobnicate"}, "torc bench: there is no flag --frobnicate\ntorc bench --help tells the flags\n"},
		{[]string{"--clients", "many"}, "torc bench: --clients \"many\": want a whole number\ntorc bench --help tells the flags\n"},
		{[]string{"--clients"}, "torc bench: --clients needs a value\ntorc bench --help tells the flags\n"},
		{[]string{"--wait", "5"}, "torc bench: --wait \"5\": want a time such as 1500ms, 10s or 5m\ntorc bench --help tells the flags\n"},
		{[]string{"--json=maybe"}, "torc bench: --json \"maybe\": want true or false, or the flag alone\ntorc bench --help tells the flags\n"},
		{[]string{"--help"}, "usage: torc bench [flags] WHAT\n\n" + about("torc bench") + "  -clients int\n    \thow many callers (default 50)\n  -json\n    \tprint JSON\n  -wait duration\n    \task again\n"},
	} {
		var out bytes.Buffer
		f := newFlags("torc bench", "WHAT")
		f.Output().(*flagErrors).out = &out
		f.Int("clients", 50, "how many callers")
		f.Bool("json", false, "print JSON")
		f.Duration("wait", 0, "ask again")
		err := f.Parse(c.args)
		require.Error(t, err)
		require.Equal(t, c.want, out.String())
		require.Equal(t, err == flag.ErrHelp, flagsExit(err) == exitOK, "help is an answer")
	}
}

// stderrOf runs the tool and returns what it complained of.
func stderrOf(t *testing.T, args ...string) (text string, code int) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	real := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = real }()
	code = run(args)
	_, err = file.Seek(0, io.SeekStart)
	require.NoError(t, err)
	out, err := io.ReadAll(file)
	require.NoError(t, err)
	return string(out), code
}

// What is typed wrong is refused before anything is connected to.
func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{}, "torc COMMAND --help"},
		{[]string{"statsu"}, `there is no command "statsu"; did you mean status?`},
		{[]string{"help", "benhc"}, `there is no command "benhc"; did you mean bench?`},
		{[]string{"frobnicate"}, "there is no command \"frobnicate\"\n"},
		{[]string{"get"}, "usage: torc get [flags] KEY\ntorc get --help tells the flags\n"},
		{[]string{"get", "a", "b"}, "usage: torc get [flags] KEY\ntorc get --help tells the flags\n"},
		{[]string{"get", "a", "--adr", "x"}, "there is no flag --adr; did you mean --addr?"},
		{[]string{"set", "a"}, "usage: torc set [flags] KEY VALUE|-"},
		{[]string{"set", "a", "b", "EX", "60"}, "torc set --help tells the flags\n"}, // as a Redis client would say it; here it is --ttl
		{[]string{"set", "a", "b", "--ttll", "5s"}, "did you mean --ttl?"},
		{[]string{"del"}, "usage: torc del [flags] KEY..."},
		{[]string{"get", "a", "--tls-ca", "/does/not/exist"}, "read the authority"},
		{[]string{"get", "a", "--password-file", "/does/not/exist"}, "--password-file: read the secret"},
		{[]string{"dev", "--split-transactions"}, "come after --: torc dev -- "},
		{[]string{"dev", "--nodes", "many"}, "want a whole number\ntorc dev --help tells the flags\n"},
		{[]string{"bench", "now"}, `takes flags only, not "now"`},
		{[]string{"bench", "--reads", "1.5"}, "--reads from 0 to 1"},
		{[]string{"bench", "--clients", "0"}, "--clients"},
		{[]string{"bench", "--pipeline", "4096"}, "--pipeline from 1 to 1024"},
		{[]string{"bench", "--resp", "127.0.0.1:6379", "--addr", "127.0.0.1:7401"}, "give one of them"},
	} {
		text, code := stderrOf(t, c.args...)
		require.Equal(t, exitError, code, "%v", c.args)
		require.Contains(t, text, c.says, "%v", c.args)
	}
}

// The tool says which version it is, as torcd does.
func TestVersion(t *testing.T) {
	for _, word := range []string{"--version", "version"} {
		stdout, _, code := torc(t, word)
		require.Equal(t, exitOK, code)
		require.Regexp(t, `^torc \S+\n$`, stdout)
	}
}
