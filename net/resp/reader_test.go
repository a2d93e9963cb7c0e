package resp

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// cutter is a stream that arrives in pieces.
type cutter struct {
	data []byte
	cut  func() int
}

func (c *cutter) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), max(1, c.cut()))], c.data)
	c.data = c.data[n:]
	return n, nil
}

// parseAll returns every command in a stream, and the error that ends it.
func parseAll(r *reader, src io.Reader) (commands [][]string, err error) {
	for {
		args, err := r.next()
		if err != nil {
			return commands, err
		}
		if args != nil {
			command := make([]string, len(args))
			for i, a := range args {
				command[i] = string(a)
			}
			commands = append(commands, command)
			continue
		}
		if _, err := r.fill(src); err != nil {
			if errors.Is(err, io.EOF) {
				return commands, nil
			}
			return commands, err
		}
	}
}

func whole() int { return math.MaxInt }

func TestReader(t *testing.T) {
	long := strings.Repeat("x", 70000)
	for _, c := range []struct {
		in   string
		want [][]string
		err  string
	}{
		{"PING\r\n", [][]string{{"PING"}}, ""},
		{"PING\nPING\r\n\r\n", [][]string{{"PING"}, {"PING"}}, ""},
		{"SET a \"b c\"\r\n", [][]string{{"SET", "a", "b c"}}, ""},
		{"*1\r\n$4\r\nPING\r\n", [][]string{{"PING"}}, ""},
		{"*2\r\n$4\r\nECHO\r\n$0\r\n\r\nPING\r\n", [][]string{{"ECHO", ""}, {"PING"}}, ""},
		{"*0\r\n*-1\r\nPING\r\n", [][]string{{"PING"}}, ""},
		{"*1\r\n$5\r\na\r\nbc\r\n", [][]string{{"a\r\nbc"}}, ""},
		{"*2\r\n$4\r\nECHO\r\n$70000\r\n" + long + "\r\n", [][]string{{"ECHO", long}}, ""},
		{"*1\r\n$4\r\nPIN", nil, ""},
		{"*x\r\n", nil, "invalid multibulk length"},
		{"*+1\r\n", nil, "invalid multibulk length"},
		{"*1048577\r\n", nil, "invalid multibulk length"},
		{"*1\r\n$-1\r\n", nil, "invalid bulk length"},
		{"*1\r\n$100001\r\n", nil, "invalid bulk length: the argument has 100001 bytes and this node takes 100000. Not applied: give the nodes a larger --max-value, or send less"},
		{"*1\r\n$536870913\r\n", nil, "invalid bulk length"},
		{"*1\r\n*1\r\n", nil, "expected '$', got '*'"},
		{"*1\r\n\xff\r\n", nil, "expected '$', got '\xff'"},
		{"ECHO 'a\r\n", nil, "unbalanced quotes in request"},
		{long, nil, "too big inline request"},
		{long + "\r\n", nil, "too big inline request"},
		{"*" + long, nil, "too big mbulk count string"},
		{"*1\r\n$" + long, nil, "too big bulk count string"},
	} {
		for _, cut := range []func() int{whole, func() int { return 1 }} {
			r := newReader(100000, 1<<20)
			got, err := parseAll(&r, &cutter{[]byte(c.in), cut})
			require.Equal(t, c.want, got, "%.60q", c.in)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.Equal(t, protocolError(c.err), err)
			}
		}
	}
}

func TestReaderLimitsOneCommand(t *testing.T) {
	r := newReader(1<<20, 80_000)
	_, err := parseAll(&r, &cutter{[]byte("*9\r\n" + strings.Repeat("$10000\r\n"+strings.Repeat("x", 10000)+"\r\n", 9)), whole})
	require.ErrorIs(t, err, errQueryTooLarge)
}

// A declared length is a promise that costs the client nothing, so it must cost us nothing.
func TestReaderAllocatesWhatArrives(t *testing.T) {
	const declared = 64 << 20
	total := 0
	for range 1000 {
		r := newReader(declared, 2*declared)
		_, err := parseAll(&r, &cutter{[]byte("*1048576\r\n$" + strconv.Itoa(declared) + "\r\nxxx"), whole})
		require.NoError(t, err)
		total += cap(r.buf) + 16*cap(r.spans)
	}
	require.LessOrEqual(t, total, 1000*chunkMin)

	r := newReader(declared, 2*declared)
	in := "*1\r\n$" + strconv.Itoa(declared) + "\r\n" + strings.Repeat("x", 1<<20)
	_, err := parseAll(&r, &cutter{[]byte(in), func() int { return 5000 }})
	require.NoError(t, err)
	require.LessOrEqual(t, cap(r.buf), 2*len(in)+chunkMax)
}

// While there is memory for it a large argument is received where it stays, in one piece. All connections together
// take no more of that than there is, and give it back.
func TestReaderAllocatesAhead(t *testing.T) {
	const size = 1 << 20
	left := new(ahead)
	left.left.Store(10 * size)
	value := strings.Repeat("v", size)
	command := []byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$" + strconv.Itoa(size) + "\r\n" + value + "\r\n")

	var readers []*reader
	for range 100 { // that say how much will come, and little more
		r := newReader(size, 2*size)
		r.ahead = left
		_, err := parseAll(&r, &cutter{command[:chunkMin+100], whole})
		require.NoError(t, err)
		readers = append(readers, &r)
	}
	total := 0
	for _, r := range readers {
		total += cap(r.buf)
	}
	require.LessOrEqual(t, total, 10*size+100*(2*chunkMin+200))
	require.Less(t, left.left.Load(), int64(size))

	for _, r := range readers { // the rest comes, or the connection ends
		commands, err := parseAll(r, &cutter{command[chunkMin+100:], whole})
		require.NoError(t, err)
		require.Equal(t, [][]string{{"SET", "k", value}}, commands)
	}
	require.EqualValues(t, 10*size, left.left.Load())
}

func TestALargeArgumentIsReceivedWhereItStays(t *testing.T) {
	const size = 1 << 20
	left := new(ahead)
	left.left.Store(2 * size)
	r := newReader(size, 2*size)
	r.ahead = left
	src := &cutter{[]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$" + strconv.Itoa(size) + "\r\n" + strings.Repeat("v", size) + "\r\n"), func() int { return 10_000 }}
	var buffers []*byte
	for {
		args, err := r.next()
		require.NoError(t, err)
		if args != nil {
			break
		}
		_, err = r.fill(src)
		require.NoError(t, err)
		if first := &r.buf[:1][0]; len(buffers) == 0 || buffers[len(buffers)-1] != first {
			buffers = append(buffers, first)
		}
	}
	require.Len(t, buffers, 2, "the first, and that of the value")
	require.Zero(t, r.borrowed)
}

// A long command that comes in small pieces is not copied again and again.
func TestReaderGrowsByDoubling(t *testing.T) {
	in := []byte("*200000\r\n" + strings.Repeat("$5\r\nvalue\r\n", 200000))
	allocs := testing.AllocsPerRun(1, func() {
		r := newReader(1<<20, 64<<20)
		src := &cutter{in, func() int { return 1000 }}
		for {
			args, err := r.next()
			if err != nil || len(args) == 200000 {
				return
			}
			_, _ = r.fill(src)
		}
	})
	require.Less(t, allocs, 200.0)
}

// What was handed out and is held (keep) never changes, however much is read after it.
func TestReaderKeepsWhatIsHeld(t *testing.T) {
	var in strings.Builder
	for i := range 5000 {
		in.WriteString("ECHO value-" + strconv.Itoa(i) + "\r\n")
	}
	r := newReader(1<<20, 1<<20)
	src := &cutter{[]byte(in.String()), func() int { return 777 }}
	var held [][]byte
	for {
		args, err := r.next()
		require.NoError(t, err)
		if args != nil {
			r.keep()
			held = append(held, args[1])
			continue
		}
		if _, err := r.fill(src); err != nil {
			break
		}
	}
	require.Len(t, held, 5000)
	for i, v := range held {
		require.Equal(t, "value-"+strconv.Itoa(i), string(v))
	}
}

func TestParseInt(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "1": 1, "-1": -1, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	} {
		got, ok := parseInt([]byte(in))
		require.True(t, ok, in)
		require.Equal(t, want, got)
	}
	for _, in := range []string{"", "-", "+1", "01", "-0", " 1", "1 ", "1x", "9223372036854775808", "-9223372036854775809", "99999999999999999999"} {
		_, ok := parseInt([]byte(in))
		require.False(t, ok, in)
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"*", "abc", true}, {"a*c", "abbc", true}, {"a*c", "abb", false}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"[abc]x", "bx", true}, {"[^abc]x", "bx", false}, {"[a-c]", "b", true}, {"[c-a]", "b", true}, {"[a-c]", "d", false},
		{`\*`, "*", true}, {`\*`, "a", false}, {`[\]]`, "]", true}, {"**a", "ba", true}, {"", "", true}, {"", "a", false}, {"[", "a", false},
	} {
		require.Equal(t, c.want, glob([]byte(c.pattern), []byte(c.s)), "%s %s", c.pattern, c.s)
	}
	require.False(t, glob([]byte(strings.Repeat("a*", 50)+"b"), []byte(strings.Repeat("a", 5000))))
}

// What a stream says does not depend on how it was cut, nothing panics, and memory stays
// within a small multiple of what has arrived.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\nbc\r\nGET a\r\n", "ECHO \"a\\x41\" 'b'\r\n", "*1\r\n$-1\r\n", "*0\r\nPING\r\n",
		"*2\r\n$4\r\nECHO\r\n$67108864\r\nabc", "*1\r\n*1\r\n$1\r\na\r\n", "ECHO 'x\r\n", "*1000000\r\n$1\r\na\r\n$1\r\nb\r\n",
	} {
		f.Add([]byte(seed), []byte{1, 2, 3}, false)
		f.Add([]byte(seed), []byte{7}, true)
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte, locked bool) {
		parse := func(cut func() int) ([][]string, *reader, error) {
			r := newReader(64<<20, 128<<20)
			r.locked = locked
			commands, err := parseAll(&r, &cutter{in, cut})
			return commands, &r, err
		}
		i := 0
		pieces := func() int {
			if len(cuts) == 0 {
				return 1
			}
			i++
			return int(cuts[i%len(cuts)])
		}
		want, r, wantErr := parse(whole)
		got, s, gotErr := parse(pieces)
		require.Equal(t, want, got)
		require.Equal(t, wantErr, gotErr)
		for _, r := range []*reader{r, s} {
			require.LessOrEqual(t, cap(r.buf), chunkMax+2*len(in))
			require.LessOrEqual(t, cap(r.spans), 16+2*len(in))
		}
	})
}

// A long command's buffer goes with the command, whatever has come of the next one: nothing is claimed for it any more.
func TestTheBufferOfALongCommandGoesWithIt(t *testing.T) {
	const long = 5 << 20 // the buffer was doubled to 8 MiB: the argument was not the last one
	r := newReader(64<<20, 256<<20)
	text := fmt.Sprintf("*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n$2\r\nEX\r\n$2\r\n10\r\n*", long, strings.Repeat("v", long))
	src := strings.NewReader(text)
	args, err := r.next()
	for ; args == nil; args, err = r.next() {
		require.NoError(t, err)
		_, err := r.fill(src)
		require.NoError(t, err)
	}
	require.Len(t, args, 5)
	args, err = r.next()
	require.NoError(t, err)
	require.Nil(t, args)
	_, err = r.fill(src)
	require.Error(t, err, "there is no more")
	require.LessOrEqual(t, cap(r.buf), chunkMax)
	for _, arg := range r.args {
		require.Nil(t, arg, "it holds on to the buffer")
	}
	require.Equal(t, "*", string(r.buf[r.start:]))
}
