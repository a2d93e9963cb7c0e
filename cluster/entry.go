package cluster

import (
	"torc/core/router"
	"torc/core/wire"
)

// entryMost is how many bytes writes share an entry for. Beyond it another entry costs next to nothing beside them; and what gathers
// while a shard has no leader has no bound, but a frame has: an entry that is longer would stay at the head of the log for ever. A write
// that is larger goes alone (wire.RequestMax bounds it).
const entryMost = 16 << 20

// shareEntry divides writes into those that share the next entry, at least one, and the others.
func shareEntry(calls []*router.Call) (now, later []*router.Call) {
	bytes := calls[0].Bytes()
	for i := 1; i < len(calls); i++ {
		if bytes += calls[i].Bytes(); bytes > entryMost {
			return calls[:i:i], calls[i:]
		}
	}
	return calls, nil
}

// entryKept is the size of the largest buffer that a lane keeps to write entries in: for a value of 1 MiB, and some.
const entryKept = 2 << 20

// victimMost is how long one is in an entry.
const victimMost = 20

// roomForEntry is where an entry is written: the buffer that the lane keeps, or, for several commands that are too long for it together, one that has room for all.
// To append to it would make it larger by a quarter at a time, and copy each time what is there: four times as many bytes, while the lane does nothing else. (What is
// long and alone is appended in one step, into memory that nobody has to clear before.)
func roomForEntry(kept []byte, b *wire.Batch, calls []*router.Call) []byte {
	if len(calls) == 0 || len(calls) == 1 && len(calls[0].Commands) == 1 {
		return kept
	}
	bytes := int64(len(b.Victims)) * victimMost
	for _, c := range calls {
		bytes += c.Bytes()
	}
	if bytes <= entryKept {
		return kept
	}
	return make([]byte, 0, bytes)
}
