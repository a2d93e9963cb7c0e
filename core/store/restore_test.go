package store

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// TestALongValueIsRestoredAtOnce: that it comes in many chunks makes it no dearer than as many short ones.
func TestALongValueIsRestoredAtOnce(t *testing.T) {
	const all, piece = 16 << 20, 4 << 10
	cfg := testConfig
	cfg.MaxValue = all
	takes := func(values int) (least time.Duration) {
		s := New(cfg)
		for i := range values {
			s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: keyOf(i), Value: make([]byte, all/values)})}})
		}
		var chunks [][]byte
		for sn, done := s.Snapshot(), false; !done; {
			var chunk []byte
			chunk, done = sn.Next(piece)
			chunks = append(chunks, chunk)
		}
		for range 3 {
			r, began := NewRestorer(cfg), time.Now()
			for _, chunk := range chunks {
				require.NoError(t, r.Add(chunk))
			}
			if took := time.Since(began); least == 0 || took < least {
				least = took
			}
			r.Close()
		}
		return least
	}
	short, long := takes(all/piece), takes(1)
	require.Less(t, long, 20*short, "it takes as long as all its chunks times its length")
}

// made is a stream that was put together by hand.
type made []byte

// header begins one of shard 1 at time 100, version 9, with 5 uses of sessions.
func header(numbers ...uint64) made {
	return made(snapshotMagic).numbers(append([]uint64{1, 100, 9, 5}, numbers...)...)
}

func (m made) numbers(numbers ...uint64) made {
	for _, n := range numbers {
		m = binary.AppendUvarint(m, n)
	}
	return m
}

func (m made) bytes(b string) made { return append(m.numbers(uint64(len(b))), b...) }

func (m made) id(n uint64) made { return binary.LittleEndian.AppendUint64(m, n) }

func (m made) key(key string, numbers ...uint64) made {
	return m.bytes(key).bytes("v").numbers(numbers...)
}

func (m made) lease(key string, token, until uint64) made { return m.bytes(key).numbers(token, until) }

func (m made) session(client, floor, use, usedAt uint64) made {
	return m.id(client).numbers(floor, use, usedAt)
}

func (m made) outcome(client, seq uint64) made { return m.id(client).numbers(seq).bytes("\x00") }

// as is the stream under another magic.
func (m made) as(magic string) made { return append(made(magic), m[len(magic):]...) }

// leased is the header of a stream with leases only.
func leased(leases ...uint64) made {
	return header(append([]uint64{0, 0, 0}, leases...)...).as(snapshotMagicLeases)
}

// TestWhatIsRefusedOfASnapshot: each rule by itself, beside what it lets pass. Whoever sends a snapshot is trusted, but not to have no bug.
func TestWhatIsRefusedOfASnapshot(t *testing.T) {
	cfg := testConfig
	cfg.Shards = 2
	s := New(cfg)
	var ours []string // in order
	theirs := ""
	for i := 0; len(ours) < 2 || theirs == ""; i++ {
		key := string(keyOf(i))
		if !s.owns(s.HashOf([]byte(key))) {
			theirs = key
		} else if len(ours) < 2 {
			ours = append(ours, key)
		}
	}
	if s.HashOf([]byte(ours[0])) > s.HashOf([]byte(ours[1])) {
		ours[0], ours[1] = ours[1], ours[0]
	}
	first, second := ours[0], ours[1]
	session := header(0, 1, 1).session(7, 3, 5, 100)
	const late, most = math.MaxInt64 + 1, math.MaxInt64
	for _, c := range []struct {
		name   string
		stream made
		want   string // "": it is taken
	}{
		{"a header", header(1, 1, 1), ""},
		{"no snapshot", made("TSN"), ""},
		{"another word", made("TSM"), "not a snapshot"},
		{"another version", header(1, 1, 1).as("TSN4"), "not a snapshot"},
		{"another shard", made(snapshotMagic).numbers(2, 100, 9, 5, 1, 1, 1), "of shard 2, want 1"},
		{"the last moment", made(snapshotMagic).numbers(1, most, 9, 5, 1, 1, 1), ""},
		{"after it", made(snapshotMagic).numbers(1, late, 9, 5, 1, 1, 1), "log time"},
		{"a number in too many bytes", append(header(1, 1), 0x81, 0), "more bytes than it needs"},
		{"a number of more than 64 bits", append(header(1, 1), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"...), "out of range"},
		{"leases", leased(1), ""},
		{"no leases", leased(0), "no leases"},
		{"promises", leased(0, 1).as(snapshotMagicCaching), ""},
		{"promises for ever", leased(0, most).as(snapshotMagicCaching), ""},
		{"and longer", leased(0, late).as(snapshotMagicCaching), "promises"},
		{"no promises", leased(0, 0).as(snapshotMagicCaching), "promises"},

		{"keys", header(2, 1, 0).key(first, 9, most).key(second, 9, 0), ""},
		{"keys in another order", header(2, 1, 0).key(second, 1, 0).key(first, 2, 0), "keys are not in order"},
		{"a key twice", header(2, 1, 0).key(first, 1, 0).key(first, 2, 0), "keys are not in order"},
		{"a key of another shard", header(1, 1, 0).key(theirs, 1, 0), "a key of another shard"},
		{"a key without a version", header(1, 1, 0).key(first, 0, 0), "a key's version"},
		{"a key of a later version", header(1, 1, 0).key(first, 10, 0), "a key's version"},
		{"a key that expires after all", header(1, 1, 0).key(first, 1, late), "a key's version or expiry"},

		{"sessions", header(0, 2, 1).session(7, 1, 5, 100).session(8, 1, 4, 99), ""},
		{"sessions in another order", header(0, 2, 1).session(8, 1, 4, 99).session(7, 1, 5, 100), "sessions are not in order"},
		{"a session twice", header(0, 2, 1).session(7, 1, 4, 99).session(7, 1, 5, 100), "sessions are not in order"},
		{"a session of nobody", header(0, 1, 1).session(0, 1, 5, 100), "sessions are not in order"},
		{"two of the same use", header(0, 2, 1).session(7, 1, 5, 100).session(8, 1, 5, 100), "last use"},
		{"a later use", header(0, 1, 1).session(7, 1, 6, 100), "last use"},
		{"a use at a later time", header(0, 1, 1).session(7, 1, 5, 101), "last use"},

		{"outcomes", header(0, 1, 3).session(7, 3, 5, 100).outcome(7, 3).outcome(7, 4), ""},
		{"outcomes in another order", header(0, 1, 3).session(7, 3, 5, 100).outcome(7, 4).outcome(7, 3), "outcomes are not in order"},
		{"an outcome twice", header(0, 1, 3).session(7, 3, 5, 100).outcome(7, 3).outcome(7, 3), "outcomes are not in order"},
		{"an outcome below the floor", session.outcome(7, 2), "an outcome of no session"},
		{"an outcome of no session", session.outcome(8, 3), "an outcome of no session"},
		{"an outcome cut off", session.id(7).numbers(3).bytes("\x01\x05\x00\x00\x00"), "an outcome: "},
		{"an outcome of too many results", session.id(7).numbers(3).bytes("\xff\xff\xff\xff\x0f"), "an outcome: "},
		{"an outcome and more", session.id(7).numbers(3).bytes("\x00\x00"), "an outcome: "},

		{"two leases", leased(3).lease(first, 9, most).lease(second, 0, 1), ""},
		{"leases in another order", leased(3).lease(second, 1, 1).lease(first, 2, 1), "leases are not in order"},
		{"a lease twice", leased(3).lease(first, 1, 1).lease(first, 2, 1), "leases are not in order"},
		{"a lease of another shard", leased(1).lease(theirs, 1, 1), "a lease of another shard"},
		{"a lease of a later version", leased(1).lease(first, 10, 1), "a lease is out of range"},
		{"a lease after all", leased(1).lease(first, 1, late), "a lease is out of range"},

		{"an empty store", header(0, 0, 0).id(0), ""},
		{"more after the trailer", header(0, 0, 0).id(0).id(0), "more follows the trailer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, len(c.stream)} {
				r := NewRestorer(cfg)
				var err error
				for _, chunk := range chunksOf(c.stream, size) {
					if err = r.Add(chunk); err != nil {
						break
					}
				}
				if c.want == "" {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, ErrBadSnapshot)
					require.ErrorContains(t, err, c.want)
				}
				r.Close()
			}
		})
	}
}

// TestChunksAreTakenInOrder: each once, as it was sent, to the last one. After an error nothing helps, and nothing is left.
func TestChunksAreTakenInOrder(t *testing.T) {
	s := New(testConfig)
	for i := range 20 {
		s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: keyOf(i), Value: make([]byte, 50)})}})
	}
	right := chunksOf(streamOf(s), 300)
	other := chunksOf(append([]byte("another"), streamOf(s)...), 300)
	require.Greater(t, len(right), 3)
	altered := append([]byte{}, right[1]...)
	altered[len(altered)-1] ^= 1
	long := append([]byte{0x81, 0}, right[1][1:len(right[1])-8]...) // its number in two bytes
	sum := binary.LittleEndian.Uint64(right[0][len(right[0])-8:])
	long = binary.LittleEndian.AppendUint64(long, chunkSum(sum, long))
	for _, c := range []struct {
		name   string
		chunks [][]byte
		want   string
	}{
		{"nothing", nil, "it ends after 0 chunks"},
		{"the last one is missing", right[:len(right)-1], "before its trailer"},
		{"one is missing", [][]byte{right[0], right[2]}, "chunk 1: not the next"},
		{"one comes twice", [][]byte{right[0], right[0]}, "chunk 1: not the next"},
		{"one is empty", [][]byte{right[0], {}}, "chunk 1: too short"},
		{"one is cut off", [][]byte{right[0], right[1][:7]}, "chunk 1: too short"},
		{"one has nothing but its sum", [][]byte{right[0], right[1][:8]}, "chunk 1: not the next"},
		{"one is altered", [][]byte{right[0], altered}, "chunk 1: checksum"},
		{"one is another stream's", [][]byte{right[0], other[1]}, "chunk 1: checksum"},
		{"a number is longer than it needs", [][]byte{right[0], long}, "chunk 1: not the next"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pages := new(ledger)
			cfg := testConfig
			cfg.Pages = pages
			r := NewRestorer(cfg)
			var err error
			for _, chunk := range c.chunks {
				err = r.Add(chunk)
			}
			if err != nil {
				require.ErrorContains(t, err, c.want)
				require.Equal(t, err, r.Add(right[1]), "the right one comes too late")
			}
			_, err = r.Finish()
			require.ErrorIs(t, err, ErrBadSnapshot)
			require.ErrorContains(t, err, c.want)
			require.Zero(t, pages.held)
		})
	}
	r := NewRestorer(testConfig)
	require.NoError(t, r.Add(right[0]))
	r.Close()
	require.ErrorContains(t, r.Add(right[1]), "given up")
	_, err := r.Finish()
	require.ErrorContains(t, err, "given up")
}
