package store

import (
	"bytes"
	"math/big"
	"strings"

	"torc/core/wire"
)

// INCRBYFLOAT computes as Redis does on x86-64, in the 80-bit extended format: 64 bits of
// mantissa, rounded to nearest even, exponents up to 2^16384. It does so in integers
// (math/big), so every processor comes to the same digits.
const (
	floatBits        = 64
	floatExponentMax = 16384  // a number x = m * 2^e with 1/2 <= m < 1 is infinite when e is greater,
	floatExponentMin = -16444 // and rounds to zero when e is less
	floatTextMax     = 5*1024 - 1
)

// incrFloat does INCRBYFLOAT key increment; an absent key counts as 0. It keeps the expiry.
//
// See https://redis.io/docs/latest/commands/incrbyfloat/
func (s *Store) incrFloat(p *place, c *wire.Command) wire.Result {
	x, ok := newFloat(), true
	if p.old != nil {
		x, ok = parseFloat(p.old.value)
	}
	y, incrementOK := parseFloat(c.Value)
	if !ok || !incrementOK {
		return failure(wire.CodeNotFloat)
	}
	if x.IsInf() || y.IsInf() || tooLarge(x.Add(x, y)) {
		return failure(wire.CodeNaN)
	}
	value := formatFloat(x)
	if len(value) > s.cfg.MaxValue {
		return failure(wire.CodeTooLong)
	}
	s.put(p, value, nil, p.expireAt())
	return wire.Result{Kind: wire.KindBytes, Value: value}
}

func newFloat() *big.Float { return new(big.Float).SetPrec(floatBits) } // to nearest even, by default

func tooLarge(x *big.Float) bool { return x.MantExp(nil) > floatExponentMax }

func tooSmall(x *big.Float) bool { return x.Sign() != 0 && x.MantExp(nil) < floatExponentMin }

// formatFloat prints a number as C's "%.17Lf" does, without the zeros at the end.
func formatFloat(x *big.Float) []byte {
	b := x.Append(nil, 'f', 17)
	b = bytes.TrimRight(b, "0")
	b = bytes.TrimSuffix(b, []byte{'.'})
	if string(b) == "-0" {
		return []byte("0")
	}
	return b
}

// parseFloat reads a number as C's strtold does where Redis takes its answer: decimal or
// hexadecimal, or an infinity; no NaN, no space, nothing that overflows or underflows to zero.
func parseFloat(b []byte) (x *big.Float, ok bool) {
	if len(b) > floatTextMax {
		return nil, false
	}
	unsigned, negative := strings.ToLower(string(b)), false
	if unsigned != "" && (unsigned[0] == '-' || unsigned[0] == '+') {
		unsigned, negative = unsigned[1:], unsigned[0] == '-'
	}
	if unsigned == "inf" || unsigned == "infinity" {
		return newFloat().SetInf(negative), true
	}
	if hex, found := strings.CutPrefix(unsigned, "0x"); found {
		x, ok = parseHex(hex)
	} else {
		x, ok = parseDecimal(unsigned)
	}
	if !ok || tooLarge(x) || tooSmall(x) {
		return nil, false
	}
	if negative {
		x.Neg(x)
	}
	return x, true
}

// parseHex reads what follows "0x": digits[.digits][p exponent].
func parseHex(s string) (*big.Float, bool) {
	digits, exponent, ok := cutExponent(s, 'p')
	mantissa, scale, digitsOK := parseDigits(digits, 16)
	if !ok || !digitsOK {
		return nil, false
	}
	x := newFloat().SetInt(mantissa)
	return x.SetMantExp(x, exponent-4*scale), true
}

// parseDecimal reads digits[.digits][e exponent]. The quotient of two integers is rounded once,
// so the result is the nearest number, as glibc's is.
func parseDecimal(s string) (*big.Float, bool) {
	digits, exponent, ok := cutExponent(s, 'e')
	mantissa, scale, digitsOK := parseDigits(digits, 10)
	if !ok || !digitsOK {
		return nil, false
	}
	x := newFloat()
	if mantissa.Sign() == 0 {
		return x, true
	}
	exponent -= scale
	// So far outside the range that it need not be computed: 2^16384 has 4933 digits, and the
	// mantissa has at most floatTextMax.
	if exponent > 5000 || exponent < -5000-floatTextMax {
		return nil, false
	}
	if exponent >= 0 {
		return x.SetInt(mantissa.Mul(mantissa, powerOfTen(exponent))), true
	}
	return x.Quo(exact(mantissa), exact(powerOfTen(-exponent))), true
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// exact is an integer as a number of as many bits as it needs.
func exact(n *big.Int) *big.Float { return new(big.Float).SetInt(n) }

// parseDigits reads digits with at most one point among them; scale is how many follow it.
func parseDigits(s string, base int) (mantissa *big.Int, scale int, ok bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	digits := whole + fraction
	for i := range len(digits) {
		if d := digits[i]; !('0' <= d && d <= '9' || base == 16 && 'a' <= d && d <= 'f') {
			return nil, 0, false
		}
	}
	mantissa, ok = new(big.Int).SetString(digits, base) // not ok: no digits
	return mantissa, len(fraction), ok
}

// cutExponent cuts off an exponent, if there is one. One that is beyond all use is cut to a
// million: still beyond use, and no sum of it overflows.
func cutExponent(s string, mark byte) (digits string, exponent int, ok bool) {
	const most = 1_000_000
	at := strings.IndexByte(s, mark)
	if at < 0 {
		return s, 0, true
	}
	digits, s = s[:at], s[at+1:]
	negative := s != "" && s[0] == '-'
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return "", 0, false
		}
		exponent = min(most, exponent*10+int(s[i]-'0'))
	}
	if negative {
		exponent = -exponent
	}
	return digits, exponent, s != ""
}
