package sim

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"sync/atomic"
	"time"
)

// Stream is a stream of random numbers (SplitMix64; Steele, Lea, Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014). Its state is one word, so every link,
// node and client can have one of its own.
type Stream struct{ state uint64 }

// NewStream derives the stream of a concern from the seed. Streams with different names are
// unrelated.
func NewStream(seed uint64, concern string) Stream {
	h := uint64(14695981039346656037)
	for i := range len(concern) {
		h = (h ^ uint64(concern[i])) * 1099511628211
	}
	s := Stream{state: seed}
	s.state = s.Uint64() ^ h
	s.state = s.Uint64()
	return s
}

// Uint64 returns the next number.
func (s *Stream) Uint64() uint64 {
	s.state += 0x9e3779b97f4a7c15
	z := s.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// IntN returns a number in [0, n); 0 when n <= 0.
func (s *Stream) IntN(n int) int {
	if n <= 0 {
		return 0
	}
	return int(s.Uint64() % uint64(n))
}

// Chance is true in n of 10,000 cases.
func (s *Stream) Chance(n int) bool { return n > 0 && s.IntN(10_000) < n }

// Bool is true in half the cases.
func (s *Stream) Bool() bool { return s.Uint64()&1 == 1 }

// Between returns a number in [low, high].
func (s *Stream) Between(low, high int) int { return low + s.IntN(high-low+1) }

// Duration returns a duration in [low, high].
func (s *Stream) Duration(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(s.Uint64()%uint64(high-low+1))
}

// Neat is Duration rounded to what a person likes to read.
func (s *Stream) Neat(low, high time.Duration) time.Duration {
	d := s.Duration(low, high)
	if d > 20*time.Millisecond {
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

// Around returns a duration in [d/4, 7d/4]: irregular, with mean d.
func (s *Stream) Around(d time.Duration) time.Duration { return s.Duration(d/4, d*7/4) }

// Read fills p with random bytes, for crypto/rand.Reader.
func (s *Stream) Read(p []byte) (int, error) {
	var word [8]byte
	for i := 0; i < len(p); i += 8 {
		binary.LittleEndian.PutUint64(word[:], s.Uint64())
		copy(p[i:], word[:])
	}
	return len(p), nil
}

// entropy stands in for crypto/rand.Reader while a world runs: it serves the stream of
// whoever is being stepped, so that one node's draws never shift another's.
type entropy struct{ current *Stream }

func (e *entropy) Read(p []byte) (int, error) { return e.current.Read(p) }

var worldRuns atomic.Bool

// seize takes crypto/rand.Reader for a world; release gives it back. It panics when another
// world runs: that is a programming error which would make both worlds unrepeatable.
func (e *entropy) seize() (release func()) {
	if !worldRuns.CompareAndSwap(false, true) {
		panic("sim: another world runs in this process; run many seeds as many processes")
	}
	var former io.Reader = rand.Reader
	rand.Reader = e
	return func() {
		rand.Reader = former
		worldRuns.Store(false)
	}
}
