package wire

import (
	"encoding/hex"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMalformed: what is wrong, and where, is told. Spaces in a form only show its fields.
func TestMalformed(t *testing.T) {
	const header = "02 0100000000000000 02 0300000000000000 04 0500000000000000 " // a frame's, before the count of messages
	type decode func([]byte) error
	frame := func(b []byte) error { _, err := DecodeFrame(b); return err }
	batch := func(b []byte) error { _, err := DecodeBatch(b); return err }
	request := func(b []byte) error { _, err := DecodeRequest(b); return err }
	response := func(b []byte) error { _, err := DecodeResponse(b); return err }
	clusterMap := func(b []byte) error { _, err := DecodeClusterMap(b); return err }
	meta := func(b []byte) error { _, err := DecodeMetaCommand(b); return err }
	for _, c := range []struct {
		decode     decode
		form, says string
	}{
		{frame, "", "frame version at byte 0 of 0: input ends"},
		{frame, "01", "frame version at byte 0 of 1: 1 is not 2"},
		{frame, "02 0000", "frame from at byte 1 of 3: input ends"},
		{frame, header, "frame messages at byte 27 of 27: input ends within a number"},
		{frame, header + "00 00", "end at byte 28 of 29: trailing bytes"},
		{frame, header + "80 00", "frame messages at byte 27 of 29: number is not in its shortest form"},
		{frame, header + "80 80 80 00", "frame messages at byte 27 of 31: number is not in its shortest form"},
		{frame, header + "ffffffffffffffffff 02", "frame messages at byte 27 of 37: number over 64 bits"},
		{frame, header + "ffffffffffffffffff ff 01", "frame messages at byte 27 of 38: number over 64 bits"},
		{frame, header + "ffffffffffffffffff", "frame messages at byte 27 of 36: input ends within a number"},
		{frame, header + "ffffffffffffffffff 01", "frame messages at byte 27 of 37: count goes beyond the input"},
		{frame, header + "02 0b 00", "frame messages at byte 27 of 30: count goes beyond the input"},
		{frame, header + "01 00 00", "message kind at byte 28 of 30: 0 is not known"},
		{frame, header + "01 17 00", "message kind at byte 28 of 30: 23 is not known"},
		{frame, header + "01 0b 05 61", "gossip data at byte 29 of 31: length goes beyond the input"},
		{frame, header + "01 01 8080808010 00", "raft shard at byte 29 of 35: number over 32 bits"},
		{frame, header + "01 01 00 08 80 01 02 03 00", "raft promise at byte 35 of 36: present but zero"},
		{frame, header + "01 01 00 08 01 01 02 03 00", "raft log term at byte 35 of 36: present but zero"},
		{frame, header + "01 01 00 88 00 01 02 03 00", "raft stamp at byte 35 of 36: present but zero"},
		{frame, header + "01 01 00 08 10 01 02 03 00", "raft context at byte 35 of 36: present but empty"},
		{frame, header + "01 01 00 08 20 01 02 03 00", "raft entries at byte 35 of 36: present but empty"},
		{frame, header + "01 01 00 08 20 01 02 03 01 20", "entry head at byte 36 of 37: unknown bits 0x20"},
		{frame, header + "01 01 00 08 20 01 02 03 01 03", "entry kind at byte 36 of 37: not a known kind"},
		{frame, header + "01 01 00 08 20 01 02 03 01 04 03", "entry term at byte 36 of 38: present but as expected"},
		{frame, header + "01 01 00 08 20 01 02 03 01 08 01", "entry index at byte 36 of 38: present but as expected"},
		{frame, header + "01 01 00 08 40 01 02 03 00 00 40", "configuration head at byte 37 of 38: unknown bits 0x40"},
		{frame, header + "01 01 00 08 40 01 02 03 00 00 01 00", "configuration members at byte 38 of 39: present but empty"},
		{frame, header + "01 08 05 02 06", "pledged accept at byte 30 of 32: 2 is none of the 2 known values"},
		{frame, header + "01 09 05 04", "map update head at byte 30 of 31: unknown bits 0x04"},

		{request, "06 03 08 00", "request head at byte 2 of 4: unknown bits 0x08"},
		{request, "06 03 04 00", "request cluster at byte 4 of 4: input ends"},
		{request, "06 03 04 00 0000000000000000", "request cluster at byte 4 of 12: present but zero"},
		{request, "06 03 01 0000000000000000 00 00 00", "session at byte 3 of 14: present but zero"},
		{request, "06 03 00 02 0100", "request commands at byte 3 of 6: count goes beyond the input"},
		{request, "06 03 00 01 1f 00", "command op at byte 4 of 6: 31 is none of the 31 known values"},
		{request, "06 03 00 01 01 01 00", "command key at byte 6 of 7: present but empty"},
		{request, "06 03 00 01 01 04 80 04", "command flags at byte 6 of 8: unknown flags"},
		{request, "06 03 00 01 01 04 00", "command flags at byte 6 of 7: present but zero"},
		{request, "06 03 00 01 01 08 05", "command TTL kind at byte 6 of 7: 5 is none of the 5 known values"},
		{request, "06 03 00 01 01 08 00", "command TTL kind at byte 6 of 7: present but zero"},
		{request, "06 03 00 01 01 40 00 00", "command start and end at byte 6 of 8: present but zero"},

		{batch, "00 00 00 00 01 01 00 00", "batch commands at byte 4 of 8: more than its requests hold"},
		{batch, "00 00 00 00 00 01 00 01 0100", "request commands at byte 7 of 10: more than the batch announced"},
		{batch, "00 00 00 00 00 01 04 00", "request head at byte 6 of 8: unknown bits 0x04"},
		{batch, "00 00 00 05 00", "batch victims at byte 3 of 5: count goes beyond the input"},
		{batch, "00 00 00 00 05 00", "batch commands at byte 4 of 6: count goes beyond the input"},

		{response, "03", "response outcome at byte 0 of 1: not a known outcome"},
		{response, "40", "response head at byte 0 of 1: unknown bits 0x40"},
		{response, "04 0e", "response reason at byte 1 of 2: 14 is none of the 14 known values"},
		{response, "08 0000000000000000", "response leader at byte 1 of 9: present but zero"},
		{response, "20 01 06", "result kind at byte 2 of 3: not a known kind"},
		{response, "20 01 0d 0c", "result code at byte 3 of 4: 12 is none of the 12 known values"},

		{clusterMap, "0000000000000000 00 00 00 00 00 00 00 00 00 00 00 00 00 01", "map members at byte 21 of 22: count goes beyond the input"},
		{clusterMap, "0000000000000000 00 8080808010 00 00 00 00", "map shards at byte 9 of 18: number over 32 bits"},

		{meta, "10 0000", "meta kind at byte 0 of 3: 16 is none of the 16 known values"},
		{meta, "01 0040", "meta presence at byte 1 of 3: unknown bits"},
		{meta, "01 0100 00", "meta shard at byte 3 of 4: present but zero"},
		{meta, "01 1000 03", "meta state at byte 3 of 4: 3 is none of the 3 known values"},
		{meta, "01 0001 00", "meta voters at byte 3 of 4: present but empty"},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(c.form, " ", ""))
		require.NoError(t, err, c.form)
		err = c.decode(b)
		require.ErrorIs(t, err, ErrMalformed, c.form)
		require.Equal(t, ErrMalformed.Error()+": "+c.says, err.Error(), c.form)
	}
}

// TestNoFormForUnknownRaftTypes: a type that would not fit must not turn into another one.
func TestNoFormForUnknownRaftTypes(t *testing.T) {
	require.Panics(t, func() { appendMessage(nil, &Raft{RaftMessage: RaftMessage{Type: raftTypeEnd}}, nil) })
}

// TestMemoryIsBounded gives decoders the most that lists can claim: counts as large as the
// input allows, of items as small as they come, well-formed or cut off at the last moment.
func TestMemoryIsBounded(t *testing.T) {
	const size, most = 1 << 18, 100 // bytes in; bytes allocated for each
	zeroes := make([]byte, size)
	cut := func(b []byte) []byte { return b[:len(b)-1] }
	commands := make([]Command, size/commandMin)
	requests := make([]Request, size/workMin/2)
	results := make([]Result, size)
	frame := func(m Message) []byte { return AppendFrame(nil, &Frame{Messages: []Message{m}}) }
	gossips := Frame{}
	for range size / messageMin {
		gossips.Messages = append(gossips.Messages, &Gossip{})
	}
	entries := &Raft{RaftMessage: RaftMessage{Entries: make([]Entry, size)}}
	for i := range entries.Entries {
		entries.Entries[i].Index = uint64(i + 1)
	}
	for name, c := range map[string]struct {
		form   []byte
		decode func([]byte) error
	}{
		"commands":         {AppendRequest(nil, &Request{Commands: commands}), ignore(DecodeRequest)},
		"commands cut":     {cut(AppendRequest(nil, &Request{Commands: commands})), ignore(DecodeRequest)},
		"commands at most": {AppendRequest(nil, &Request{Commands: commands[:RequestCommands]}), ignore(DecodeRequest)},
		"commands passed":  {frame(&Forward{Request: Request{Commands: commands}}), ignore(DecodeFrame)},
		"batch":            {AppendBatch(nil, &Batch{Requests: append(requests, Request{Commands: commands[:size/4]})}), ignore(DecodeBatch)},
		"results":          {AppendResponse(nil, &Response{Results: results}), ignore(DecodeResponse)},
		"list":             {AppendResult(nil, &Result{List: make([][]byte, size)}), ignore(DecodeResult)},
		"gossips":          {AppendFrame(nil, &gossips), ignore(DecodeFrame)},
		"gossips cut":      {cut(AppendFrame(nil, &gossips)), ignore(DecodeFrame)},
		"entries":          {frame(entries), ignore(DecodeFrame)},
		"voters":           {frame(&Report{Conf: ConfState{Voters: make([]uint64, size)}}), ignore(DecodeFrame)},
		"members":          {frame(&Pledge{Members: make([]Member, size/memberMin)}), ignore(DecodeFrame)},
		"placements":       {AppendClusterMap(nil, &ClusterMap{Placements: make([]Placement, size/placementMin)}), ignore(DecodeClusterMap)},
		"zeroes":           {zeroes, ignore(DecodeBatch)},
		"a count, no more": {append([]byte{0, 0, 0}, 0xff, 0xff, 0xff, 0xff, 0x0f, 0), ignore(DecodeBatch)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = c.decode(c.form)
		runtime.ReadMemStats(&after)
		require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(most*len(c.form)+4096), "%s: %d bytes in", name, len(c.form))
	}
}

func ignore[T any](decode func([]byte) (*T, error)) func([]byte) error {
	return func(b []byte) error {
		_, err := decode(b)
		if err != nil && !errors.Is(err, ErrMalformed) {
			panic(err)
		}
		return err
	}
}

// A request of a client that is within its bytes, and would take fifty times as many, is refused before it does. What another node
// passes on is not: a Redis client's command may have any number of keys.
func TestARequestIsBounded(t *testing.T) {
	r := &Request{Shard: 1, Commands: make([]Command, RequestCommands)}
	for i := range r.Commands {
		r.Commands[i].Op = OpGet
	}
	_, err := DecodeRequest(AppendRequest(nil, r))
	require.NoError(t, err)
	r.Commands = append(r.Commands, r.Commands[0])
	_, err = DecodeRequest(AppendRequest(nil, r))
	require.ErrorContains(t, err, "65537 are more than 65536")
	_, err = DecodeFrame(AppendFrame(nil, &Frame{Messages: []Message{&Forward{Request: *r}}}))
	require.NoError(t, err)
}
