package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"torc/core/wire"
)

var ctx = context.Background()

func TestEveryMethod(t *testing.T) {
	c := newFake(t, 3).client()

	_, err := c.Get(ctx, "k")
	require.ErrorIs(t, err, ErrNotFound)
	require.EqualError(t, err, `torc: get "k": not found`)

	v1, err := c.Set(ctx, "k", []byte("one"), WithTTL(time.Minute))
	require.NoError(t, err)
	value, err := c.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, Value{[]byte("one"), v1}, value)

	ttl, err := c.TTL(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, time.Minute, ttl)
	had, err := c.Persist(ctx, "k")
	require.NoError(t, err)
	require.True(t, had)
	ttl, err = c.TTL(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, NoExpiry, ttl)
	require.NoError(t, c.Expire(ctx, "k", time.Second))
	require.NoError(t, c.Touch(ctx, "k"))

	_, err = c.Set(ctx, "k", nil, IfAbsent())
	require.ErrorIs(t, err, ErrConflict)
	_, err = c.Set(ctx, "other", nil, IfPresent())
	require.ErrorIs(t, err, ErrConflict)
	_, err = c.Set(ctx, "k", nil, IfVersion(v1+100))
	require.ErrorIs(t, err, ErrConflict)
	value, err = c.Get(ctx, "k")
	require.NoError(t, err)
	_, err = c.Set(ctx, "k", nil, IfVersion(value.Version))
	require.NoError(t, err)
	value, err = c.Get(ctx, "k")
	require.NoError(t, err)
	require.NotNil(t, value.Bytes, "an empty value is present")

	n, err := c.Increment(ctx, "n", 5)
	require.NoError(t, err)
	require.EqualValues(t, 5, n)
	_, err = c.Set(ctx, "word", []byte("x"))
	require.NoError(t, err)
	_, err = c.Increment(ctx, "word", 1)
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorIs(t, err, ErrRefused, "an invalid command surely had no effect")

	for _, want := range []int64{2, 4} {
		length, err := c.Append(ctx, "text", []byte("ab"))
		require.NoError(t, err)
		require.Equal(t, want, length)
	}
	value, err = c.GetDelete(ctx, "text")
	require.NoError(t, err)
	require.Equal(t, "abab", string(value.Bytes))
	_, err = c.GetDelete(ctx, "text")
	require.ErrorIs(t, err, ErrNotFound)

	gone, err := c.Delete(ctx, "k")
	require.NoError(t, err)
	require.True(t, gone)
	gone, err = c.Delete(ctx, "k")
	require.NoError(t, err)
	require.False(t, gone)
	require.ErrorIs(t, c.Touch(ctx, "k"), ErrNotFound)
	require.ErrorIs(t, c.Expire(ctx, "k", time.Second), ErrNotFound)
	_, err = c.TTL(ctx, "k")
	require.ErrorIs(t, err, ErrNotFound)
}

// A Redis client may have a key live for longer than a Duration can say: EXPIRE k 9300000000.
func TestATimeToLiveOfCenturies(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	f.locked(func() { f.keys["k"] = stored{"value", 1, 9_300_000_000_000} })
	ttl, err := c.TTL(ctx, "k")
	require.NoError(t, err)
	require.Greater(t, ttl, 292*365*24*time.Hour)
}

func TestNonsenseIsNotSent(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	for name, options := range map[string][]SetOption{
		"two conditions": {IfAbsent(), IfVersion(3)},
		"two expiries":   {WithTTL(time.Second), KeepTTL()},
		"no time":        {WithTTL(0)},
		"no time at all": {WithTTL(-time.Second)},
	} {
		_, err := c.Set(ctx, "k", nil, options...)
		require.ErrorIs(t, err, ErrInvalid, name)
		require.ErrorIs(t, err, ErrRefused, name)
	}
	require.ErrorIs(t, c.Expire(ctx, "k", time.Microsecond), ErrInvalid)
	require.Zero(t, f.applied)
}

func TestMany(t *testing.T) {
	c := newFake(t, 3).client()
	var entries []Entry
	var keys []string
	for i := range 2000 { // several requests to each shard
		keys = append(keys, fmt.Sprint("key", i))
		entries = append(entries, Entry{Key: keys[i], Value: []byte(keys[i])})
	}
	entries = append(entries, Entry{Key: "bad", Options: []SetOption{WithTTL(-1)}}, Entry{Key: "key0", Options: []SetOption{IfPresent()}})
	entries[7].Options = []SetOption{IfPresent()}
	written := c.SetMany(ctx, entries...)
	require.Len(t, written, len(entries))
	require.ErrorIs(t, written[7].Err, ErrConflict)
	require.ErrorContains(t, written[7].Err, `"key7"`)
	require.ErrorIs(t, written[2000].Err, ErrInvalid)
	require.NoError(t, written[0].Err)

	read := c.GetMany(ctx, keys...)
	for i, r := range read {
		switch i {
		case 7:
			require.ErrorIs(t, r.Err, ErrNotFound)
		case 0:
			require.NoError(t, r.Err)
		default:
			require.NoError(t, r.Err)
			require.Equal(t, keys[i], string(r.Bytes))
			require.Equal(t, written[i].Version, r.Version)
		}
	}
	require.Empty(t, c.GetMany(ctx))
	require.Empty(t, c.SetMany(ctx))
}

func TestFollowsTheLeader(t *testing.T) {
	f := newFake(t, 3)
	c := f.client()
	for leader := range wire.NodeID(3) {
		f.locked(func() { f.leader = leader + 1 })
		_, err := c.Increment(ctx, "n", 1)
		require.NoError(t, err)
	}
	require.Equal(t, 3, f.applied)
}

// A node takes a write and dies without a word: the write is sent to another node, and the
// session makes sure that it is applied once.
func TestCrashAfterApplying(t *testing.T) {
	f := newFake(t, 3)
	c := f.client()
	_, err := c.Increment(ctx, "n", 1)
	require.NoError(t, err)
	f.locked(func() {
		f.respond = func(n *fakeNode, _ uint64, req *wire.Request, _ func(*wire.Response)) bool {
			f.respond = nil
			f.apply(req)
			f.leader = 2
			go n.server.Stop() // takes the lock's holder's stream with it
			return true
		}
	})
	n, err := c.Increment(ctx, "n", 1)
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
	require.Equal(t, 2, f.applied)
}

func TestAStreamThatBreaksIsOpenedAgain(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	_, err := c.Increment(ctx, "n", 1)
	require.NoError(t, err)
	n := f.nodes[0]
	n.server.Stop()
	n.listen(n.addr)
	_, err = c.Increment(ctx, "n", 1)
	require.NoError(t, err)
	require.Equal(t, 2, f.applied)
}

func TestOutcomes(t *testing.T) {
	f := newFake(t, 1)
	c := f.client(func(o *Options) { o.Timeout = 200 * time.Millisecond })
	answerWith := func(r *wire.Response) {
		f.locked(func() {
			f.respond = func(_ *fakeNode, _ uint64, _ *wire.Request, send func(*wire.Response)) bool {
				if r != nil {
					send(r)
				}
				return true
			}
		})
	}

	answerWith(&wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonNoQuorum})
	_, err := c.Set(ctx, "k", nil)
	require.ErrorIs(t, err, ErrRefused)
	require.NotErrorIs(t, err, ErrUnknown)
	require.EqualError(t, err, `torc: set "k": refused: no quorum`)
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded, "it was repeated until time was up")

	answerWith(&wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonOverloaded})
	_, err = c.Get(ctx, "k")
	require.ErrorIs(t, err, ErrOverloaded)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	answerWith(&wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonStopping})
	_, err = c.Get(ctx, "k")
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	answerWith(&wire.Response{Outcome: wire.OutcomeRefused, Reason: wire.ReasonTooLarge})
	_, err = c.Set(ctx, "k", nil)
	require.ErrorIs(t, err, ErrInvalid)
	require.NotErrorIs(t, err, context.DeadlineExceeded, "that was at once")

	answerWith(nil) // silence
	_, err = c.Set(ctx, "k", nil)
	require.ErrorIs(t, err, ErrUnknown)
	require.NotErrorIs(t, err, ErrRefused)
	for _, r := range c.SetMany(ctx, Entry{Key: "a"}, Entry{Key: "b"}) {
		require.ErrorIs(t, r.Err, ErrUnknown)
	}
}

func TestContexts(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	got := make(chan struct{}, 100)
	f.locked(func() {
		f.respond = func(*fakeNode, uint64, *wire.Request, func(*wire.Response)) bool { got <- struct{}{}; return true }
	})

	before, cancel := context.WithCancel(ctx)
	cancel()
	_, err := c.Set(before, "k", nil)
	require.ErrorIs(t, err, ErrRefused, "never sent")
	require.ErrorIs(t, err, context.Canceled)

	during, cancel := context.WithCancel(ctx)
	go func() { <-got; cancel() }()
	_, err = c.Set(during, "k", nil)
	require.ErrorIs(t, err, ErrUnknown, "sent and then cancelled")
	require.ErrorIs(t, err, context.Canceled)

	// Another client: this one's session has not begun yet, so that a second write would wait.
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = f.client().Set(short, "k", nil)
	require.ErrorIs(t, err, ErrUnknown)
	require.Less(t, time.Since(began), 5*time.Second, "the context is shorter than the timeout")
}

// A write whose answer is longer than the client takes was applied, for all that the client knows. Nobody asks for that answer again until time
// is up: it will not be shorter.
func TestAWriteWithALongAnswer(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	asked := 0
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, send func(*wire.Response)) bool {
			if req.Commands[0].Op != wire.OpGetDelete {
				return false
			}
			asked++
			send(&wire.Response{Outcome: wire.OutcomeUnknown, Reason: wire.ReasonTooLarge})
			return true
		}
	})
	began := time.Now()
	_, err := c.GetDelete(ctx, "long")
	require.ErrorIs(t, err, ErrUnknown)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "too large")
	require.Less(t, time.Since(began), 5*time.Second)
	f.locked(func() { require.Equal(t, 1, asked) })
	_, err = c.Set(ctx, "k", nil)
	require.NoError(t, err, "the session goes on")
}

// A caller of GetOrLoad goes while it asks for the lease, or its time is up, be it by its context or by Options.Timeout. The lease that is
// granted then keeps nobody waiting.
func TestALeaseIsGivenBackWhenItsCallerHasGone(t *testing.T) {
	cancelled, cancel := context.WithCancel(ctx)
	testLateLease(t, cancelled, cancel, context.Canceled)
	testLateLease(t, ctx, func() {}, context.DeadlineExceeded)
	living, end := context.WithTimeout(ctx, time.Hour)
	defer end()
	testLateLease(t, living, func() {}, context.DeadlineExceeded)
}

func testLateLease(t *testing.T, caller context.Context, goes func(), want error) {
	f := newFake(t, 1)
	c := f.client(func(o *Options) { o.Timeout = 500 * time.Millisecond })
	gone, back := make(chan struct{}), make(chan wire.Command, 1)
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, send func(*wire.Response)) bool {
			answer := func(r wire.Result) { send(&wire.Response{Results: []wire.Result{r}}) }
			switch cmd := req.Commands[0]; cmd.Op {
			case wire.OpGet:
				answer(wire.Result{Kind: wire.KindNil})
			case wire.OpLease:
				goes()
				go func() { <-gone; answer(wire.Result{Kind: wire.KindInt, Int: 7}) }() // ends with the test
			case wire.OpFill:
				back <- cmd
				answer(wire.Result{Kind: wire.KindOK})
			}
			return true
		}
	})
	_, err := c.GetOrLoad(caller, "k", time.Minute, func(context.Context) ([]byte, error) { panic("it has gone") })
	require.ErrorIs(t, err, want)
	close(gone)
	select {
	case cmd := <-back:
		require.Equal(t, wire.FlagAbsent, cmd.Flags)
		require.EqualValues(t, 7, cmd.Version)
	case <-time.After(5 * time.Second):
		require.Fail(t, "the key is leased to nobody")
	}
}

func TestClose(t *testing.T) {
	f := newFake(t, 2)
	c := f.client()
	got := make(chan struct{}, 100)
	f.locked(func() {
		f.respond = func(*fakeNode, uint64, *wire.Request, func(*wire.Response)) bool { got <- struct{}{}; return true }
	})
	ended := make(chan error)
	go func() {
		_, err := c.Set(ctx, "k", nil)
		ended <- err
	}()
	<-got
	waiting := make(chan error) // for the first one's answer
	go func() {
		_, err := c.Set(ctx, "k", nil)
		waiting <- err
	}()
	require.Eventually(t, func() bool {
		s, err := c.Stats(ctx)
		return err == nil && s.InFlight == 2
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	err := <-ended
	require.ErrorIs(t, err, ErrUnknown)
	require.ErrorIs(t, err, ErrClosed)
	require.EqualError(t, err, `torc: set "k": outcome unknown: client is closed`)
	err = <-waiting
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorIs(t, err, ErrClosed)
	require.EqualError(t, err, `torc: set "k": client is closed`)

	_, err = c.Get(ctx, "k")
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, err, ErrRefused)
	require.Eventually(t, func() bool {
		stacks := make([]byte, 1<<20)
		text := string(stacks[:runtime.Stack(stacks, true)])
		return !strings.Contains(text, "client.(*engine)") && !strings.Contains(text, "client.(*link)")
	}, 10*time.Second, time.Millisecond, "goroutines are left behind")
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	_, err := New(ctx, Options{})
	require.ErrorContains(t, err, "no seeds")
	_, err = New(ctx, Options{Seeds: strings.Split("", ",")})
	require.ErrorContains(t, err, "no seeds")

	_, err = New(ctx, Options{Seeds: []string{"127.0.0.1:1"}, Timeout: 200 * time.Millisecond, AwaitNodes: true})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "127.0.0.1:1")
	require.ErrorContains(t, err, "refused")
}

func TestPassword(t *testing.T) {
	f := newFake(t, 1)
	f.password = "sesame"
	c := f.client(func(o *Options) { o.Password = "sesame" })
	_, err := c.Set(ctx, "k", nil)
	require.NoError(t, err)

	_, err = New(ctx, Options{Seeds: []string{f.nodes[0].addr}, Password: "wrong", Timeout: 200 * time.Millisecond})
	require.ErrorContains(t, err, "wrong password")

	// Nobody waits for a wrong password to become right, whatever the other seeds do.
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	for _, seeds := range [][]string{{f.nodes[0].addr}, {gone.Addr().String(), f.nodes[0].addr, ""}} {
		began := time.Now()
		_, err = New(context.Background(), Options{Seeds: seeds, Password: "wrong", Timeout: time.Minute})
		require.ErrorContains(t, err, "the password is not taken")
		require.Equal(t, codes.Unauthenticated, status.Code(err))
		require.Less(t, time.Since(began), 20*time.Second)
	}
	var rpc interface{ GRPCStatus() *status.Status }
	require.True(t, errors.As(err, &rpc))
	require.Equal(t, codes.Unauthenticated, rpc.GRPCStatus().Code())
}

func TestTopology(t *testing.T) {
	f := newFake(t, 2)
	c := f.client()
	topology := c.Topology()
	require.EqualValues(t, 1, topology.Epoch)
	require.Len(t, topology.Nodes, 2)
	require.Equal(t, "active", topology.Nodes[0].State)
	require.Equal(t, Shard{ID: 1, FirstSlot: 0, LastSlot: 4095, Preferred: 1, Nodes: []uint64{1, 2}}, topology.Shards[0])

	// A node that speaks of a newer map is asked for it.
	f.locked(func() {
		m := f.cmap.Clone()
		m.Epoch, m.Members[1].State = 2, wire.MemberDown
		f.cmap = m
	})
	_, err := c.Set(ctx, "k", nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return c.Topology().Epoch == 2 }, 10*time.Second, time.Millisecond)
	require.Equal(t, "down", c.Topology().Nodes[1].State)
}

// Many callers at once, while the leader moves and streams break: every acknowledged
// increment counts once.
func TestManyCallersThroughTrouble(t *testing.T) {
	f := newFake(t, 3)
	c := f.client(func(o *Options) { o.Connections = 1 })
	const callers, each = 20, 50
	var sum, unknown int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for range each {
				_, err := c.Increment(ctx, fmt.Sprint("n", i%5), 1)
				mu.Lock()
				switch {
				case err == nil:
					sum++
				case errors.Is(err, ErrUnknown):
					unknown++
				}
				mu.Unlock()
			}
		})
	}
	stop := make(chan struct{})
	troubled := make(chan struct{})
	go func() {
		defer close(troubled)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(30 * time.Millisecond):
			}
			f.locked(func() { f.leader = wire.NodeID(i%3 + 1) })
			n := f.nodes[(i+1)%3]
			n.server.Stop()
			n.listen(n.addr)
		}
	}()
	wg.Wait()
	close(stop)
	<-troubled
	f.locked(func() {
		require.GreaterOrEqual(t, f.applied, sum, "acknowledged and not applied")
		require.LessOrEqual(t, f.applied, sum+unknown, "applied twice")
	})
	require.Greater(t, sum, callers*each*9/10)
}

// A caller that gave up may use its value for something else: the client does not send it again.
func TestCallersMayChangeTheirValues(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	seen := make(chan string, 100)
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, _ func(*wire.Response)) bool {
			seen <- string(req.Commands[0].Value)
			return true // silent, so that it would be sent again
		}
	})
	value := []byte("aaaa")
	cancelled, cancel := context.WithCancel(ctx)
	first := make(chan string, 1)
	go func() { first <- <-seen; cancel() }()
	_, err := c.Set(cancelled, "k", value)
	require.ErrorIs(t, err, ErrUnknown)
	copy(value, "bbbb")
	require.Equal(t, "aaaa", <-first)
	select {
	case again := <-seen:
		require.Fail(t, "it was sent again", again)
	case <-time.After(3 * c.opts.AttemptTimeout):
	}
}

func BenchmarkParallel(b *testing.B) {
	f := newFake(b, 3)
	c := f.client()
	value := make([]byte, 100)
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Set(ctx, "key", value); err != nil {
				b.Error(err)
			}
		}
	})
}

// A call on a thousand keys is one message to each node.
func TestManyKeysAreOneRequestToEachNode(t *testing.T) {
	f := newFake(t, 3)
	leaders := map[wire.ShardID]wire.NodeID{1: 1, 2: 2, 3: 3, 4: 1}
	for i := range f.cmap.Placements {
		p := &f.cmap.Placements[i]
		p.Preferred = leaders[p.Shard]
	}
	f.respond = func(n *fakeNode, _ uint64, req *wire.Request, send func(*wire.Response)) bool {
		require.Equal(t, leaders[req.Shard], n.id)
		r := f.apply(req)
		r.Leader = n.id
		send(r)
		return true
	}
	c := f.client()
	var entries []Entry
	var keys []string
	for i := range 1000 {
		keys = append(keys, fmt.Sprint("key", i))
		entries = append(entries, Entry{Key: keys[i], Value: []byte("v")})
	}
	messages := func() (sum int64) {
		for _, n := range f.nodes {
			sum += n.messages.Load()
		}
		return sum
	}
	for _, r := range c.SetMany(ctx, entries[:20]...) { // sessions begin with one write each
		require.NoError(t, r.Err)
	}
	for what, call := range map[string]func(){
		"get": func() {
			for _, r := range c.GetMany(ctx, keys...) {
				require.True(t, r.Err == nil || errors.Is(r.Err, ErrNotFound), "%v", r.Err)
			}
		},
		"set": func() {
			for _, r := range c.SetMany(ctx, entries...) {
				require.NoError(t, r.Err)
			}
		},
	} {
		before := messages()
		call()
		require.EqualValues(t, 3, messages()-before, what)
	}
}

// A read whose leader does not answer is answered by way of another node; a write waits for its attempt to end.
func TestHedge(t *testing.T) {
	f := newFake(t, 3)
	c := f.client(func(o *Options) {
		o.Hedge = Hedge{On: true, After: 20 * time.Millisecond}
		o.AttemptTimeout = 5 * time.Second
	})
	_, err := c.Set(ctx, "k", []byte("v"))
	require.NoError(t, err)
	for range 20 { // each earns a tenth of a hedge
		_, err := c.Get(ctx, "k")
		require.NoError(t, err)
	}
	f.locked(func() {
		f.respond = func(n *fakeNode, _ uint64, req *wire.Request, send func(*wire.Response)) bool {
			if n.id != f.leader {
				send(f.apply(req)) // as if it had been forwarded
			}
			return true
		}
	})
	began := time.Now()
	v, err := c.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, "v", string(v.Bytes))
	require.Less(t, time.Since(began), 5*time.Second)
	s, err := c.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 1, 0}, []uint64{s.Hedges, s.HedgesWon, s.Retries})
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, err = c.Set(short, "k", nil)
	require.ErrorIs(t, err, ErrUnknown)
}

// What the cluster promises not to change is read once; then it is answered from the client's own memory.
func TestCache(t *testing.T) {
	f := newFake(t, 1)
	var mu sync.Mutex
	asked := map[string]int{}
	f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, send func(*wire.Response)) bool {
		mu.Lock()
		defer mu.Unlock()
		if c := &req.Commands[0]; c.Op == wire.OpGet {
			asked[string(c.Key)]++
			require.NotZero(t, c.Flags&wire.FlagCache)
			r := f.apply(req)
			r.Results[0].Int = time.Minute.Milliseconds()
			send(r)
			return true
		}
		return false
	}
	c := f.client(func(o *Options) { o.Cache.On = true })
	_, err := c.Set(ctx, "k", []byte("v"))
	require.NoError(t, err)
	for range 10 {
		v, err := c.Get(ctx, "k")
		require.NoError(t, err)
		require.Equal(t, "v", string(v.Bytes))
		v.Bytes[0] = 'x' // the caller's own
		v, err = c.GetInto(ctx, "k", v.Bytes)
		require.NoError(t, err)
		require.Equal(t, "v", string(v.Bytes))
		_, err = c.Get(ctx, "absent")
		require.ErrorIs(t, err, ErrNotFound)
	}
	mu.Lock()
	require.Equal(t, map[string]int{"k": 1, "absent": 1}, asked)
	mu.Unlock()
	s, err := c.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, []any{uint64(28), 2}, []any{s.Cached.Hits, s.Cached.Keys})
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = c.Get(done, "k")
	require.ErrorIs(t, err, context.Canceled)
}
