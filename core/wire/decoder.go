package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// decoder reads a binary form from its front. The first thing that is wrong sticks: from then
// on every read returns zero, so a caller may check err once at its end. Byte slices alias
// data.
type decoder struct {
	data []byte
	pos  int
	err  error
}

// fail notes what is wrong with the field at byte at.
func (d *decoder) fail(at int, field, wrong string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s at byte %d of %d: %s", ErrMalformed, field, at, len(d.data), wrong)
	}
	d.pos = len(d.data)
}

// end checks that nothing is left and returns what went wrong.
func (d *decoder) end() error {
	if d.err == nil && d.pos < len(d.data) {
		d.fail(d.pos, "end", "trailing bytes")
	}
	return d.err
}

func (d *decoder) left() int { return len(d.data) - d.pos }

func (d *decoder) byte(field string) byte {
	if d.pos >= len(d.data) {
		d.fail(d.pos, field, "input ends")
		return 0
	}
	d.pos++
	return d.data[d.pos-1]
}

// enum reads a byte below end.
func (d *decoder) enum(field string, end byte) byte {
	v := d.byte(field)
	if v >= end {
		d.fail(d.pos-1, field, fmt.Sprintf("%d is none of the %d known values", v, end))
	}
	return v
}

// someEnum is enum for a field with a presence bit.
func (d *decoder) someEnum(field string, end byte) byte {
	v := d.enum(field, end)
	if v == 0 {
		d.fail(d.pos-1, field, "present but zero")
	}
	return v
}

func (d *decoder) bool(field string) bool { return d.enum(field, 2) == 1 }

// bits reads a byte in which only the bits of mask may be set.
func (d *decoder) bits(field string, mask byte) byte {
	v := d.byte(field)
	if v&^mask != 0 {
		d.fail(d.pos-1, field, fmt.Sprintf("unknown bits %#02x", v&^mask))
	}
	return v
}

// uvarint has the two shortest forms in line: they are nearly all of the numbers.
func (d *decoder) uvarint(field string) uint64 {
	b := d.data[d.pos:]
	if len(b) > 0 && b[0] < 0x80 {
		d.pos++
		return uint64(b[0])
	}
	if len(b) > 1 && b[1] < 0x80 && b[1] != 0 {
		d.pos += 2
		return uint64(b[0]&0x7f) | uint64(b[1])<<7
	}
	return d.longUvarint(field)
}

// uvarintMax is the length of the longest number: nine times 7 bits, and one.
const uvarintMax = 10

func (d *decoder) longUvarint(field string) uint64 {
	b := d.data[d.pos:]
	if len(b) > uvarintMax {
		b = b[:uvarintMax]
	}
	var v uint64
	for i, c := range b {
		if c >= 0x80 {
			v |= uint64(c&0x7f) << (7 * i & 63)
			continue
		}
		if i == uvarintMax-1 && c > 1 {
			break
		}
		if c == 0 && i > 0 {
			d.fail(d.pos, field, "number is not in its shortest form")
			return 0
		}
		d.pos += i + 1
		return v | uint64(c)<<(7*i&63)
	}
	if len(b) == uvarintMax {
		d.fail(d.pos, field, "number over 64 bits")
	} else {
		d.fail(d.pos, field, "input ends within a number")
	}
	return 0
}

// someUvarint is uvarint for a field with a presence bit.
func (d *decoder) someUvarint(field string) uint64 {
	at := d.pos
	v := d.uvarint(field)
	if v == 0 {
		d.fail(at, field, "present but zero")
	}
	return v
}

func (d *decoder) uint32(field string) uint32 {
	at := d.pos
	v := d.uvarint(field)
	if v > math.MaxUint32 {
		d.fail(at, field, "number over 32 bits")
	}
	return uint32(v)
}

// someUint32 is uint32 for a field with a presence bit.
func (d *decoder) someUint32(field string) uint32 {
	at := d.pos
	v := d.uint32(field)
	if v == 0 {
		d.fail(at, field, "present but zero")
	}
	return v
}

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

func (d *decoder) varint(field string) int64     { return unzigzag(d.uvarint(field)) }
func (d *decoder) someVarint(field string) int64 { return unzigzag(d.someUvarint(field)) }

func (d *decoder) id(field string) uint64 {
	if d.left() < 8 {
		d.fail(d.pos, field, "input ends")
		return 0
	}
	d.pos += 8
	return binary.LittleEndian.Uint64(d.data[d.pos-8:])
}

// someID is id for a field with a presence bit.
func (d *decoder) someID(field string) uint64 {
	at := d.pos
	v := d.id(field)
	if v == 0 {
		d.fail(at, field, "present but zero")
	}
	return v
}

func (d *decoder) bytes(field string) []byte {
	at := d.pos
	n := d.uvarint(field)
	if n == 0 {
		return nil
	}
	if n > uint64(d.left()) {
		d.fail(at, field, "length goes beyond the input")
		return nil
	}
	start := d.pos
	d.pos += int(n)
	return d.data[start:d.pos:d.pos]
}

// someBytes is bytes for a field with a presence bit.
func (d *decoder) someBytes(field string) []byte {
	at := d.pos
	v := d.bytes(field)
	if v == nil {
		d.fail(at, field, "present but empty")
	}
	return v
}

func (d *decoder) string(field string) string { return string(d.bytes(field)) }

// count reads the length of a list whose items take at least size bytes each. It vouches for
// the memory: a list longer than the input could hold is refused before it is allocated.
func (d *decoder) count(field string, size int) int {
	at := d.pos
	n := d.uvarint(field)
	if n > uint64(d.left()/size) {
		d.fail(at, field, "count goes beyond the input")
		return 0
	}
	return int(n)
}

// someCount is count for a list with a presence bit.
func (d *decoder) someCount(field string, size int) int {
	at := d.pos
	n := d.count(field, size)
	if n == 0 {
		d.fail(at, field, "present but empty")
	}
	return n
}

// list makes room for the items that a count announces, of at least size bytes each; the
// caller reads them in. (Passing it a function that reads one would move every decoder to the
// heap.) An empty list is nil.
func list[T any](d *decoder, field string, size int) []T {
	if n := d.count(field, size); n > 0 {
		return make([]T, n)
	}
	return nil
}

// someList is list for a field with a presence bit.
func someList[T any](d *decoder, field string, size int) []T {
	if n := d.someCount(field, size); n > 0 {
		return make([]T, n)
	}
	return nil
}

func uvarints[T ~uint64](d *decoder, field string) []T {
	items := list[T](d, field, 1)
	for i := range items {
		items[i] = T(d.uvarint(field))
	}
	return items
}

// someUvarints is uvarints for a field with a presence bit.
func someUvarints[T ~uint64](d *decoder, field string) []T {
	at := d.pos
	items := uvarints[T](d, field)
	if items == nil {
		d.fail(at, field, "present but empty")
	}
	return items
}
