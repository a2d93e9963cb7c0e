package load

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	get = Op{Read: true, Key: "k", Value: []byte("abc")}
	set = Op{Key: "k", Value: []byte("abc")}
)

const (
	respGet = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
	respSet = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nabc\r\n"
)

// TestRESPIsWritten: what goes out, byte for byte.
func TestRESPIsWritten(t *testing.T) {
	require.Equal(t, respGet, string(appendOp(nil, &get)))
	require.Equal(t, respSet, string(appendOp(nil, &set)))
}

// TestRESPAnswersAreJudged: only the right answer counts, and one wrong answer does not spoil its neighbours.
func TestRESPAnswersAreJudged(t *testing.T) {
	wait := len(waitCommand)
	for name, c := range map[string]struct {
		batch  []Op
		wait   Wait
		read   int
		answer string
		want   []error // nil, or what the error is
	}{
		"a value":                  {[]Op{get}, NoWait, len(respGet), "$3\r\nabc\r\n", []error{nil}},
		"a miss":                   {[]Op{get, get}, NoWait, 2 * len(respGet), "$-1\r\n$3\r\nabc\r\n", []error{ErrMiss, nil}},
		"a short value":            {[]Op{get, get}, NoWait, 2 * len(respGet), "$2\r\nab\r\n$3\r\nabc\r\n", []error{ErrLength, nil}},
		"a refusal":                {[]Op{set, get}, NoWait, len(respSet) + len(respGet), "-OOM no\r\n$3\r\nabc\r\n", []error{serverError{"OOM no"}, nil}},
		"not RESP":                 {[]Op{get, get}, NoWait, 2 * len(respGet), "?!\r\n$3\r\nabc\r\n", []error{ErrProtocol, ErrProtocol}},
		"a length that is none":    {[]Op{get}, NoWait, len(respGet), "$x\r\nabc\r\n", []error{ErrProtocol}},
		"the end too early":        {[]Op{get, get}, NoWait, 2 * len(respGet), "$3\r\nabc\r\n", []error{nil, io.ErrUnexpectedEOF}},
		"one replica":              {[]Op{set, get}, WaitEach, len(respSet) + wait + len(respGet), "+OK\r\n:1\r\n$3\r\nabc\r\n", []error{nil, nil}},
		"no replica":               {[]Op{set, set}, WaitEach, 2 * (len(respSet) + wait), "+OK\r\n:0\r\n+OK\r\n:2\r\n", []error{ErrUnacked, nil}},
		"refused, and waited":      {[]Op{set}, WaitEach, len(respSet) + wait, "-OOM no\r\n:0\r\n", []error{serverError{"OOM no"}}},
		"one WAIT for all":         {[]Op{set, set}, WaitBatch, 2*len(respSet) + wait, "+OK\r\n+OK\r\n:1\r\n", []error{nil, nil}},
		"no replica for any":       {[]Op{set, set}, WaitBatch, 2*len(respSet) + wait, "+OK\r\n+OK\r\n:0\r\n", []error{ErrUnacked, ErrUnacked}},
		"no WAIT where no SET was": {[]Op{get}, WaitBatch, len(respGet), "$3\r\nabc\r\n", []error{nil}},
	} {
		t.Run(name, func(t *testing.T) {
			callers, err := RESP{Addrs: []string{scripted(t, c.read, c.answer)}, Wait: c.wait}.Open(1)
			require.NoError(t, err)
			judge1(t, callers[0], c.batch, c.want)
		})
	}
}

func TestMemcachedAnswersAreJudged(t *testing.T) {
	const memGet, memSet = "get k\r\n", "set k 0 0 3\r\nabc\r\n"
	require.Equal(t, memGet, string(appendMemcached(nil, &get)))
	require.Equal(t, memSet, string(appendMemcached(nil, &set)))
	for name, c := range map[string]struct {
		batch  []Op
		read   int
		answer string
		want   []error
	}{
		"stored and read":   {[]Op{set, get}, len(memSet) + len(memGet), "STORED\r\nVALUE k 0 3\r\nabc\r\nEND\r\n", []error{nil, nil}},
		"a miss":            {[]Op{get, get}, 2 * len(memGet), "END\r\nVALUE k 0 3\r\nabc\r\nEND\r\n", []error{ErrMiss, nil}},
		"a short value":     {[]Op{get, get}, 2 * len(memGet), "VALUE k 0 2\r\nab\r\nEND\r\nEND\r\n", []error{ErrLength, ErrMiss}},
		"not stored":        {[]Op{set}, len(memSet), "SERVER_ERROR out of memory\r\n", []error{ErrProtocol}},
		"the end too early": {[]Op{get, get}, 2 * len(memGet), "END\r\n", []error{ErrMiss, io.ErrUnexpectedEOF}},
	} {
		t.Run(name, func(t *testing.T) {
			callers, err := Memcached{Addr: scripted(t, c.read, c.answer)}.Open(1)
			require.NoError(t, err)
			judge1(t, callers[0], c.batch, c.want)
		})
	}
}

func judge1(t *testing.T, c Caller, batch []Op, want []error) {
	defer c.Close()
	c.Do(batch)
	for i, w := range want {
		if w == nil {
			require.NoError(t, batch[i].Err, "request %d", i)
		} else {
			require.ErrorIs(t, batch[i].Err, w, "request %d", i)
		}
	}
}

func TestParseInt(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "17": 17, "-1": -1} {
		n, err := parseInt([]byte(text))
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	for _, text := range []string{"", "-", "x", "1x", "99999999999999999999"} {
		_, err := parseInt([]byte(text))
		require.ErrorIs(t, err, ErrProtocol, text)
	}
}
