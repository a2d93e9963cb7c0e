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

// AnswerMaxHeader is the metadata with which a client says, as it opens a Stream, how many bytes a message may have that it gets.
// What would be longer is refused with the reason too large, or for a write has an unknown outcome with that reason.
const AnswerMaxHeader = "torc-answer-max"
