//go:build linux

package store

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMeasureOthers does to redis-server and memcached what TestMeasureResident and TestMeasureOverhead
// do to a store, and says the same figures. It skips what is not installed.
func TestMeasureOthers(t *testing.T) {
	if !*measure {
		t.Skip("only with -measure")
	}
	for _, name := range []string{"redis-server", "memcached"} {
		t.Run(name, func(t *testing.T) {
			o := startOther(t, name)
			random := rand.New(rand.NewPCG(3, 4))
			value := make([]byte, 4096)
			for i := range value {
				value[i] = 'v'
			}
			const keys = 264_000
			sizes := make([]int, keys)
			set := func(i int) {
				sizes[i] = 16 + random.IntN(4081)
				o.set(benchKey(nil, uint64(i)), value[:sizes[i]])
			}
			say := func(what string) {
				o.flush()
				live := int64(0)
				for _, n := range sizes {
					if n > 0 {
						live += 16 + int64(n)
					}
				}
				rss := o.resident() - o.empty
				t.Logf("%s: live %d MB, RSS %d MB, RSS / live %.3f", what, live>>20, rss>>20, float64(rss)/float64(live))
			}
			for i := range keys {
				set(i)
			}
			say("loaded")
			for range 10 * keys {
				set(random.IntN(keys))
			}
			say("after ten rounds of overwriting")
			for i := range keys {
				if random.IntN(5) != 0 {
					o.delete(benchKey(nil, uint64(i)))
					sizes[i] = 0
				}
			}
			o.flush()
			time.Sleep(10 * time.Second)
			say("ten seconds after the shrink")

			o = startOther(t, name)
			for i := range *measureMax {
				o.set(benchKey(nil, uint64(i)), value[:100])
			}
			o.flush()
			t.Logf("%d keys (16 B, 100 B values): %.1f bytes of overhead by RSS", *measureMax, float64(o.resident()-o.empty)/float64(*measureMax)-116)
		})
	}
}

// other is a running server that is not ours.
type other struct {
	t       *testing.T
	pid     int
	redis   bool
	w       *bufio.Writer
	r       *bufio.Reader
	pending int
	empty   int64
}

func startOther(t *testing.T, name string) *other {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name + " is not installed")
	}
	socket := filepath.Join(t.TempDir(), "socket")
	args := []string{"-s", socket, "-m", "16384", "-u", "nobody", "-a", "0777"}
	redis := name == "redis-server"
	if redis {
		args = []string{"--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"}
	} else {
		require.NoError(t, os.Chmod(filepath.Dir(socket), 0o777))
		require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(socket)), 0o777))
	}
	cmd := exec.Command(path, args...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var conn net.Conn
	require.Eventually(t, func() bool {
		conn, err = net.Dial("unix", socket)
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	o := &other{t: t, pid: cmd.Process.Pid, redis: redis, w: bufio.NewWriterSize(conn, 1<<20), r: bufio.NewReader(conn)}
	o.empty = o.resident()
	return o
}

func (o *other) set(key, value []byte) {
	if o.redis {
		fmt.Fprintf(o.w, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n", len(key), key, len(value))
	} else {
		fmt.Fprintf(o.w, "set %s 0 0 %d\r\n", key, len(value))
	}
	_, _ = o.w.Write(value)
	_, _ = o.w.WriteString("\r\n")
	o.sent()
}

func (o *other) delete(key []byte) {
	if o.redis {
		fmt.Fprintf(o.w, "*2\r\n$3\r\nDEL\r\n$%d\r\n%s\r\n", len(key), key)
	} else {
		fmt.Fprintf(o.w, "delete %s\r\n", key)
	}
	o.sent()
}

func (o *other) sent() {
	if o.pending++; o.pending == 100 {
		o.flush()
	}
}

func (o *other) flush() {
	require.NoError(o.t, o.w.Flush())
	for ; o.pending > 0; o.pending-- {
		line, err := o.r.ReadString('\n')
		require.NoError(o.t, err)
		if strings.Contains(strings.ToUpper(line), "ERR") {
			o.t.Fatal(line)
		}
	}
}

func (o *other) resident() int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/statm", o.pid))
	require.NoError(o.t, err)
	defer f.Close()
	all, err := io.ReadAll(f)
	require.NoError(o.t, err)
	n, err := strconv.ParseInt(strings.Fields(string(all))[1], 10, 64)
	require.NoError(o.t, err)
	return n * int64(os.Getpagesize())
}
