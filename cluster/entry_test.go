package cluster

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// However many large writes come in one turn, as those do that have waited for a leader, no entry of the log is longer than a
// frame can be: it could never be replicated, nor anything after it.
func TestLargeWritesDoNotShareAnEntry(t *testing.T) {
	w := five(t, Config{})
	longest := 0
	w.listening = func(_ string, f *wire.Frame) {
		for _, m := range f.Messages {
			if m, ok := m.(*wire.Raft); ok {
				for i := range m.Entries {
					longest = max(longest, len(m.Entries[i].Data))
				}
			}
		}
	}
	lead := w.leader(1)
	value := make([]byte, entryMost/3)
	keys := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	answers := make([]asker, len(keys))
	lead.turn(func() {
		for i := range answers {
			set := wire.Command{Op: wire.OpSet, Key: []byte(keys[i]), Value: value}
			lead.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Epoch: lead.m.Epoch, Commands: []wire.Command{set}}, Sink: &answers[i]})
		}
	})
	w.run(3 * time.Second)
	for i := range answers {
		require.NotNil(t, answers[i].answer)
		require.Equal(t, wire.OutcomeOK, answers[i].answer.Outcome)
	}
	require.Greater(t, longest, 2*len(value), "some share one")
	require.LessOrEqual(t, longest, entryMost)
}

// Large writes that share an entry are put into it one after the other, and not copied again for each that follows.
func TestALongEntryIsWrittenOnce(t *testing.T) {
	w := five(t, Config{})
	lead := w.leader(1)
	value, answers := make([]byte, 1<<20), make([]asker, entryMost>>20-1)
	var before, after runtime.MemStats
	lead.turn(func() {
		for i := range answers {
			set := wire.Command{Op: wire.OpSet, Key: []byte{byte(i)}, Value: value}
			lead.OnCall(&wire.Call{Request: wire.Request{Shard: 1, Epoch: lead.m.Epoch, Commands: []wire.Command{set}}, Sink: &answers[i]})
		}
		runtime.ReadMemStats(&before)
	})
	runtime.ReadMemStats(&after)
	require.Less(t, int(after.TotalAlloc-before.TotalAlloc), 3*entryMost, "the entry, and raft's copy of it")
	w.run(3 * time.Second)
	for i := range answers {
		require.NotNil(t, answers[i].answer)
		require.Equal(t, wire.OutcomeOK, answers[i].answer.Outcome)
	}
}
