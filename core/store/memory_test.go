package store

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/slab"
	"torc/core/wire"
)

// ledger is a source of pages that knows which are out. What is given out holds rubbish, and so does
// what was taken back: who reads freed memory sees it.
type ledger struct {
	out  map[*byte]int
	held int
}

func (l *ledger) Alloc(n int) []byte {
	page := bytes.Repeat([]byte{0xA5}, n)
	if l.out == nil {
		l.out = map[*byte]int{}
	}
	l.out[&page[0]] = n
	l.held += n
	return page
}

func (l *ledger) Free(page []byte) {
	if l.out[&page[0]] != len(page) {
		panic("a page is given back that is not out")
	}
	delete(l.out, &page[0])
	l.held -= len(page)
	for i := range page {
		page[i] = 0x5A
	}
}

// scar gives a store's heap a past: keys of many sizes that came and went.
func scar(s *Store, keys int) {
	random := uint64(keys)
	for round := range 2 {
		for i := range keys {
			random = random*6364136223846793005 + 1442695040888963407
			key := []byte("scar" + strconv.Itoa(i))
			var e entry
			if round == 0 {
				s.keys.put(&e, nil, key, HashOf(key), make([]byte, random>>54), nil, 1, int64(random>>60))
			} else if s.keys.find(key, HashOf(key), &e) {
				s.keys.drop(&e)
			}
		}
	}
}

// TestHeapHistory plays one log on two stores whose heaps have different pasts, one of which also compacts
// as it likes and keeps snapshots: they are equal, and in the end no page is out.
func TestHeapHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pages := new(ledger)
		cfg := testConfig
		cfg.Pages, cfg.MaxValue = pages, 100_000
		plain, scarred := New(cfg), New(cfg)
		scar(scarred, rapid.IntRange(0, 600).Draw(t, "past"))
		var running []*Snapshot
		time := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				require.Equal(t, plain.Digest(), scarred.Digest())
				require.Equal(t, plain.Bytes(), scarred.Bytes())
				require.NoError(t, plain.verify())
				require.NoError(t, scarred.verify())
			},
			"apply": func(t *rapid.T) {
				time += rapid.SampledFrom([]int64{0, 1, 7, 40}).Draw(t, "time")
				b := &wire.Batch{Time: time}
				for range rapid.IntRange(0, 20).Draw(t, "requests") {
					r := drawRequest(t)
					for i := range r.Commands {
						if c := &r.Commands[i]; c.Op == wire.OpSet {
							c.Value = bytes.Repeat([]byte{byte(time)}, rapid.SampledFrom([]int{0, 5, 40, 300, 5000, 40_000}).Draw(t, "size"))
						}
					}
					b.Requests = append(b.Requests, r)
				}
				require.Equal(t, showAll(plain.Apply(b)), showAll(scarred.Apply(b)))
			},
			"many": func(t *rapid.T) {
				b := &wire.Batch{Time: time}
				from := rapid.IntRange(0, 500).Draw(t, "from")
				c := wire.Command{Op: rapid.SampledFrom([]wire.Op{wire.OpSet, wire.OpDelete}).Draw(t, "op"), TTLKind: wire.TTLRelative, TTL: rapid.Int64Range(1, 50).Draw(t, "ttl")}
				c.Value = make([]byte, rapid.IntRange(0, 400).Draw(t, "size"))
				for i := range rapid.IntRange(1, 300).Draw(t, "count") {
					c.Key = []byte("many" + strconv.Itoa(from+i))
					b.Requests = append(b.Requests, request(c))
				}
				require.Equal(t, showAll(plain.Apply(b)), showAll(scarred.Apply(b)))
			},
			"scan": func(t *rapid.T) {
				c := wire.Command{Op: wire.OpScan, Start: int64(rapid.Uint64().Draw(t, "cursor")), End: 30}
				a, _ := plain.Read([]wire.Command{c}, 0)
				b, _ := scarred.Read([]wire.Command{c}, 0)
				require.Equal(t, show(a[0]), show(b[0]))
			},
			"tend": func(t *rapid.T) { scarred.Tend(rapid.IntRange(0, 100_000).Draw(t, "bytes")) },
			"snapshot": func(t *rapid.T) {
				if len(running) < 3 {
					running = append(running, scarred.Snapshot())
				}
				for range rapid.IntRange(0, 4).Draw(t, "chunks") {
					running[rapid.IntRange(0, len(running)-1).Draw(t, "which")].Next(rapid.IntRange(0, 3000).Draw(t, "max"))
				}
				if rapid.IntRange(0, 3).Draw(t, "close") == 0 {
					running[0].Close()
					running = running[1:]
				}
			},
		})
		scarred.Close()
		plain.Close()
		for _, sn := range running {
			sn.Next(100)
			sn.Close()
		}
		require.Zero(t, pages.held, "pages were lost")
	})
}

// TestSnapshotsAreExact runs snapshots of several moments at once, beside writes that overwrite, delete and flush, and with
// Compact moving what they have still to read: each is of its moment.
func TestSnapshotsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pages := new(ledger)
		cfg := testConfig
		cfg.Pages, cfg.MaxValue = pages, 100_000
		type run struct {
			sn     *Snapshot
			into   *Restorer
			digest uint64
		}
		var runs []run
		s, written := New(cfg), 0
		tag := rapid.SampledFrom([]string{"{a}", ""}).Draw(t, "tag") // many keys in each bucket, or one
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				b := &wire.Batch{}
				for range rapid.IntRange(1, 200).Draw(t, "count") {
					written++
					c := wire.Command{Op: wire.OpSet, Key: []byte(tag + "k" + strconv.Itoa(rapid.IntRange(0, 300).Draw(t, "key"))),
						Value: bytes.Repeat([]byte{byte(written)}, rapid.SampledFrom([]int{0, 10, 90, 500, 70_000}).Draw(t, "size"))}
					if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
						c.Op = wire.OpDelete
					}
					b.Requests = append(b.Requests, request(c))
				}
				s.Apply(b)
			},
			"flush": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpFlush})}})
				}
			},
			"tend": func(*rapid.T) { s.Tend(100_000) },
			"begin": func(t *rapid.T) {
				if len(runs) < 3 {
					runs = append(runs, run{s.Snapshot(), NewRestorer(cfg), s.Digest()})
				}
			},
			"read": func(t *rapid.T) {
				if len(runs) == 0 {
					return
				}
				at := rapid.IntRange(0, len(runs)-1).Draw(t, "which")
				r := runs[at]
				for range rapid.IntRange(1, 10).Draw(t, "chunks") {
					chunk, done := r.sn.Next(rapid.IntRange(64, 20_000).Draw(t, "max"))
					require.NoError(t, r.into.Add(chunk))
					if !done {
						continue
					}
					restored, err := r.into.Finish()
					require.NoError(t, err)
					require.Equal(t, r.digest, restored.Digest())
					require.NoError(t, restored.verify())
					restored.Close()
					r.sn.Close()
					runs = append(runs[:at:at], runs[at+1:]...)
					return
				}
			},
			"": func(t *rapid.T) { require.NoError(t, s.verify()) },
		})
		for _, r := range runs {
			r.sn.Close()
			r.into.Close()
		}
		s.Tend(1 << 30)
		for range 1000 {
			s.Tend(1 << 30)
		}
		require.True(t, s.Tended())
		require.Zero(t, s.keys.retired.Len(), "no snapshot runs, and old entries are kept")
		s.Close()
		require.Zero(t, pages.held, "pages were lost")
	})
}

// TestAllocations: a Get allocates its results and the copy of the value, an overwrite nothing that stays.
func TestAllocations(t *testing.T) {
	s := New(Config{})
	key, value := []byte("key"), make([]byte, 100)
	p := s.locate(key, HashOf(key))
	s.put(&p, value, nil, 0)
	require.Zero(t, testing.AllocsPerRun(100, func() { s.find(key, HashOf(key)) }))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		p := s.locate(key, HashOf(key))
		s.put(&p, value, nil, 0)
	}))
	cmds := []wire.Command{{Op: wire.OpGet, Key: key}}
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { s.Read(cmds, 0) }), 2.0)
}

// TestAppendGrowsInPlace: a value that is appended to moves seldom, however long it is.
func TestAppendGrowsInPlace(t *testing.T) {
	pages := new(ledger)
	s := New(Config{Pages: pages})
	more := bytes.Repeat([]byte("m"), 100)
	want := []byte(nil)
	moves, at := 0, slab.Ref(0)
	for range 20_000 {
		want = append(want, more...)
		s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpAppend, Key: []byte("k"), Value: more})}})
		e := s.find([]byte("k"), HashOf([]byte("k")))
		if e.ref != at {
			moves, at = moves+1, e.ref
		}
	}
	require.True(t, bytes.Equal(want, s.find([]byte("k"), HashOf([]byte("k"))).value))
	require.Less(t, moves, 200, "2 MB in steps of 100 bytes")
	require.NoError(t, s.verify())
	// What is set again takes what it needs.
	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: []byte("k"), Value: want[:40_000]})}})
	require.Less(t, pages.held, 100_000)
	s.Close()
}

// TestWhatIsExpectedOfACopy: when a little of a snapshot has come it is known how large it will be, within a quarter; when it
// says nonsense, that is a number still.
func TestWhatIsExpectedOfACopy(t *testing.T) {
	s := New(testConfig)
	for n := range 2000 {
		s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpSet, Key: strconv.AppendInt(nil, int64(n), 10), Value: make([]byte, n%1000)})}})
	}
	r, sn := NewRestorer(testConfig), s.Snapshot()
	defer sn.Close()
	_, known := r.Expected()
	require.False(t, known)
	for done, chunks := false, 0; !done; chunks++ {
		var chunk []byte
		chunk, done = sn.Next(16 << 10)
		require.NoError(t, r.Add(chunk))
		expected, known := r.Expected()
		require.True(t, known)
		require.InEpsilon(t, s.Bytes(), expected, .25, "after %d chunks", chunks)
	}
	expected, _ := r.Expected()
	require.Equal(t, s.Bytes(), expected)

	r.left[partKeys], r.part = math.MaxUint64, partKeys
	expected, _ = r.Expected()
	require.LessOrEqual(t, expected, int64(expectedMost))
	r.Close()
	_, known = r.Expected()
	require.False(t, known)
}

// FuzzRestore feeds the decoder of snapshots with streams in well-formed chunks: it refuses them, or what it
// makes of one is a store that says the same again. It never takes memory out of proportion.
func FuzzRestore(f *testing.F) {
	s := New(testConfig)
	for i := range 40 {
		s.Apply(&wire.Batch{Time: int64(i), Requests: []wire.Request{{
			Session:  wire.Session{Client: uint64(i%3 + 1), Seq: uint64(i + 1), Floor: uint64(i)},
			Commands: []wire.Command{{Op: wire.OpSet, Key: []byte{byte(i)}, Value: make([]byte, i), TTLKind: wire.TTLRelative, TTL: int64(i%2) * 1000}}}}})
		if i%13 == 0 {
			f.Add(streamOf(s), uint16(64+i))
		}
	}
	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpLease, Key: []byte("leased"), TTL: 50})}})
	f.Add(streamOf(s), uint16(200))
	s.Apply(&wire.Batch{Requests: []wire.Request{request(wire.Command{Op: wire.OpCaching, Delta: 5})}})
	f.Add(streamOf(s), uint16(5))
	f.Add([]byte(snapshotMagic+"\x01\x00\x05\x00\xff\xff\xff\xff\x0f\x00\x00\xff\xff\xff\xff\x0f"), uint16(7))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		pages := new(ledger)
		cfg := testConfig
		cfg.Pages = pages
		r := NewRestorer(cfg)
		for _, chunk := range chunksOf(stream, int(cut)+1) {
			if r.Add(chunk) != nil {
				break
			}
		}
		if most := 64<<10 + 100*len(stream); pages.held > most {
			t.Errorf("%d bytes for a stream of %d", pages.held, len(stream))
		}
		restored, err := r.Finish()
		if err == nil {
			require.NoError(t, restored.verify())
			require.Equal(t, stream, streamOf(restored))
			restored.Close()
		}
		require.Zero(t, pages.held, "pages were lost")
	})
}

// streamOf is a snapshot's stream, without the chunks' frames.
func streamOf(s *Store) (stream []byte) {
	sn := s.Snapshot()
	defer sn.Close()
	for {
		chunk, done := sn.Next(100)
		_, n := binary.Uvarint(chunk)
		stream = append(stream, chunk[n:len(chunk)-8]...)
		if done {
			return stream
		}
	}
}

// chunksOf puts a stream into chunks with frames that are right.
func chunksOf(stream []byte, size int) (chunks [][]byte) {
	sum := uint64(0)
	for number := uint64(0); len(stream) > 0; number++ {
		n := min(size, len(stream))
		body := append(binary.AppendUvarint(nil, number), stream[:n]...)
		stream = stream[n:]
		sum = chunkSum(sum, body)
		chunks = append(chunks, binary.LittleEndian.AppendUint64(body, sum))
	}
	return chunks
}

var _ slab.Source = new(ledger)
