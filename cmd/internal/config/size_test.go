package config

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "64b": 64, "64B": 64, "1k": 1024, "1K": 1024, "1KiB": 1024, "1kib": 1024, "1KB": 1000, "1 kB": 1000, " 2MiB ": 2 << 20,
		"1mb": 1e6, "3G": 3 << 30, "3GB": 3e9, "1.5GiB": 3 << 29, "0.5k": 512, "9223372036854775807": math.MaxInt64,
	} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "KiB", "-1", "+1", "1e3", "0x10", "1_000", "inf", "nan", "1.2.3", ".", "1TiB", "1 k b", "many", "9223372036854775808", "9007199254740992KiB", "8589934592GiB"} {
		_, err := ParseSize(text)
		require.ErrorIs(t, err, errSize, text)
	}
}

// A size is read back as it was written.
func TestSizeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Size(rapid.Int64Range(0, math.MaxInt64>>30).Draw(t, "count")) << rapid.SampledFrom([]int{0, 10, 20, 30}).Draw(t, "unit")
		got, err := ParseSize(s.String())
		if err != nil || got != s {
			t.Fatalf("%d is written %s and read as %d (%v)", int64(s), s, int64(got), err)
		}
	})
}
