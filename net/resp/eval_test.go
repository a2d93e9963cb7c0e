package resp

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"torc/core/wire"
	"torc/net/script"
)

// replies is what is answered to a request.
func replies(t *testing.T, s *Server, request string) string {
	return strings.TrimSuffix(roundTrip(t, s, request), "+OK\r\n") // to QUIT
}

// A script reads its keys in one request, and writes in another that depends on those that it has used.
func TestAScriptIsTwoRequests(t *testing.T) {
	n := newFakeNode(1)
	asked := calls(n)
	replies(t, serve(t, n), "SET {k} 1\r\nEVAL \"redis.call('incr', KEYS[1]) return redis.call('get', KEYS[1])\" 2 {k} {k}unused\r\nGET {k}\r\n"+
		"EVAL \"return redis.call('get', KEYS[1])\" 1 {k}\r\nEVAL \"return redis.call('set', KEYS[1], 2, 'NX')\" 1 {k}\r\nEVAL \"return 1\" 0\r\n")
	three := func(key string) string {
		return strings.Join([]string{"read " + key, "read " + key, "read " + key}, ", ")
	}
	require.Equal(t, []string{
		"write {k}", three("{k}") + ", " + three("{k}unused"), "guard {k}, write {k}", "read {k}", three("{k}"), three("{k}"),
	}, asked())
}

const incrTwice = "EVAL \"redis.call('incr', KEYS[1]) return redis.call('incr', KEYS[1])\" 1 {k}\r\n"

// between has something happen to a node between a script's reads and its writes, so many times.
func between(n *fakeNode, times int, happen func()) {
	n.submit = func(call *wire.Call) {
		if call.Commands[0].Op == wire.OpGuard && times > 0 {
			times--
			happen()
		}
		n.answer(call)
	}
}

func (n *fakeNode) incr(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.apply(0, &wire.Command{Op: wire.OpIncr, Key: []byte(key), Delta: 10})
}

// A key that somebody changes meanwhile is read again, and the script run again: it adds to what is there then.
func TestAScriptThatIsOvertakenBeginsAnew(t *testing.T) {
	n := newFakeNode(1)
	between(n, 3, func() { n.incr("{k}") })
	require.Equal(t, ":32\r\n$2\r\n32\r\n", replies(t, serve(t, n), incrTwice+"GET {k}\r\n"))
}

// Keys that it only names are nobody's business.
func TestAScriptDependsOnWhatItUses(t *testing.T) {
	n := newFakeNode(1)
	between(n, 1, func() { n.incr("{k}other") })
	asked := n.submitted.Load()
	require.Equal(t, ":1\r\n", replies(t, serve(t, n), "EVAL \"return redis.call('incr', KEYS[1])\" 2 {k} {k}other\r\n"))
	require.Equal(t, int64(2), n.submitted.Load()-asked)
}

// That goes for each key that it uses, whatever for.
func TestAScriptDependsOnAllThatItUses(t *testing.T) {
	const script = "EVAL \"local b = redis.call('mget', KEYS[1], KEYS[2])[2] redis.call('set', KEYS[1], b or 'none') return redis.call('exists', KEYS[3])\" 3 {k}1 {k}2 {k}3\r\n"
	for _, key := range []string{"{k}1", "{k}2", "{k}3"} {
		n := newFakeNode(1)
		between(n, 1, func() { n.incr(key) })
		require.Equal(t, map[bool]string{false: ":0\r\n", true: ":1\r\n"}[key == "{k}3"], replies(t, serve(t, n), script))
		require.Equal(t, int64(4), n.submitted.Load(), key)
	}
}

// A script that never ends is stopped, by its steps or, where the machine is busy, by the clock.
func TestAScriptThatNeverEnds(t *testing.T) {
	s := serve(t, newFakeNode(1))
	got := replies(t, s, "EVAL \"redis.call('set', KEYS[1], 1) while true do end\" 1 {k}\r\nEXISTS {k}\r\n")
	require.Regexp(t, "^-ERR the script takes too (many steps|long): nothing of it was done\r\n:0\r\n$", got)
	require.Equal(t, ":1\r\n", replies(t, s, "EVAL \"return 1\" 0\r\n")) // nobody waits for it
}

// What is left of a lifetime is told by the leader's clock, which may differ from this node's.
func TestAScriptGoesByTheLeadersClock(t *testing.T) {
	const now, left = 1_000_000, 5000
	e := newEvaluation(&request{conn: &conn{srv: serve(t, newFakeNode(1)), topology: newFakeNode(1).cluster}}, nil, [][]byte{[]byte("k")}, nil)
	e.job = &evalJob{results: []wire.Result{{Kind: wire.KindBytes, Value: []byte("v"), Version: 3}, intResult(left), intResult(now + left)}}
	c := newCopies(e)
	for command, want := range map[string]string{"pttl": fmt.Sprint(left), "pexpiretime": fmt.Sprint(now + left)} {
		v, err := c.Call([][]byte{[]byte(command), []byte("k")})
		require.NoError(t, err)
		require.Equal(t, want, fmt.Sprint(v.Int), command)
	}
	v, err := c.Call([][]byte{[]byte("time")})
	require.NoError(t, err)
	require.Equal(t, "1000", v.List[0].Text)
}

func TestAScriptThatIsAlwaysOvertakenGivesUp(t *testing.T) {
	n := newFakeNode(1)
	between(n, 1<<30, func() { n.incr("{k}") })
	require.Equal(t, "-TRYAGAIN others have changed the script's keys at each of 100 attempts: not applied, retry later\r\n", replies(t, serve(t, n), incrTwice))
	require.Equal(t, int64(200), n.submitted.Load())
}

func TestWhatBecomesOfAScript(t *testing.T) {
	fails := func(at wire.Op, outcome wire.Outcome, reason wire.Reason) func(*fakeNode) {
		return func(n *fakeNode) {
			n.submit = func(call *wire.Call) {
				if call.Commands[0].Op == at {
					refuse(call, outcome, reason, 2)
					return
				}
				n.answer(call)
			}
		}
	}
	nothing := func(*fakeNode) {}
	eval := func(script, rest string) string { return "EVAL \"" + script + "\" " + rest + "\r\n" }
	for _, c := range []struct {
		name, request, want string
		make                func(*fakeNode)
		redirect            bool
	}{
		{"its reads are refused", incrTwice, "-CLUSTERDOWN The shard has no quorum on this side: not applied, retry later (its majority may be on the side of 10.0.0.2:7002)\r\n",
			fails(wire.OpGet, wire.OutcomeRefused, wire.ReasonNoQuorum), false},
		{"its reads are not answered", incrTwice, "-TIMEOUT the read was not answered (deadline exceeded): it had no effect, retry\r\n",
			fails(wire.OpGet, wire.OutcomeUnknown, wire.ReasonDeadline), false},
		{"its writes are refused", incrTwice, "-OOM command not allowed when used memory > 'maxmemory'. Not applied\r\n",
			fails(wire.OpGuard, wire.OutcomeRefused, wire.ReasonOutOfMemory), false},
		{"nobody knows of its writes", incrTwice, "-UNKNOWN outcome: the write may or may not have been applied (deadline exceeded)\r\n",
			fails(wire.OpGuard, wire.OutcomeUnknown, wire.ReasonDeadline), false},
		{"the leader has changed", incrTwice, "-MOVED 7629 10.0.0.2:7002\r\n", fails(wire.OpGuard, wire.OutcomeRefused, wire.ReasonNotLeader), true},
		{"another node leads", incrTwice, "-MOVED 7629 10.0.0.2:7002\r\n", func(n *fakeNode) { n.lead(n.shardOf("{k}"), 2) }, true},
		{"keys of several slots", eval("return 1", "2 a b"), "-CROSSSLOT Keys in request don't hash to the same slot\r\n", nothing, false},
		{"no cluster", incrTwice, "-LOADING Torc has not joined a cluster yet: not applied, retry later\r\n", func(n *fakeNode) { n.cluster = nil }, false},
		{"a key that it was not given", eval("redis.call('set', '{k}2', 5) return redis.call('get', '{k}2')", "1 {k}"), "$1\r\n5\r\n", nothing, false},
		{"one of another slot", eval("return redis.pcall('get', 'elsewhere')", "1 {k}"), "-ERR Script attempted to access a non local key in a cluster node\r\n", nothing, false},
		{"none was given", eval("return redis.pcall('get', 'k')", "0"), "-ERR Script attempted to access a key, but was given none: name its keys in KEYS\r\n", nothing, false},
		{"very many that it was not given", eval("for i = 1, 100 do redis.call('get', '{k}' .. i) end", "1 {k}"),
			"-ERR the script uses more than 32 keys that it was not given: name them in KEYS. Nothing of it was done\r\n", nothing, false},
		{"it fails after a write", eval("redis.call('set', KEYS[1], 1) error('bad')", "1 {k}") + "EXISTS {k}\r\n",
			"-ERR user_script:1: bad script: 558bae858342ac9f8810c6854b2a49a10c3344fb, on @user_script:1.\r\n:0\r\n", nothing, false},
		{"it returns an error after a write", eval("redis.call('set', KEYS[1], 1) return redis.error_reply('MY error')", "1 {k}") + "EXISTS {k}\r\n", "-MY error\r\n:1\r\n", nothing, false},
		{"it would have the memory", eval("local s = redis.call('set', KEYS[1], 1) and 'x' while true do s = s .. s end", "1 {k}") + "EXISTS {k}\r\n",
			"-ERR the script makes more strings and tables than it may: nothing of it was done\r\n:0\r\n", nothing, false},
		{"in a transaction", "MULTI\r\n" + eval("return 1", "0") + "EXEC\r\n",
			"+OK\r\n-ERR Torc does not support EVAL in a transaction\r\n-EXECABORT Transaction discarded because of: ERR Torc does not support EVAL in a transaction\r\n", nothing, false},
		{"what Torc has not", eval("return redis.pcall('lpush', 'k', 1)", "0"), "-ERR Torc does not support the command 'lpush'\r\n", nothing, false},
		{"a key that is too long", "*4\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$70000\r\n" + strings.Repeat("k", 70_000) + "\r\n", "-ERR key exceeds maximum allowed size (65536 bytes)\r\n", nothing, false},
		{"one in the script", eval("return redis.pcall('get', KEYS[1] .. ('k'):rep(70000))", "1 {k}"), "-ERR key exceeds maximum allowed size (65536 bytes)\r\n", nothing, false},
		{"a value that is too long", eval("return redis.pcall('set', KEYS[1], ('v'):rep(5000000))", "1 {k}"), "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n", nothing, false},
		{"without a reply", "CLIENT REPLY SKIP\r\n" + incrTwice + "GET {k}\r\n", "$1\r\n2\r\n", nothing, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newFakeNode(4, "a", "b")
			c.make(n)
			s := serve(t, n, func(o *Options) { o.Redirect, o.MaxValue = c.redirect, 4<<20 })
			require.Equal(t, c.want, replies(t, s, c.request))
			require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
		})
	}
}

// Scripts of many connections on one key lose nothing, and one behind the other they seldom run in vain.
func TestScriptsOfManyConnections(t *testing.T) {
	n := newFakeNode(4)
	s := serve(t, n)
	const clients, each = 20, 50
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			db := redis.NewClient(&redis.Options{Addr: s.Addr().String(), MaxRetries: -1})
			defer func() { _ = db.Close() }()
			add := redis.NewScript("return redis.call('set', KEYS[1], (tonumber(redis.call('get', KEYS[1])) or 0) + ARGV[1])")
			for range each {
				if err := add.Run(context.Background(), db, []string{"counter"}, 1).Err(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, fmt.Sprintf("$4\r\n%d\r\n", clients*each), replies(t, s, "GET counter\r\n"))
	require.LessOrEqual(t, n.submitted.Load(), int64(2*clients*each+1))
}

// A script that waits for its turn holds no long values meanwhile: it reads them again.
func TestAScriptThatWaitsHoldsLittle(t *testing.T) {
	for size, calls := range map[int]int64{10: 1, waitingMost + 1: 2} {
		n := newFakeNode(1)
		s := serve(t, n)
		replies(t, s, fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", size, strings.Repeat("v", size)))
		for range cap(s.scripts.run) {
			s.scripts.run <- struct{}{}
		}
		before := n.submitted.Load()
		answered := make(chan string)
		go func() { answered <- replies(t, s, "EVAL \"return #redis.call('get', KEYS[1])\" 1 k\r\n") }()
		require.Eventually(t, func() bool { return s.scripts.waiting.Load() == 1 }, 5*time.Second, time.Millisecond)
		for range cap(s.scripts.run) {
			leave(s.scripts.run)
		}
		require.Equal(t, fmt.Sprintf(":%d\r\n", size), <-answered)
		require.Equal(t, calls, n.submitted.Load()-before)
	}
}

// One command's answer may be long however short the command is.
func TestAnAnswerWithinAScriptIsBounded(t *testing.T) {
	s := serve(t, newFakeNode(1))
	replies(t, s, fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", 1<<20, strings.Repeat("v", 1<<20)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.Equal(t, "-ERR the script makes more strings and tables than it may: nothing of it was done\r\n",
		replies(t, s, "EVAL \"local t = {} for i = 1, 1000 do t[i] = 'k' end return #redis.call('mget', unpack(t))\" 1 k\r\n"))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(500<<20))
	require.Equal(t, "*3\r\n$1\r\na\r\n$-1\r\n$1\r\nb\r\n",
		replies(t, s, "EVAL \"redis.call('mset', '{k}1', 'a', '{k}2', 'b') return redis.call('mget', '{k}1', '{k}3', '{k}2')\" 1 k\r\n"))
}

// What a short script takes is little: its copies are in a store of one slot.
func TestWhatAShortScriptTakes(t *testing.T) {
	const request, runs = "EVAL \"return redis.call('get', KEYS[1])\" 1 k\r\n", 100
	s := serve(t, newFakeNode(1))
	replies(t, s, request)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	replies(t, s, strings.Repeat(request, runs))
	runtime.ReadMemStats(&after)
	require.Less(t, (after.TotalAlloc-before.TotalAlloc)/runs, uint64(200<<10))
}

// Which commands a script may call: what has keys, and is no connection's.
func TestWhatAScriptMayCall(t *testing.T) {
	s := serve(t, newFakeNode(1))
	var may []string
	for name := range byName {
		for args := range 6 {
			source := "return redis.pcall('" + name + "'" + strings.Repeat(", '{k}'", args) + ")"
			got := replies(t, s, fmt.Sprintf("*4\r\n$4\r\nEVAL\r\n$%d\r\n%s\r\n$1\r\n1\r\n$3\r\n{k}\r\n", len(source), source))
			if !strings.Contains(got, "not allowed from script") && !strings.Contains(got, "does not support") && !strings.Contains(got, "args calling") {
				may = append(may, name)
				break
			}
		}
	}
	slices.Sort(may)
	require.Equal(t, strings.Fields("append decr decrby del echo exists expire expireat expiretime get getdel getex getrange getset incr incrby incrbyfloat mget mset msetnx "+
		"persist pexpire pexpireat pexpiretime ping psetex pttl select set setex setnx setrange strlen substr time touch ttl type unlink"), may)
}

// A script answers and leaves what its commands would, one by one.
func TestCommandsWithinAScript(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	keys := []string{"{k}1", "{k}2", "{k}3"}
	forms := []string{"set K V", "set K V nx", "set K V xx", "set K V get", "set K V nx get", "set K V px 100000", "set K V keepttl", "set K V exat 1", "set K V pxat 99999999999999",
		"get K", "getset K V", "getdel K", "getex K", "getex K persist", "getex K px 5000000", "getex K exat 1", "del K", "del K K", "exists K K", "incr K", "decrby K 3", "incrbyfloat K 0.5", "append K V",
		"setrange K 2 V", "setrange K 0 V", "getrange K 0 -2", "strlen K", "expire K 1000", "expire K -1", "expire K 1000 nx", "pexpireat K 99999999999990 gt", "pexpire K 20000 lt", "persist K",
		"type K", "touch K K", "mset K V K V", "msetnx K V K V", "mget K K K", "setnx K V", "setex K 100 V", "unlink K", "expiretime K", "substr K 0 1", "set K V foo", "incr"}
	one, other := newFakeNode(1), newFakeNode(1)
	a, b := serve(t, one), serve(t, other)
	for range 400 {
		var source, plain strings.Builder
		source.WriteString("local t = {} ")
		n := 1 + random.IntN(6)
		for i := range n {
			words := strings.Fields(forms[random.IntN(len(forms))])
			for i, w := range words {
				switch w {
				case "K":
					words[i] = keys[random.IntN(len(keys))]
				case "V":
					words[i] = fmt.Sprint(random.IntN(30))
				}
			}
			fmt.Fprintf(&source, "t[%d] = redis.pcall('%s') ", i+1, strings.Join(words, "', '"))
			plain.WriteString(strings.Join(words, " ") + "\r\n")
		}
		source.WriteString("return t")
		got := replies(t, a, fmt.Sprintf("*6\r\n$4\r\nEVAL\r\n$%d\r\n%s\r\n$1\r\n3\r\n$4\r\n{k}1\r\n$4\r\n{k}2\r\n$4\r\n{k}3\r\n", source.Len(), source.String()))
		want := fmt.Sprintf("*%d\r\n", n) + replies(t, b, plain.String())
		want = strings.ReplaceAll(want, "ERR wrong number of arguments for 'incr' command", errScriptArity)
		require.Equal(t, timeless(want), timeless(got), source.String())
		const state = "GET {k}1\r\nGET {k}2\r\nGET {k}3\r\nEXPIRETIME {k}1\r\nEXPIRETIME {k}2\r\nEXPIRETIME {k}3\r\n"
		require.Equal(t, timeless(replies(t, b, state)), timeless(replies(t, a, state)), source.String())
	}
}

// timeless puts the same word for each time of the next two hours: lifetimes that begin one after the other may end in different seconds.
func timeless(reply string) string {
	return regexp.MustCompile(`:(\d{10})\r\n`).ReplaceAllStringFunc(reply, func(found string) string {
		at, err := strconv.ParseInt(found[1:len(found)-2], 10, 64)
		if now := time.Now().Unix(); err != nil || at < now || at > now+7200 {
			return found
		}
		return ":soon\r\n"
	})
}

// A client that goes while its script waits leaves nothing behind.
func TestAClientThatGoesDuringItsScript(t *testing.T) {
	n := newFakeNode(1)
	held := make(chan *wire.Call, 1)
	n.submit = func(call *wire.Call) { held <- call }
	s := serve(t, n)
	nc := dial(t, s)
	_, err := io.WriteString(nc, incrTwice)
	require.NoError(t, err)
	call := <-held
	require.Len(t, s.clients(), 1)
	s.clients()[0].kill()
	n.answer(call)
	require.Eventually(t, func() bool { return len(s.clients()) == 0 && s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
	n.submit = n.answer
	require.Equal(t, ":2\r\n", replies(t, s, incrTwice)) // its line is free
}

// What a node knows is bounded: the script that was not used for longest goes first.
func TestScriptsAreForgotten(t *testing.T) {
	var s scripts
	s.init()
	source := func(i int) []byte { return fmt.Appendf(nil, "return %d", i) }
	for i := range scriptsMost + 10 {
		_, err := s.load(source(i), time.Minute, nil)
		require.NoError(t, err)
		require.NotNil(t, s.find(script.SHA(source(0)))) // it is used
	}
	require.Equal(t, scriptsMost, s.used.Len())
	require.Nil(t, s.find(script.SHA(source(1))))
	for i := range 2 * scriptBytesMost / script.SourceMost {
		_, err := s.load(append(source(i), strings.Repeat(" ", script.SourceMost-20)...), time.Minute, nil)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, s.bytes, scriptBytesMost)
	s.flush()
	require.Zero(t, s.bytes)
	require.Zero(t, s.used.Len())
}

func TestKeysOfAScript(t *testing.T) {
	require.Equal(t, "*2\r\n$1\r\na\r\n$1\r\nb\r\n*0\r\n*0\r\n", replies(t, serve(t, newFakeNode(1)),
		"COMMAND GETKEYS EVAL x 2 a b c\r\nCOMMAND GETKEYS EVAL x 0 a\r\nCOMMAND GETKEYS EVALSHA x 9 a\r\n"))
}

// What a script may make is less where there is less memory.
func TestAScriptTakesWhatBuffersMay(t *testing.T) {
	for most, want := range map[int]int{0: 64 << 20, 1 << 20: 8 << 20, 5 << 20: 20 << 20, 1 << 30: 64 << 20} {
		require.Equal(t, want, (&Options{BuffersMax: most}).scriptBytes())
	}
	s := serve(t, newFakeNode(1), func(o *Options) { o.BuffersMax = 1 << 20 })
	require.Equal(t, "-ERR the script makes more strings and tables than it may: nothing of it was done\r\n", replies(t, s, "EVAL \"return #('x'):rep(9000000)\" 0\r\n"))
	require.Equal(t, ":7000000\r\n", replies(t, s, "EVAL \"return #('x'):rep(7000000)\" 0\r\n"))
}

// A script may have very many keys: their room is claimed until it is over, and given back. Beyond what a command may name of a shard it is refused.
func TestAScriptOfManyKeys(t *testing.T) {
	n := newFakeNode(1)
	var held []int64
	var s *Server
	n.submit = func(call *wire.Call) {
		s.unfinished.mu.Lock()
		held = append(held, int64(s.unfinished.held))
		s.unfinished.mu.Unlock()
		n.answer(call)
	}
	s = serve(t, n, func(o *Options) { o.BuffersMax = 16 << 20 })
	eval := func(keys int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "*%d\r\n$4\r\nEVAL\r\n$70\r\n%-70s\r\n$%d\r\n%d\r\n", 3+keys, "for i = 1, #KEYS do redis.call('incr', KEYS[i]) end return #KEYS", len(fmt.Sprint(keys)), keys)
		for i := range keys {
			fmt.Fprintf(&b, "$9\r\n{k}%06d\r\n", i)
		}
		return b.String()
	}
	require.Equal(t, ":5000\r\n$1\r\n1\r\n", replies(t, s, eval(5000)+"GET {k}004999\r\n"))
	require.Greater(t, held[0], int64(5000*partBytes))
	require.Greater(t, held[1], int64(5000*partBytes))
	require.Eventually(t, func() bool { return s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
	most := s.opts.shardKeysMost() / partsOfKey
	require.Equal(t, "-"+errShardKeys(most)+"\r\n", replies(t, s, eval(most+1)))
}

// Who is cut off while its script waits, in whatever line, is gone at once.
func TestAScriptOfWhoIsCutOffWaitsNoMore(t *testing.T) {
	for name, line := range map[string]func(*scripts) chan struct{}{
		"to be compiled": func(s *scripts) chan struct{} { return s.making },
		"to write":       func(s *scripts) chan struct{} { return s.line(wire.Slot([]byte("{k}"))) },
		"to run":         func(s *scripts) chan struct{} { return s.run },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, newFakeNode(1), func(o *Options) { o.Timeout = time.Hour })
			taken := line(&s.scripts)
			for len(taken) < cap(taken) {
				taken <- struct{}{}
			}
			nc := dial(t, s)
			_, err := io.WriteString(nc, incrTwice)
			require.NoError(t, err)
			require.Eventually(t, func() bool { return len(s.clients()) == 1 && s.clients()[0].last.Load() != nil }, 5*time.Second, time.Millisecond)
			s.clients()[0].kill()
			require.Eventually(t, func() bool { return len(s.clients()) == 0 && s.Buffered() == 0 }, 5*time.Second, time.Millisecond)
		})
	}
}
