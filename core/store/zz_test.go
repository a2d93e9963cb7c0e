package store

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"torc/core/slab"
	"torc/core/wire"
	"torc/net/pages"
)

func TestZZ(t *testing.T) {
	for _, n := range []int{1_000_000} {
		s := New(Config{Pages: new(pages.Source)})
		l := newLoader(s)
		value := make([]byte, 100)
		var key []byte
		for i := range n {
			key = benchKey(key, uint64(i))
			l.add(wire.Command{Op: wire.OpSet, Key: key, Value: value})
		}
		l.flush()
		b, _ := os.ReadFile("/proc/self/smaps_rollup")
		for _, line := range strings.Split(string(b), "\n") {
			if strings.HasPrefix(line, "AnonHuge") || strings.HasPrefix(line, "Rss") {
				t.Log(line)
			}
		}
		random := rand.New(rand.NewPCG(1, 2))
		const rounds = 60_000
		sum := uint64(0)
		x := &s.keys.index
		best := map[string]time.Duration{}
		run := func(name string, f func()) {
			d := timed(rounds, f)
			if best[name] == 0 || d < best[name] {
				best[name] = d
			}
		}
		var refs slab.Ref
		for range 25 {
			run("0 order", func() {
				for range rounds {
					key = benchKey(key, random.Uint64N(uint64(n)))
					sum += HashOf(key)
				}
			})
			run("1 dir", func() {
				for range rounds {
					key = benchKey(key, random.Uint64N(uint64(n)))
					o := HashOf(key)
					sl := x.slot(o)
					refs += sl.leaves[sl.bucket(tagOf(o))]
				}
			})
			run("2 header", func() {
				for range rounds {
					key = benchKey(key, random.Uint64N(uint64(n)))
					o := HashOf(key)
					sl := x.slot(o)
					sum += uint64(x.header(sl.leaves[sl.bucket(tagOf(o))]).count) & 1
				}
			})
			run("4 find", func() {
				for range rounds {
					key = benchKey(key, random.Uint64N(uint64(n)))
					s.find(key, HashOf(key))
				}
			})
			run("5 get", func() {
				var cmds [1]wire.Command
				for range rounds {
					key = benchKey(key, random.Uint64N(uint64(n)))
					cmds[0] = wire.Command{Op: wire.OpGet, Key: key}
					s.Read(cmds[:], 0)
				}
			})
			run("6 set", func() {
				for range rounds {
					key = benchKey(key, random.Uint64N(uint64(n)))
					p := s.locate(key, HashOf(key))
					s.put(&p, value, nil, 0)
				}
			})
			run("7 apply", func() {
				for range rounds {
					key = benchKey(key, random.Uint64N(uint64(n)))
					l.add(wire.Command{Op: wire.OpSet, Key: key, Value: value})
				}
			})
		}
		t.Log(n, best, sum+uint64(refs))
		s.Close()
	}
}
