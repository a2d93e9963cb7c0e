package linearizability

import (
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecorder(t *testing.T) {
	r := NewRecorder(8)
	w := r.Invoke(1, 10, Write, "x", Input{Value: "a"})
	read := r.Invoke(2, 11, Read, "x", Input{})
	lost := r.Invoke(3, 12, Write, "x", Input{Value: "b"})
	late := r.Invoke(3, 13, Write, "x", Input{Value: "c"})
	refused := r.Invoke(1, 14, Write, "x", Input{Value: "d"})
	r.Return(w, 20, OK, Output{})
	r.Return(read, 21, OK, Output{Value: Some("a")})
	r.Return(read, 99, OK, Output{Value: Some("z")}) // the first word counts
	r.Return(lost, 22, Unknown, Output{})
	r.Return(late, 23, Unknown, Output{})
	r.Return(late, 40, OK, Output{}) // the answer came after the client had given up
	r.Return(refused, 24, Failed, Output{})
	r.Return(77, 24, Failed, Output{}) // never invoked
	r.Invoke(4, 50, Read, "x", Input{})

	require.Equal(t, 6, r.Len())
	h := r.History()
	require.NoError(t, h.Validate())
	require.Equal(t, `w1 c1 10 20 write x value=a ok
r2 c2 11 21 read x ok value=a
w3 c3 12 ? write x value=b unknown
w4 c3 13 40 write x value=c ok
w5 c1 14 24 write x value=d failed
r6 c4 50 ? read x unknown
`, text(t, h))
	r.Invoke(4, 60, Read, "x", Input{})
	require.Len(t, h.Ops, 6, "a history is a copy")
}

func TestRecorderBatch(t *testing.T) {
	r := NewRecorder(8)
	r.Invoke(1, 9, Read, "x", Input{})
	first := r.InvokeBatch(2, 10, []Call{{Append, "x", Input{Value: "1;"}}, {Read, "y", Input{}}})
	r.Return(first, 20, OK, Output{Number: 2})
	r.Return(first+1, 20, OK, Output{})
	r.InvokeBatch(2, 30, []Call{{Append, "x", Input{Value: "2;"}}, {Append, "y", Input{Value: "3;"}}})
	h := r.History()
	require.NoError(t, h.Validate())
	require.Equal(t, `r1 c1 9 ? read x unknown
a2 c2 10 20 append x value=1; batch=2 ok number=2
r3 c2 10 20 read y batch=2 ok absent
a4 c2 30 ? append x value=2; batch=4 unknown
a5 c2 30 ? append y value=3; batch=4 unknown
`, text(t, h))
}

// TestRecorderConcurrently records a real register, a mutex and a string, under real
// goroutines; time is a counter that only grows. The history must be linearizable.
func TestRecorderConcurrently(t *testing.T) {
	r := NewRecorder(0)
	var clockMu, mu sync.Mutex
	var clock int64
	now := func() int64 {
		clockMu.Lock()
		defer clockMu.Unlock()
		clock++
		return clock
	}
	register := Absent
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := range 300 {
				if i%3 == 0 {
					value := strconv.Itoa(client) + "-" + strconv.Itoa(i)
					id := r.Invoke(client, now(), Write, "x", Input{Value: value})
					mu.Lock()
					register = Some(value)
					mu.Unlock()
					r.Return(id, now(), OK, Output{})
					continue
				}
				id := r.Invoke(client, now(), Read, "x", Input{})
				mu.Lock()
				seen := register
				mu.Unlock()
				r.Return(id, now(), OK, Output{Value: seen})
			}
		})
	}
	wg.Wait()
	require.Empty(t, sentences(Check(r.History(), Options{FinalFrom: clock - 5})))
}

// TestEvictionsAreRecorded among what clients do.
func TestEvictionsAreRecorded(t *testing.T) {
	r := NewRecorder(4)
	r.Return(r.Invoke(1, 1, Write, "x", Input{Value: "a"}), 2, OK, Output{Version: 7})
	id := r.Evict(3, "x", 7)
	r.Return(r.Invoke(1, 4, Read, "x", Input{}), 5, OK, Output{})
	h := r.History()
	require.Equal(t, 2, id)
	require.NoError(t, h.Validate())
	require.Equal(t, "e2 c0 3 3 evict x removed=7 ok", h.Ops[1].String())
	require.Empty(t, Check(h, Options{}))
	h.Ops[1].In.Version = 0
	require.ErrorIs(t, h.Validate(), errEvict)
}

func BenchmarkRecorder(b *testing.B) {
	b.ReportAllocs()
	const room = 1 << 14
	r := NewRecorder(room)
	for i := 0; b.Loop(); i++ {
		if i%room == 0 {
			r = NewRecorder(room)
		}
		id := r.Invoke(1, int64(i), Read, "x", Input{})
		r.Return(id, int64(i), OK, Output{})
	}
}
