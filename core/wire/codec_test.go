package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// codec is a type's binary form, both ways.
type codec[T any] struct {
	draw   func(*rapid.T) T
	append func([]byte, *T) []byte
	decode func([]byte) (*T, error)
}

var (
	frameCodec    = codec[Frame]{drawFrame, AppendFrame, DecodeFrame}
	batchCodec    = codec[Batch]{drawBatch, AppendBatch, DecodeBatch}
	requestCodec  = codec[Request]{drawRequest, AppendRequest, DecodeRequest}
	responseCodec = codec[Response]{drawResponse, AppendResponse, DecodeResponse}
	resultCodec   = codec[Result]{drawResult, AppendResult, DecodeResult}
	mapCodec      = codec[ClusterMap]{drawClusterMap, AppendClusterMap, DecodeClusterMap}
	metaCodec     = codec[MetaCommand]{drawMetaCommand, AppendMetaCommand, DecodeMetaCommand}
)

func eachCodec(t *testing.T, test func(t *testing.T, p property)) {
	t.Run("frame", func(t *testing.T) { test(t, frameCodec) })
	t.Run("batch", func(t *testing.T) { test(t, batchCodec) })
	t.Run("request", func(t *testing.T) { test(t, requestCodec) })
	t.Run("response", func(t *testing.T) { test(t, responseCodec) })
	t.Run("result", func(t *testing.T) { test(t, resultCodec) })
	t.Run("cluster map", func(t *testing.T) { test(t, mapCodec) })
	t.Run("meta command", func(t *testing.T) { test(t, metaCodec) })
}

// property is what can be said of a codec without naming its type.
type property interface {
	roundTrip(t *rapid.T)
	damage(t *rapid.T)
	canonical(t require.TestingT, b []byte)
}

// TestRoundTrip: what is written is read back, after whatever stands before it.
func TestRoundTrip(t *testing.T) {
	eachCodec(t, func(t *testing.T, p property) { rapid.Check(t, p.roundTrip) })
}

func (c codec[T]) roundTrip(t *rapid.T) {
	v := c.draw(t)
	b := c.append(nil, &v)
	got, err := c.decode(b)
	require.NoError(t, err)
	require.Equal(t, v, *got)
	require.Equal(t, append([]byte("before"), b...), c.append([]byte("before"), &v), "Append must leave what stands there")
}

// TestDamage: a form that is cut short, has a byte too many or a byte changed is refused, or (a
// change only) it is the one form of another value.
func TestDamage(t *testing.T) {
	eachCodec(t, func(t *testing.T, p property) { rapid.Check(t, p.damage) })
}

func (c codec[T]) damage(t *rapid.T) {
	v := c.draw(t)
	b := c.append(nil, &v)
	cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
	_, err := c.decode(b[:cut:cut])
	require.ErrorIs(t, err, ErrMalformed, "the first %d of %d bytes", cut, len(b))

	_, err = c.decode(append(b[:len(b):len(b)], rapid.Byte().Draw(t, "too many")))
	require.ErrorIs(t, err, ErrMalformed)

	at := rapid.IntRange(0, len(b)-1).Draw(t, "changed at")
	b[at] ^= rapid.ByteRange(1, 255).Draw(t, "change")
	c.canonical(t, b)
}

// canonical: bytes are refused, or they are the form of the value that was read.
func (c codec[T]) canonical(t require.TestingT, b []byte) {
	v, err := c.decode(b)
	if err != nil {
		require.ErrorIs(t, err, ErrMalformed)
		require.Nil(t, v)
		return
	}
	require.Equal(t, b, c.append(nil, v), "another form of the same value was accepted")
}

// Fuzzing starts from the golden forms.
func fuzz(f *testing.F, p property) {
	for _, g := range goldens() {
		f.Add(g.form())
	}
	f.Fuzz(func(t *testing.T, b []byte) { p.canonical(t, b) })
}

func FuzzDecodeFrame(f *testing.F)       { fuzz(f, frameCodec) }
func FuzzDecodeBatch(f *testing.F)       { fuzz(f, batchCodec) }
func FuzzDecodeRequest(f *testing.F)     { fuzz(f, requestCodec) }
func FuzzDecodeResponse(f *testing.F)    { fuzz(f, responseCodec) }
func FuzzDecodeClusterMap(f *testing.F)  { fuzz(f, mapCodec) }
func FuzzDecodeMetaCommand(f *testing.F) { fuzz(f, metaCodec) }

// TestNilIsEmpty: both have one form, and come back as nil.
func TestNilIsEmpty(t *testing.T) {
	empty := Result{Kind: KindBytes, Value: []byte{}, List: [][]byte{}}
	b := AppendResult(nil, &empty)
	require.Equal(t, AppendResult(nil, &Result{Kind: KindBytes}), b)
	r, err := DecodeResult(b)
	require.NoError(t, err)
	require.Nil(t, r.Value)
	require.Nil(t, r.List)

	m, err := DecodeMetaCommand(AppendMetaCommand(nil, &MetaCommand{Voters: []ReplicaID{}, Map: &ClusterMap{Members: []Member{}}}))
	require.NoError(t, err)
	require.Equal(t, MetaCommand{Map: &ClusterMap{}}, *m)
}

// TestNoCopies: byte slices of a decoded value are the input's, and appending to one does not
// overwrite its neighbour.
func TestNoCopies(t *testing.T) {
	b := AppendBatch(nil, &Batch{Requests: []Request{{Commands: []Command{{Op: OpSet, Key: []byte("key"), Value: []byte("value")}}}}})
	batch, err := DecodeBatch(b)
	require.NoError(t, err)
	c := batch.Requests[0].Commands[0]
	_ = append(c.Key, "overwritten"...)
	require.Equal(t, "value", string(c.Value))
	b[len(b)-1] = '!'
	require.Equal(t, "valu!", string(c.Value))
}

// TestSmall holds the sizes that the layout was drawn for.
func TestSmall(t *testing.T) {
	for _, c := range []struct {
		name string
		most int
		form []byte
	}{
		{"SET of 16 and 100 bytes in a batch", 122, appendWork(nil, &Request{Commands: []Command{sampleSet}}, nil)},
		{"GET", 19, appendCommand(nil, &Command{Op: OpGet, Key: sampleSet.Key}, nil)},
		{"INCR", 20, appendCommand(nil, &Command{Op: OpIncr, Key: sampleSet.Key, Delta: 1}, nil)},
		{"the result of a SET", 2, AppendResult(nil, &Result{Kind: KindOK, Version: 100})},
		{"a heartbeat", 19, appendMessage(nil, sampleHeartbeat(), nil)},
		{"an append of 16 entries of 150 bytes", 24 + 16*153, appendMessage(nil, sampleAppend(), nil)},
	} {
		require.LessOrEqual(t, len(c.form), c.most, c.name)
	}
}

// TestABatchReaderForgets: nothing of a batch shows in the next one that is read into the same memory.
func TestABatchReaderForgets(t *testing.T) {
	long := Batch{Time: 1, Proposer: 2, Number: 3, Victims: []Victim{{4, 5}}, Requests: []Request{
		{Session: Session{Client: 6, Seq: 7, Floor: 7, Retry: true}, Commands: []Command{sampleSet, {Op: OpIncr, Key: []byte("k"), Delta: 8}}},
		{Commands: []Command{sampleSet}},
	}}
	short := Batch{Time: 9, Requests: []Request{{Commands: []Command{{Op: OpGet, Key: []byte("k")}}}}}
	var huge Batch
	for range batchKept + 1 {
		huge.Requests = append(huge.Requests, Request{Commands: []Command{sampleSet}})
	}
	var r BatchReader
	for _, want := range []*Batch{&long, &short, {}, &huge, &short, &long} {
		got, err := r.Read(AppendBatch(nil, want))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.LessOrEqual(t, cap(r.commands), batchKept)
	_, err := r.Read([]byte{1})
	require.ErrorIs(t, err, ErrMalformed)
}

// TestAllocations: a batch is three pieces of memory (itself, its requests, their commands)
// however long it is, and a frame of heartbeats few.
func TestAllocations(t *testing.T) {
	var batch Batch
	for range 100 {
		batch.Requests = append(batch.Requests, Request{Commands: []Command{sampleSet, sampleSet}})
	}
	b := AppendBatch(nil, &batch)
	var kept *Batch
	require.EqualValues(t, 3, testing.AllocsPerRun(10, func() { kept, _ = DecodeBatch(b) }))
	require.Len(t, kept.Requests, 100)
	var again BatchReader
	require.Zero(t, testing.AllocsPerRun(10, func() { kept, _ = again.Read(b) }))
	require.Zero(t, testing.AllocsPerRun(10, func() { b = AppendBatch(b[:0], &batch) }))

	var frame Frame
	for range 64 {
		frame.Messages = append(frame.Messages, sampleHeartbeat())
	}
	b = AppendFrame(nil, &frame)
	require.LessOrEqual(t, testing.AllocsPerRun(10, func() { _, _ = DecodeFrame(b) }), 2.0+64/raftsAtOnce)
}
