package client

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/core/wire"
)

// bank is a few accounts, and how many transfers there were between them.
type bank struct {
	accounts []string
	total    int64
}

const transfersKey = "{bank}transfers"

// open makes accounts with money in them.
func openBank(f *fake, accounts int) *bank {
	b := &bank{}
	f.locked(func() {
		for i := range accounts {
			key := fmt.Sprintf("{bank}%d", i)
			f.version++
			f.keys[key] = stored{"100", f.version, 0}
			b.accounts, b.total = append(b.accounts, key), b.total+100
		}
	})
	return b
}

func number(v Value) int64 {
	n, _ := strconv.ParseInt(string(v.Bytes), 10, 64)
	return n
}

// transfer moves money, and counts that it did: with the others' it is the order of all transfers.
func (b *bank) transfer(c *Client, from, to string, amount int64) error {
	return c.Update(ctx, []string{from, to, transfersKey}, func(tx *Tx, now *Snapshot) error {
		source, _ := now.Get(from)
		target, _ := now.Get(to)
		count, _ := now.Get(transfersKey)
		tx.Set(from, strconv.AppendInt(nil, number(source)-amount, 10))
		tx.Set(to, strconv.AppendInt(nil, number(target)+amount, 10))
		tx.Set(transfersKey, strconv.AppendInt(nil, number(count)+1, 10))
		return nil
	})
}

// sum reads all accounts at an instant.
func (b *bank) sum(c *Client) (int64, error) {
	tx := NewTx()
	var balances []*Pending[Value]
	for _, key := range b.accounts {
		balances = append(balances, tx.Get(key))
	}
	if err := c.Commit(ctx, tx); err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, balance := range balances {
		v, err := balance.Result()
		if err != nil {
			return 0, err
		}
		sum += number(v)
	}
	return sum, nil
}

// unreliable has a fake lose some requests, and the answers to some.
func (f *fake) unreliable(percent int) {
	f.locked(func() {
		f.respond = func(_ *fakeNode, _ uint64, req *wire.Request, _ func(*wire.Response)) bool {
			switch n := rand.IntN(200); {
			case n < percent:
				return true
			case n < 2*percent:
				f.apply(req)
				return true
			}
			return false
		}
	})
}

// Clients move money between the same few accounts at the same time, and requests and answers are lost. Whoever looks finds all of the money, and each
// transfer that was said to be done was done once, with nobody else's lost by it.
func TestMoneyIsKept(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFake(t, 2)
		b := openBank(f, rapid.IntRange(2, 4).Draw(rt, "accounts"))
		callers, each := rapid.IntRange(1, 5).Draw(rt, "callers"), rapid.IntRange(1, 4).Draw(rt, "transfersOfEach")
		clients := []*Client{}
		for range rapid.IntRange(1, 2).Draw(rt, "clients") {
			clients = append(clients, f.client(func(o *Options) { o.AttemptTimeout = 50 * time.Millisecond }))
		}
		f.unreliable(rapid.IntRange(0, 5).Draw(rt, "percentLost"))
		var mu sync.Mutex
		done, unknown, failures := 0, 0, []error{}
		var running sync.WaitGroup
		for i := range callers {
			c := clients[i%len(clients)]
			running.Go(func() {
				for range each {
					from := rand.IntN(len(b.accounts))
					err := b.transfer(c, b.accounts[from], b.accounts[(from+1)%len(b.accounts)], rand.Int64N(300))
					sum, lookErr := b.sum(c)
					mu.Lock()
					switch {
					case err == nil:
						done++
					case MaybeApplied(err):
						unknown++
					case !errors.Is(err, ErrRefused):
						failures = append(failures, err)
					}
					if lookErr == nil && sum != b.total {
						failures = append(failures, fmt.Errorf("%d of %d are there", sum, b.total))
					}
					mu.Unlock()
				}
			})
		}
		running.Wait()
		f.locked(func() { f.respond = nil })
		require.Empty(rt, failures)
		patient := f.client()
		sum, err := b.sum(patient)
		require.NoError(rt, err)
		require.Equal(rt, b.total, sum)
		v, err := patient.Get(ctx, transfersKey)
		if !isNotFound(err) {
			require.NoError(rt, err)
		}
		require.GreaterOrEqual(rt, number(v), int64(done), "a transfer was lost")
		require.LessOrEqual(rt, number(v), int64(done+unknown), "one was made twice")
		for _, c := range append(clients, patient) {
			require.NoError(rt, c.Close())
		}
		for _, n := range f.nodes {
			n.server.Stop()
		}
	})
}
