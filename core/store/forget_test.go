package store

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// TestWhatIsForgottenIsNotAppliedAgain: clients that keep to the rule (one write opens a session, by one message; all else insists on it) write
// once, however often and late their writes come, and whatever the table has no room for. Replicas forget the same.
func TestWhatIsForgottenIsNotAppliedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := testConfig
		cfg.MaxValue, cfg.SessionsMax, cfg.SessionBytes = 1000, 100, rapid.Int64Range(300, 3000).Draw(t, "session bytes")
		m := &forgetful{cfg: cfg, store: New(cfg), twin: New(cfg), clients: make([]forgetfulClient, 5)}
		for size := range 10 { // what results may hold
			m.apply(wire.Request{Commands: []wire.Command{{Op: wire.OpSet, Key: largeKey(size), Value: bytes.Repeat([]byte{'v'}, size*100)}}})
		}
		t.Repeat(map[string]func(*rapid.T){"": m.check, "write": m.write, "again": m.again, "snapshot": m.snapshot})
	})
}

type forgetful struct {
	cfg         Config
	store, twin *Store
	clients     []forgetfulClient
	sessions    uint64 // begun
	writes      []*forgetfulWrite
}

// forgetfulClient is the lane's or the brain's part: a session, and whether it was opened.
type forgetfulClient struct {
	session, seq uint64
	known        bool
}

type forgetfulWrite struct {
	client   *forgetfulClient
	request  wire.Request
	ok       bool // it was answered so
	attempts int
}

func largeKey(size int) []byte { return fmt.Appendf(nil, "large%d", size) }

func (m *forgetful) apply(r wire.Request) wire.Response {
	b := &wire.Batch{Requests: []wire.Request{r}}
	m.twin.Follow(b)
	return m.store.Apply(b)[0]
}

// write makes a new write: it adds one to a counter of its own, and answers with a value.
func (m *forgetful) write(t *rapid.T) {
	c := &m.clients[rapid.IntRange(0, len(m.clients)-1).Draw(t, "client")]
	if c.session != 0 && !c.known {
		return // nobody goes before the opener
	}
	if c.session == 0 {
		m.sessions++
		c.session, c.seq = m.sessions, 0
	}
	c.seq++
	w := &forgetfulWrite{client: c}
	w.request.Session = wire.Session{Client: c.session, Seq: c.seq, Floor: 1, Retry: c.known}
	w.request.Commands = []wire.Command{
		{Op: wire.OpIncr, Key: fmt.Appendf(nil, "n%d", len(m.writes)), Delta: 1},
		{Op: wire.OpGet, Key: largeKey(rapid.IntRange(0, 9).Draw(t, "size"))},
	}
	m.writes = append(m.writes, w)
	m.deliver(t, w)
}

// again lets a write come once more.
func (m *forgetful) again(t *rapid.T) {
	if len(m.writes) == 0 {
		return
	}
	w := m.writes[len(m.writes)-1-min(rapid.IntRange(0, 12).Draw(t, "which, newest first"), len(m.writes)-1)]
	w.request.Session.Retry = true
	m.deliver(t, w)
}

func (m *forgetful) deliver(t *rapid.T, w *forgetfulWrite) {
	w.attempts++
	r := m.apply(w.request)
	switch {
	case r.Outcome == wire.OutcomeOK:
		require.EqualValues(t, 1, r.Results[0].Int)
		w.ok = true
		if w.client.session == w.request.Session.Client {
			w.client.known = true
		}
	case r.Reason == wire.ReasonSessionExpired:
		require.Equal(t, wire.OutcomeUnknown, r.Outcome)
		require.True(t, w.request.Session.Retry, "who opens a session is not told that it is forgotten")
		if w.client.session == w.request.Session.Client {
			*w.client = forgetfulClient{}
		}
	default: // the window is full
		require.Equal(t, wire.ReasonOverloaded, r.Reason)
	}
}

func (m *forgetful) check(t *rapid.T) {
	for i, w := range m.writes {
		got, _ := m.store.Read([]wire.Command{{Op: wire.OpGet, Key: []byte("n" + strconv.Itoa(i))}}, 0)
		if w.ok {
			require.Equal(t, "1", string(got[0].Value), "write %d", i)
		} else {
			require.Contains(t, []string{"", "1"}, string(got[0].Value), "write %d", i)
		}
	}
	require.LessOrEqual(t, m.store.SessionBytes(), m.cfg.SessionBytes)
	require.Equal(t, m.store.Digest(), m.twin.Digest())
	require.NoError(t, m.store.verify())
	require.NoError(t, m.twin.verify())
}

// snapshot puts a restored copy in the twin's place: it goes on as the one that has seen it all.
func (m *forgetful) snapshot(t *rapid.T) {
	restored, err := copyOf(m.cfg, m.store, 200)
	require.NoError(t, err)
	m.twin = restored
}

// A session that there is no room for, with all that it waits for, goes alone; one that there is room for costs those that were used least recently.
func TestOutcomesHaveABound(t *testing.T) {
	const most = 10_000
	cfg := testConfig
	cfg.MaxValue, cfg.SessionsMax, cfg.WindowMax, cfg.SessionBytes = 1<<20, 100, 100, most
	s := New(cfg)
	seqs := map[uint64]uint64{}
	ask := func(client uint64, size int, retry bool) wire.Response {
		s.Apply(&wire.Batch{Requests: []wire.Request{{Commands: []wire.Command{{Op: wire.OpSet, Key: []byte("k"), Value: make([]byte, size)}}}}})
		seqs[client]++
		r := s.Apply(&wire.Batch{Requests: []wire.Request{{Session: wire.Session{Client: client, Seq: seqs[client], Floor: 1, Retry: retry},
			Commands: []wire.Command{{Op: wire.OpGetDelete, Key: []byte("k")}}}}})[0]
		require.LessOrEqual(t, s.SessionBytes(), int64(most))
		require.NoError(t, s.verify())
		return r
	}
	for client := uint64(1); client <= 8; client++ {
		require.Len(t, ask(client, 10, false).Results[0].Value, 10)
	}
	require.Len(t, ask(9, most, false).Results[0].Value, most, "it is answered all the same")
	require.Equal(t, 8, s.sessions.Len(), "the ninth is forgotten at once, the others are not")
	require.Equal(t, wire.ReasonSessionExpired, ask(9, 10, true).Reason)

	for range 4 {
		require.Equal(t, wire.OutcomeOK, ask(8, 2000, true).Outcome)
	}
	others := s.sessions.Len() - 1
	require.Less(t, others, 7, "the others make room")
	require.Positive(t, others, "not all of them have to")
	require.Nil(t, s.session(1), "the least recently used first")
	require.NotNil(t, s.session(8))
	require.Equal(t, wire.OutcomeOK, ask(8, 2000, true).Outcome)
	require.Nil(t, s.session(8), "what one client waits for is more than all may have")
	require.Equal(t, others, s.sessions.Len(), "nobody else pays for it")
	require.Equal(t, wire.ReasonSessionExpired, ask(8, 10, true).Reason)
}

// TestManySessionsExpireAtOnce: more than an entry removes. The others are gone all the same.
func TestManySessionsExpireAtOnce(t *testing.T) {
	cfg := testConfig
	cfg.SessionsMax = 10 * sessionsExpireMax
	s := New(cfg)
	write := func(client uint64, retry bool) wire.Request {
		return wire.Request{Session: wire.Session{Client: client, Seq: 1, Floor: 1, Retry: retry}, Commands: []wire.Command{{Op: wire.OpIncr, Key: []byte("n"), Delta: 1}}}
	}
	for client := range uint64(2 * sessionsExpireMax) {
		s.Apply(&wire.Batch{Time: 1, Requests: []wire.Request{write(client+1, false)}})
	}
	again := write(2*sessionsExpireMax, true)
	require.Equal(t, wire.OutcomeOK, s.Apply(&wire.Batch{Time: cfg.SessionTTL, Requests: []wire.Request{again}})[0].Outcome)
	again = write(2*sessionsExpireMax-1, true)
	r := s.Apply(&wire.Batch{Time: 1 + cfg.SessionTTL, Requests: []wire.Request{again}})[0]
	require.Equal(t, wire.OutcomeUnknown, r.Outcome)
	require.Equal(t, wire.ReasonSessionExpired, r.Reason)
	require.NoError(t, s.verify())
	require.Equal(t, sessionsExpireMax-1, s.sessions.Len(), "the first are forgotten, and the one that was asked for")
	s.Apply(&wire.Batch{Time: 1 + cfg.SessionTTL, Requests: []wire.Request{write(2*sessionsExpireMax-1, false)}})
	require.NoError(t, s.verify())
	require.Equal(t, 2, s.sessions.Len(), "the others, too; one was used again, and one is new")
}

// TestWhoNamesNoFloorIsRemembered: a floor of 0 is below all that a client has asked.
func TestWhoNamesNoFloorIsRemembered(t *testing.T) {
	s := New(testConfig)
	ask := func(seq uint64, retry bool) int64 {
		return s.Apply(&wire.Batch{Requests: []wire.Request{{Session: wire.Session{Client: 7, Seq: seq, Retry: retry},
			Commands: []wire.Command{{Op: wire.OpIncr, Key: []byte("n"), Delta: 1}}}}})[0].Results[0].Int
	}
	require.EqualValues(t, 1, ask(1, false))
	require.EqualValues(t, 2, ask(2, false))
	require.EqualValues(t, 1, ask(1, true))
}
