package wire

import "encoding/binary"

// Presence bits of a Command.
const (
	hasKey = 1 << iota
	hasValue
	hasFlags
	hasTTLKind
	hasTTL
	hasDelta
	hasRange
	hasVersion
)

// The least that a command and a result take.
const (
	commandMin = 2
	resultMin  = 1
)

func appendCommand(b []byte, c *Command, apart *Apart) []byte {
	has := bit(len(c.Key) > 0, 0) | bit(len(c.Value) > 0, 1) | bit(c.Flags != 0, 2) | bit(c.TTLKind != 0, 3) |
		bit(c.TTL != 0, 4) | bit(c.Delta != 0, 5) | bit(c.Start|c.End != 0, 6) | bit(c.Version != 0, 7)
	b = append(b, byte(c.Op), has)
	if has&hasKey != 0 {
		b = appendBytes(b, c.Key)
	}
	if has&hasValue != 0 {
		b = apart.bytes(b, c.Value)
	}
	if has&^(hasKey|hasValue) == 0 {
		return b
	}
	if has&hasFlags != 0 {
		b = binary.AppendUvarint(b, uint64(c.Flags))
	}
	if has&hasTTLKind != 0 {
		b = append(b, byte(c.TTLKind))
	}
	if has&hasTTL != 0 {
		b = appendVarint(b, c.TTL)
	}
	if has&hasDelta != 0 {
		b = appendVarint(b, c.Delta)
	}
	if has&hasRange != 0 {
		b = appendVarint(appendVarint(b, c.Start), c.End)
	}
	if has&hasVersion != 0 {
		b = binary.AppendUvarint(b, c.Version)
	}
	return b
}

func (d *decoder) command(c *Command) {
	c.Op = Op(d.enum("command op", byte(opEnd)))
	has := d.byte("command presence")
	if has&hasKey != 0 {
		c.Key = d.someBytes("command key")
	}
	if has&hasValue != 0 {
		c.Value = d.someBytes("command value")
	}
	if has&^(hasKey|hasValue) == 0 {
		return
	}
	if has&hasFlags != 0 {
		at := d.pos
		flags := d.someUvarint("command flags")
		if flags >= uint64(flagEnd) {
			d.fail(at, "command flags", "unknown flags")
		}
		c.Flags = Flags(flags)
	}
	if has&hasTTLKind != 0 {
		c.TTLKind = TTLKind(d.someEnum("command TTL kind", byte(ttlEnd)))
	}
	if has&hasTTL != 0 {
		c.TTL = d.someVarint("command TTL")
	}
	if has&hasDelta != 0 {
		c.Delta = d.someVarint("command delta")
	}
	if has&hasRange != 0 {
		at := d.pos
		c.Start, c.End = d.varint("command start"), d.varint("command end")
		if c.Start|c.End == 0 {
			d.fail(at, "command start and end", "present but zero")
		}
	}
	if has&hasVersion != 0 {
		c.Version = d.someUvarint("command version")
	}
}

// Bits of a Result's head, above its kind.
const (
	resultKindMask = 1<<3 - 1

	hasCode          = 1 << 3
	hasInt           = 1 << 4
	hasResultVersion = 1 << 5
	hasResultValue   = 1 << 6
	hasList          = 1 << 7
)

// AppendResult appends a result's binary form.
func AppendResult(b []byte, r *Result) []byte { return appendResult(b, r, nil) }

func appendResult(b []byte, r *Result, apart *Apart) []byte {
	head := byte(r.Kind) | bit(r.Code != 0, 3) | bit(r.Int != 0, 4) | bit(r.Version != 0, 5) | bit(len(r.Value) > 0, 6) | bit(len(r.List) > 0, 7)
	b = append(b, head)
	if head&hasCode != 0 {
		b = append(b, byte(r.Code))
	}
	if head&hasInt != 0 {
		b = appendVarint(b, r.Int)
	}
	if head&hasResultVersion != 0 {
		b = binary.AppendUvarint(b, r.Version)
	}
	if head&hasResultValue != 0 {
		b = apart.bytes(b, r.Value)
	}
	if head&hasList != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.List)))
		for _, v := range r.List {
			b = appendBytes(b, v)
		}
	}
	return b
}

// DecodeResult reads a result. An empty Value is nil, for KindBytes too: the kind tells it
// from an absent one. Byte slices alias b.
func DecodeResult(b []byte) (*Result, error) {
	d, r := decoder{data: b}, new(Result)
	d.result(r)
	if err := d.end(); err != nil {
		return nil, err
	}
	return r, nil
}

func (d *decoder) result(r *Result) {
	at := d.pos
	head := d.byte("result head")
	r.Kind = ResultKind(head & resultKindMask)
	if r.Kind >= resultEnd {
		d.fail(at, "result kind", "not a known kind")
	}
	if head&hasCode != 0 {
		r.Code = ErrorCode(d.someEnum("result code", byte(codeEnd)))
	}
	if head&hasInt != 0 {
		r.Int = d.someVarint("result integer")
	}
	if head&hasResultVersion != 0 {
		r.Version = d.someUvarint("result version")
	}
	if head&hasResultValue != 0 {
		r.Value = d.someBytes("result value")
	}
	if head&hasList != 0 {
		r.List = someList[[]byte](d, "result list", 1)
		for i := range r.List {
			r.List[i] = d.bytes("result list item")
		}
	}
}
