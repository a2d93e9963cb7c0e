package store

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// TestGolden plays testdata/*.txt: commands, "----", and what Redis answers to them. A line is a
// command, each in an entry of its own, or one of:
//
//	store maxvalue=16 window=2 sessions=2 sessionbytes=700 ttl=1000    begin anew with this configuration
//	at 1000                the next entries' time, in milliseconds
//	? COMMAND              show the version too
//	read 1500 COMMAND      ask Read, with the clock at 1500
//	[7 seq 2 floor 1 retry] COMMAND ; COMMAND    a request of session 7
//	expiry, len, bytes     what the Store says
//	snapshot               go on with a copy restored from a snapshot
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			p := &player{t: t}
			p.begin(Config{})
			got := p.play(string(want))
			if *rewrite {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
				return
			}
			require.Equal(t, string(want), got)
			require.NoError(t, p.store.verify())
		})
	}
}

type player struct {
	t     *testing.T
	cfg   Config
	store *Store
	time  int64
}

func (p *player) begin(cfg Config) {
	cfg.Shard, cfg.Shards = 1, 1
	p.cfg, p.store = cfg, New(cfg)
}

// play returns the script with its answers made anew.
func (p *player) play(script string) string {
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(script), "\n\n") {
		input, _, asks := strings.Cut(block, "\n----")
		var answers []string
		for _, line := range strings.Split(input, "\n") {
			if !strings.HasPrefix(line, "#") {
				if answer := p.line(line); answer != "" {
					answers = append(answers, answer)
				}
			}
		}
		if out.Len() > 0 {
			out.WriteString("\n")
		}
		out.WriteString(input + "\n")
		if asks {
			out.WriteString("----\n" + strings.Join(answers, "\n") + "\n")
		}
	}
	return out.String()
}

func (p *player) line(line string) string {
	args := words(line)
	switch args[0] {
	case "store":
		p.begin(configOf(p.t, args[1:]))
		p.time = 0
		return ""
	case "at":
		p.time = p.number(args[1])
		return ""
	case "snapshot":
		restored, err := copyOf(p.cfg, p.store, 100)
		require.NoError(p.t, err)
		require.Equal(p.t, p.store.Digest(), restored.Digest())
		p.store = restored
		return ""
	case "expiry":
		at, ok := p.store.NextExpiry()
		return fmt.Sprintf("next expiry %d %v", at, ok)
	case "len":
		return fmt.Sprintf("%d keys", p.store.Len())
	case "bytes":
		return fmt.Sprintf("%d bytes", p.store.Bytes())
	case "read":
		results, needsTick := p.store.Read([]wire.Command{spell(args[2:]...)}, p.number(args[1]))
		if needsTick {
			return "needs a tick"
		}
		return show(results[0])
	case "?":
		r := p.apply(request(spell(args[1:]...))).Results[0]
		return fmt.Sprintf("%s (version %d)", show(r), r.Version)
	}
	if strings.HasPrefix(line, "[") {
		return showResponse(p.apply(p.sessionRequest(line)))
	}
	return showResponse(p.apply(request(spell(args...))))
}

func (p *player) apply(r wire.Request) wire.Response {
	return p.store.Apply(&wire.Batch{Time: p.time, Requests: []wire.Request{r}})[0]
}

func (p *player) sessionRequest(line string) (r wire.Request) {
	head, commands, _ := strings.Cut(line[1:], "]")
	args := words(head)
	r.Session.Client = uint64(p.number(args[0]))
	for args = args[1:]; len(args) > 0; args = args[1:] {
		switch args[0] {
		case "seq":
			args = args[1:]
			r.Session.Seq = uint64(p.number(args[0]))
		case "floor":
			args = args[1:]
			r.Session.Floor = uint64(p.number(args[0]))
		case "retry":
			r.Session.Retry = true
		}
	}
	for _, c := range strings.Split(commands, ";") {
		r.Commands = append(r.Commands, spell(words(c)...))
	}
	return r
}

func (p *player) number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(p.t, err)
	return n
}

func configOf(t *testing.T, settings []string) (cfg Config) {
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		n, err := strconv.Atoi(value)
		require.NoError(t, err)
		switch name {
		case "maxvalue":
			cfg.MaxValue = n
		case "window":
			cfg.WindowMax = n
		case "sessions":
			cfg.SessionsMax = n
		case "sessionbytes":
			cfg.SessionBytes = int64(n)
		case "ttl":
			cfg.SessionTTL = int64(n)
		default:
			t.Fatalf("no such setting: %s", name)
		}
	}
	return cfg
}
