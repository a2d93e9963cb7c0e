package torcv1

// The kinds of Packet on Cache.Stream. cache.proto says what each carries.
const (
	PacketRequest     uint32 = 1
	PacketResponse    uint32 = 2
	PacketMapRequest  uint32 = 3
	PacketMapResponse uint32 = 4
	PacketError       uint32 = 5
	PacketBatch       uint32 = 6
	PacketRecall      uint32 = 7
)
