package wire

import "bytes"

// SlotCount is the number of hash slots, as Redis Cluster counts them.
const SlotCount = 16384

// Slot returns the hash slot of a key: CRC16(hash tag) mod 16384. The hash tag is what
// stands between the first '{' and the first '}' after it, when that is not empty;
// otherwise it is the whole key.
//
// See https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
func Slot(key []byte) uint16 {
	return CRC16(hashTag(key)) % SlotCount
}

func hashTag(key []byte) []byte {
	open := bytes.IndexByte(key, '{')
	if open < 0 {
		return key
	}
	length := bytes.IndexByte(key[open+1:], '}')
	if length <= 0 {
		return key
	}
	return key[open+1 : open+1+length]
}

// CRC16 is the XMODEM variant (polynomial 0x1021, initial value 0) that Redis Cluster uses.
func CRC16(data []byte) uint16 {
	var crc uint16
	for _, b := range data {
		crc = crc<<8 ^ crc16Table[byte(crc>>8)^b]
	}
	return crc
}

var crc16Table = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		table[i] = crc
	}
	return table
}()

// ShardOf returns the data shard that owns a slot when the key space is cut into shards
// contiguous ranges of slots as equal as possible. Data shards count from 1.
func ShardOf(slot uint16, shards int) ShardID {
	return ShardID(int(slot)*shards/SlotCount) + 1
}

// SlotRange returns the first and the last slot of a data shard.
func SlotRange(shard ShardID, shards int) (first, last uint16) {
	i := int(shard) - 1
	lo := (i*SlotCount + shards - 1) / shards
	hi := ((i+1)*SlotCount+shards-1)/shards - 1
	return uint16(lo), uint16(hi)
}
