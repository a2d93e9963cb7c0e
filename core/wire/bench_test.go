package wire

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Our form against raft's own protobuf, for the two messages that are nearly all of the
// traffic. In both directions ours reuses the buffer it writes into, and so does proto's.
//
//	go test ./core/wire -run - -bench . -benchtime 200ms
//
// The sketch beforehand: a varint costs about 1 ns, a presence test less, an allocation 20 to
// 40. So: a heartbeat 15 ns out and 50 in; an append of 16 entries 150 ns out (2.4 KB to copy)
// and 250 in; protobuf, with a pointer for each field and reflection's tables, 5 to 10 times that.

func benchmarkEncode(b *testing.B, encode func([]byte) []byte) {
	buf := encode(nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = encode(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}

func benchmarkDecode(b *testing.B, form []byte, decode func([]byte) error) {
	b.SetBytes(int64(len(form)))
	b.ReportAllocs()
	for b.Loop() {
		if err := decode(form); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRaft(b *testing.B) {
	for _, c := range []struct {
		name string
		m    *Raft
	}{{"heartbeat", sampleHeartbeat()}, {"append16x150", sampleAppend()}} {
		b.Run(c.name+"/wire/encode", func(b *testing.B) {
			benchmarkEncode(b, func(buf []byte) []byte { return appendMessage(buf, c.m, nil) })
		})
		form := appendMessage(nil, c.m, nil)
		b.Run(c.name+"/wire/decode", func(b *testing.B) {
			var one [1]Message
			benchmarkDecode(b, form, func(form []byte) error {
				d := decoder{data: form}
				d.messages(one[:])
				return d.end()
			})
		})
		pb := protoOf(c.m)
		b.Run(c.name+"/proto/encode", func(b *testing.B) {
			benchmarkEncode(b, func(buf []byte) []byte {
				buf, err := proto.MarshalOptions{}.MarshalAppend(buf, pb)
				if err != nil {
					b.Fatal(err)
				}
				return buf
			})
		})
		form, err := proto.Marshal(pb)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name+"/proto/decode", func(b *testing.B) {
			benchmarkDecode(b, form, func(form []byte) error { return proto.Unmarshal(form, new(raftpb.Message)) })
		})
	}
}

// protoOf is the message as raft has it; the Stamp takes the place of the Context, as it would
// have to.
func protoOf(m *Raft) *raftpb.Message {
	number := func(v uint64) *uint64 { return &v }
	pb := &raftpb.Message{Type: raftpb.MessageType(m.Type).Enum(), To: number(uint64(m.To)), From: number(uint64(m.From)), Term: &m.Term,
		Commit: &m.Commit, Context: appendID(nil, uint64(m.Stamp))}
	if m.LogTerm != 0 {
		pb.LogTerm, pb.Index = &m.LogTerm, &m.Index
	}
	for _, e := range m.Entries {
		pb.Entries = append(pb.Entries, &raftpb.Entry{Term: number(e.Term), Index: number(e.Index), Data: e.Data})
	}
	return pb
}

func BenchmarkHeartbeatFrame(b *testing.B) {
	f := &Frame{From: 0xa1, FromIncarnation: 5, To: 0xa2, ToIncarnation: 6, Cluster: 0xc1}
	for range 64 {
		f.Messages = append(f.Messages, sampleHeartbeat())
	}
	b.Run("encode", func(b *testing.B) {
		benchmarkEncode(b, func(buf []byte) []byte { return AppendFrame(buf, f) })
	})
	b.Run("decode", func(b *testing.B) {
		benchmarkDecode(b, AppendFrame(nil, f), func(form []byte) error { _, err := DecodeFrame(form); return err })
	})
}

func BenchmarkSet(b *testing.B) {
	b.Run("encode", func(b *testing.B) {
		benchmarkEncode(b, func(buf []byte) []byte { return appendCommand(buf, &sampleSet, nil) })
	})
	b.Run("decode", func(b *testing.B) {
		benchmarkDecode(b, appendCommand(nil, &sampleSet, nil), func(form []byte) error {
			var c Command
			d := decoder{data: form}
			d.command(&c)
			return d.end()
		})
	})
	batch := &Batch{Time: 1_700_000_000_000, Proposer: 130, Number: 70_000}
	for range 32 {
		batch.Requests = append(batch.Requests, Request{Commands: []Command{sampleSet}})
	}
	b.Run("batch32/encode", func(b *testing.B) {
		benchmarkEncode(b, func(buf []byte) []byte { return AppendBatch(buf, batch) })
	})
	b.Run("batch32/decode", func(b *testing.B) {
		benchmarkDecode(b, AppendBatch(nil, batch), func(form []byte) error { _, err := DecodeBatch(form); return err })
	})
}

func BenchmarkSlot(b *testing.B) {
	for b.Loop() {
		Slot(sampleSet.Key)
	}
}
