package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestCRC16 checks the value by which the cluster specification names the variant, and some
// slots as redis-cli's CLUSTER KEYSLOT gives them.
//
// See https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#appendix-a-crc16-reference-implementation-in-ansi-c
func TestCRC16(t *testing.T) {
	require.EqualValues(t, 0x31C3, CRC16([]byte("123456789")))
	require.EqualValues(t, 0, CRC16(nil))
	for key, slot := range map[string]uint16{"foo": 12182, "bar": 5061, "hello": 866, "somekey": 11058, "foo{hash_tag}": 2515, "bar{hash_tag}": 2515, "": 0} {
		require.Equal(t, slot, Slot([]byte(key)), key)
	}
}

// TestHashTags holds the specification's examples and its corner cases: only the first '{' and
// the first '}' after it count, and an empty tag is none.
func TestHashTags(t *testing.T) {
	for key, hashed := range map[string]string{
		"{user1000}.following": "user1000",
		"{user1000}.followers": "user1000",
		"foo{}{bar}":           "foo{}{bar}",
		"foo{{bar}}zap":        "{bar",
		"foo{bar}{zap}":        "bar",
		"foo":                  "foo",
		"foo{bar":              "foo{bar",
		"foo}bar{":             "foo}bar{",
		"}{a}":                 "a",
		"{}":                   "{}",
		"{a}":                  "a",
	} {
		require.Equal(t, hashed, string(hashTag([]byte(key))), key)
		require.Equal(t, CRC16([]byte(hashed))%SlotCount, Slot([]byte(key)), key)
	}
}

// TestCRC16ByDefinition compares the table with bit by bit division.
func TestCRC16ByDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		var crc uint16
		for _, b := range data {
			crc ^= uint16(b) << 8
			for range 8 {
				carry := crc & 0x8000
				if crc <<= 1; carry != 0 {
					crc ^= 0x1021
				}
			}
		}
		require.Equal(t, crc, CRC16(data))
	})
}

// TestShardsCoverTheSlots: for every number of shards the ranges follow on one another from
// slot 0 to the last, differ in length by one at most, and ShardOf agrees with them.
func TestShardsCoverTheSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards := rapid.IntRange(1, 1024).Draw(t, "shards")
		next, least, most := 0, SlotCount, 0
		for s := ShardID(1); int(s) <= shards; s++ {
			first, last := SlotRange(s, shards)
			require.EqualValues(t, next, first, "shard %d", s)
			require.Equal(t, s, ShardOf(first, shards))
			require.Equal(t, s, ShardOf(last, shards))
			length := int(last) - int(first) + 1
			least, most = min(least, length), max(most, length)
			next = int(last) + 1
		}
		require.Equal(t, SlotCount, next)
		require.LessOrEqual(t, most-least, 1)

		slot := uint16(rapid.IntRange(0, SlotCount-1).Draw(t, "slot"))
		first, last := SlotRange(ShardOf(slot, shards), shards)
		require.True(t, first <= slot && slot <= last, "slot %d in [%d, %d]", slot, first, last)
	})
}
