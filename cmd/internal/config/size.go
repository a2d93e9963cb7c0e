package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

var errSize = errors.New("want a size such as 65536, 64KiB or 1.5GiB")

// sizeUnits has the longer suffixes first: 1kib ends in b too.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"b", 1}, {"", 1},
}

// ParseSize reads a size such as 65536, 64KiB, 64 kb or 1.5GiB. KB, MB and GB count in 1000s, KiB,
// MiB and GiB in 1024s; K, M and G alone too, as the memory limits of containers are often
// written. Parts of a byte are cut off.
func ParseSize(text string) (Size, error) {
	low := strings.ToLower(strings.TrimSpace(text))
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(low, u.suffix); ok {
			return scaled(strings.TrimSpace(number), u.bytes)
		}
	}
	return 0, errSize
}

func scaled(number string, unit int64) (Size, error) {
	if strings.Trim(number, "0123456789.") != "" { // no signs, exponents, hexadecimal or infinity
		return 0, errSize
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n > math.MaxInt64/unit {
			return 0, errSize
		}
		return Size(n * unit), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f*float64(unit) >= 1<<62 {
		return 0, errSize
	}
	return Size(f * float64(unit)), nil
}

// String writes the size with the largest unit that leaves it whole. ParseSize reads it back.
func (s Size) String() string {
	for _, u := range []struct {
		name  string
		bytes Size
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
