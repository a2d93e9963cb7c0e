package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

func guard(key string, version uint64) wire.Command {
	return wire.Command{Op: wire.OpGuard, Key: []byte(key), Version: version}
}

func set(key, value string) wire.Command {
	return wire.Command{Op: wire.OpSet, Key: []byte(key), Value: []byte(value)}
}

func get(key string) wire.Command { return wire.Command{Op: wire.OpGet, Key: []byte(key)} }

// guardedStore has k, whose version it returns, and t, which expires at 100.
func guardedStore(t *testing.T) (s *Store, version uint64) {
	s = New(Config{})
	soon := set("t", "soon gone")
	soon.TTLKind, soon.TTL = wire.TTLAbsolute, 100
	results := s.Apply(&wire.Batch{Time: 10, Requests: []wire.Request{request(set("k", "old"), soon)}})[0].Results
	return s, results[0].Version
}

func TestARequestIsDoneOnlyIfItsGuardsAreMet(t *testing.T) {
	_, version := guardedStore(t)
	for name, c := range map[string]struct {
		request []wire.Command
		done    bool
	}{
		"the version that was read":        {[]wire.Command{guard("k", version), set("k", "new")}, true},
		"another version":                  {[]wire.Command{guard("k", version+1), set("k", "new")}, false},
		"absent, as it was":                {[]wire.Command{guard("none", 0), set("k", "new")}, true},
		"absent, but it was there":         {[]wire.Command{guard("none", version), set("k", "new")}, false},
		"there, but it was absent":         {[]wire.Command{guard("k", 0), set("k", "new")}, false},
		"two, the second one not":          {[]wire.Command{guard("k", version), guard("none", 1), set("k", "new")}, false},
		"at the end":                       {[]wire.Command{set("k", "new"), guard("none", 1)}, false},
		"before what the request does":     {[]wire.Command{set("k", "newer"), guard("k", version), set("k", "new")}, true},
		"not after it":                     {[]wire.Command{set("k", "new"), guard("k", version+2)}, false},
		"an expired key that was there":    {[]wire.Command{guard("t", version+1), set("k", "new")}, false},
		"an expired key, taken for absent": {[]wire.Command{guard("t", 0), set("k", "new")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := guardedStore(t)
			want := "old"
			if c.done {
				want = "new"
			}
			answer := s.Apply(&wire.Batch{Time: 100, Requests: []wire.Request{request(c.request...)}})[0]
			require.Equal(t, wire.OutcomeOK, answer.Outcome)
			for _, r := range answer.Results {
				require.Equal(t, c.done, r.Code != wire.CodeGuard, "all or nothing: %v", r)
			}
			results, _ := s.Read([]wire.Command{get("k")}, 0)
			require.Equal(t, want, string(results[0].Value))
		})
	}
}

func TestReadsMayHaveGuards(t *testing.T) {
	s, version := guardedStore(t)
	results, needsTick := s.Read([]wire.Command{get("k"), guard("k", version)}, 0)
	require.False(t, needsTick)
	require.Equal(t, "old", string(results[0].Value))
	require.Equal(t, wire.KindOK, results[1].Kind)

	results, needsTick = s.Read([]wire.Command{get("k"), guard("k", version+1)}, 0)
	require.False(t, needsTick)
	for _, r := range results {
		require.Equal(t, wire.CodeGuard, r.Code)
	}

	_, needsTick = s.Read([]wire.Command{get("k"), guard("t", version+1)}, 100)
	require.True(t, needsTick, "by the leader's clock it is gone, by log time not yet")
}

// A retry is told what the first one came to, though the guard would be met now.
func TestAnUnmetGuardIsRemembered(t *testing.T) {
	s, _ := guardedStore(t)
	r := request(guard("none", 7), set("k", "new"))
	r.Session = wire.Session{Client: 1, Seq: 1, Floor: 1}
	first := s.Apply(&wire.Batch{Requests: []wire.Request{r}})[0]
	r.Commands[0].Version = 0
	r.Session.Retry = true
	again := s.Apply(&wire.Batch{Requests: []wire.Request{r}})[0]
	require.Equal(t, first, again)
	require.Equal(t, wire.CodeGuard, again.Results[1].Code)
}
