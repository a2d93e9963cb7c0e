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

// CRC16 is the XMODEM variant (polynomial 0x1021, initial value 0) that Redis Cluster uses. Every key is hashed so several
// times on its way: four bytes go at a time.
func CRC16(data []byte) (crc uint16) {
	t := &crc16Tables
	for ; len(data) >= 4; data = data[4:] {
		crc = t[3][byte(crc>>8)^data[0]] ^ t[2][byte(crc)^data[1]] ^ t[1][data[2]] ^ t[0][data[3]]
	}
	for _, b := range data {
		crc = crc<<8 ^ t[0][byte(crc>>8)^b]
	}
	return crc
}

// crc16Tables are what a byte comes to with none, one, two and three others behind it.
var crc16Tables = func() (tables [4][256]uint16) {
	for i := range 256 {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		tables[0][i] = crc
	}
	for n := 1; n < len(tables); n++ {
		for i, crc := range tables[n-1] {
			tables[n][i] = crc<<8 ^ tables[0][crc>>8]
		}
	}
	return tables
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
