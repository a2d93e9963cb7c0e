package wire

// Op is what a command does to one key (or, for the last few, to one shard).
type Op uint8

// The operations. Reads are answered by the leader from memory; the rest travel through
// the log.
const (
	OpNone Op = iota

	// Reads.
	OpGet         // -> Bytes (with Version) or Nil; FlagLoad
	OpStrLen      // -> Int
	OpGetRange    // Start, End as in GETRANGE -> Bytes
	OpExists      // -> Int 0 or 1 (with Version)
	OpType        // -> Bytes "string" or "none"
	OpTTL         // -> Int milliseconds left; -1 without expiry, -2 absent
	OpExpireTime  // -> Int Unix milliseconds; -1 without expiry, -2 absent
	OpScan        // Start = cursor, End = count, Value = MATCH pattern or empty -> List of keys, Int = next cursor (0 at this shard's end)
	OpCount       // -> Int keys in the shard, Version how many of them have an expiry (0 from nodes that do not count them)
	OpCountInSlot // Start = slot -> Int keys in the slot
	OpSlotKeys    // Start = slot, End = count -> List of keys

	// Writes.
	OpSet       // Value, Flags, TTL
	OpDelete    // -> Int 0 or 1
	OpGetDelete // -> Bytes or Nil
	OpGetExpire // TTL (TTLClear persists, TTLKeep only reads) -> Bytes or Nil
	OpAppend    // Value -> Int new length
	OpSetRange  // Start = offset, Value -> Int new length
	OpIncr      // Delta -> Int
	OpIncrFloat // Value = decimal text -> Bytes
	OpExpire    // TTL, Flags NX XX GT LT -> Int 0 or 1
	OpPersist   // -> Int 0 or 1
	OpTouch     // -> Int 0 or 1 (a read for the data, a write for nobody: answered as a read)
	OpFlush     // empties the shard -> OK
	OpTick      // advances log time only; proposed by leaders, never by clients
	OpMeta      // Value = encoded MetaCommand; only for MetaShard
	OpLease     // TTL = milliseconds, Version = what is to be replaced (0 = nothing) -> Int > 0: the lease; < 0: somebody else's ends in so many ms; Bytes: present; Nil: known to be absent for Int ms
	OpFill      // Version = the lease; Value, TTL, or FlagAbsent with TTL -> OK, or Nil when the lease is over
	OpCaching   // Delta = milliseconds for which promises to caching clients are given from here on; 0 = none any more; proposed by leaders only
	OpDropped   // Version = Recall.ID: the client has dropped the key -> OK; for the leader that recalled it, answered by no other
	OpGuard     // Version = what the key must have, 0 = absent -> OK. If it does not, nothing of the request is done: see the end of this file
	opEnd
)

// Flags refine a command.
type Flags uint16

// The flags, named as Redis names them.
const (
	FlagNX      Flags = 1 << iota // only if absent (SET); only if without expiry (EXPIRE)
	FlagXX                        // only if present (SET); only if with expiry (EXPIRE)
	FlagGT                        // only if the new expiry is later
	FlagLT                        // only if the new expiry is earlier
	FlagGet                       // SET ... GET: reply with the old value
	FlagVersion                   // only if the key's version equals Command.Version (0 = absent)
	FlagLoad                      // GET by one who could load the key: Int tells how it stands, see the end of this file
	FlagAbsent                    // FILL: there is no such key, and that is known for TTL ms (0: give the lease back)
	FlagCache                     // GET by one who would keep the answer: Int > 0 says for how many ms, from when it was asked, unless it is recalled
	flagEnd
)

// TTLKind says how Command.TTL is meant.
type TTLKind uint8

// The kinds of TTL.
const (
	TTLNone     TTLKind = iota // no expiry given: SET clears the old one
	TTLKeep                    // leave the key's expiry as it is
	TTLClear                   // take the key's expiry away
	TTLRelative                // TTL milliseconds after the entry's log time
	TTLAbsolute                // TTL is a Unix time in milliseconds
	ttlEnd
)

// Command is one operation on one key.
type Command struct {
	Op      Op
	Flags   Flags
	TTLKind TTLKind
	Key     []byte
	Value   []byte
	TTL     int64  // milliseconds, see TTLKind
	Delta   int64  // OpIncr
	Start   int64  // see the Op
	End     int64  // see the Op
	Version uint64 // FlagVersion
}

// IsWrite reports whether the operation must go through the log.
func (op Op) IsWrite() bool { return op >= OpSet && op < OpDropped && op != OpTouch }

// Valid reports whether op is a known operation.
func (op Op) Valid() bool { return op > OpNone && op < opEnd }

// ResultKind is the shape of a result.
type ResultKind uint8

// The shapes.
const (
	KindNil   ResultKind = iota // absent, or a condition (NX, XX, GT, LT) not met
	KindOK                      // done
	KindInt                     // Int
	KindBytes                   // Value
	KindList                    // List; Int is the next cursor
	KindError                   // Code; the command had no effect
	resultEnd
)

// ErrorCode is why a command had no effect. It is decided by the state machine, so it is
// as final as an answer. The texts are Redis's own (see Text).
type ErrorCode uint8

// The codes.
const (
	CodeNone ErrorCode = iota
	CodeNotInteger
	CodeOverflow
	CodeNotFloat
	CodeNaN
	CodeTooLong
	CodeOffset
	CodeInvalidExpire
	CodeVersion // FlagVersion did not match; Result.Version is the present one
	CodeUnsupported
	CodeOutOfMemory
	CodeGuard // a guard of the request was not met (OpGuard): nothing of it was done
	codeEnd
)

var codeTexts = [codeEnd]string{
	CodeNone:          "",
	CodeNotInteger:    "ERR value is not an integer or out of range",
	CodeOverflow:      "ERR increment or decrement would overflow",
	CodeNotFloat:      "ERR value is not a valid float",
	CodeNaN:           "ERR increment would produce NaN or Infinity",
	CodeTooLong:       "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
	CodeOffset:        "ERR offset is out of range",
	CodeInvalidExpire: "ERR invalid expire time",
	CodeVersion:       "ERR version does not match",
	CodeUnsupported:   "ERR operation not supported by this shard",
	CodeOutOfMemory:   "OOM command not allowed when used memory > 'maxmemory'.",
	CodeGuard:         "ERR a key has not the version that was asked for: nothing of the request was done",
}

// Text is the error as Redis words it.
func (c ErrorCode) Text() string {
	if int(c) < len(codeTexts) {
		return codeTexts[c]
	}
	return "ERR unknown error"
}

// Result is what one command came to.
type Result struct {
	Kind    ResultKind
	Code    ErrorCode
	Int     int64
	Version uint64 // the key's version after the command (0 = absent)
	Value   []byte
	List    [][]byte
}

// What Int tells a reader that could load the key (FlagLoad):
//
//	present   milliseconds until it expires; -1: never, or somebody is loading it anew already
//	absent    > 0: known to be absent for so many milliseconds, there is no use in loading it
//	          < 0: somebody is loading it, for so many milliseconds at most
//	          0: load it (ask for a lease)

// Guards (OpGuard) make a request conditional, on any keys of its shard: before anything of a request is done all its guards are compared, wherever they
// stand in it, with what was before it. If one is not met each command of the request, the guards too, is answered with CodeGuard and has no effect. So what a client
// has read before stands still until its request is done, or the request is not done: that is what Redis's WATCH promises. A guard changes nothing and
// so is a read: a request of guards and reads does not go through the log.
