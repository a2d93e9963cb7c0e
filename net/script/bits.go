package script

import (
	"fmt"
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"
)

// bits is LuaBitOp (https://bitop.luajit.org/api.html): numbers are cut to 32 bits, and results are signed.
func (r *run) bits(l *lua.LState) *lua.LTable {
	shift := func(f func(x uint32, n int) uint32) lua.LGFunction {
		return func(l *lua.LState) int {
			return giveBits(l, f(bitsOf(l, 1), int(bitsOf(l, 2)&31)))
		}
	}
	fold := func(f func(a, b uint32) uint32) lua.LGFunction {
		return func(l *lua.LState) int {
			x := bitsOf(l, 1)
			for i := 2; i <= l.GetTop(); i++ {
				x = f(x, bitsOf(l, i))
			}
			return giveBits(l, x)
		}
	}
	return lib(l, map[string]lua.LGFunction{
		"tobit":   func(l *lua.LState) int { return giveBits(l, bitsOf(l, 1)) },
		"bnot":    func(l *lua.LState) int { return giveBits(l, ^bitsOf(l, 1)) },
		"bswap":   func(l *lua.LState) int { return giveBits(l, bits.ReverseBytes32(bitsOf(l, 1))) },
		"band":    fold(func(a, b uint32) uint32 { return a & b }),
		"bor":     fold(func(a, b uint32) uint32 { return a | b }),
		"bxor":    fold(func(a, b uint32) uint32 { return a ^ b }),
		"lshift":  shift(func(x uint32, n int) uint32 { return x << n }),
		"rshift":  shift(func(x uint32, n int) uint32 { return x >> n }),
		"arshift": shift(func(x uint32, n int) uint32 { return uint32(int32(x) >> n) }),
		"rol":     shift(bits.RotateLeft32),
		"ror":     shift(func(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }),
		"tohex":   toHex,
	})
}

func bitsOf(l *lua.LState, i int) uint32 {
	n, ok := toNumber(l.CheckAny(i))
	if !ok {
		l.TypeError(i, lua.LTNumber)
	}
	return uint32(int64(math.RoundToEven(math.Mod(float64(n), 1<<32))))
}

func giveBits(l *lua.LState, x uint32) int {
	l.Push(lua.LNumber(int32(x)))
	return 1
}

// toHex writes so many hexadecimal digits, in upper case if the number is negative.
func toHex(l *lua.LState) int {
	n := integer(l, 2, 8)
	form := "%0*x"
	if n < 0 {
		n, form = -n, "%0*X"
	}
	n = min(n, 8)
	x := uint64(bitsOf(l, 1)) & (1<<(4*n) - 1)
	if n == 0 {
		l.Push(lua.LString(""))
		return 1
	}
	l.Push(lua.LString(fmt.Sprintf(form, n, x)))
	return 1
}
