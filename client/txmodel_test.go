package client_test

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/client"
)

// shelf is what the keys of one slot hold, by the plainest of models.
type shelf map[string]shelved

type shelved struct {
	text  string
	lives bool // it expires some day
}

// said is what a command came to, in words.
func said[T any](p *client.Pending[T]) func() string {
	return func() string {
		switch v, err := p.Result(); {
		case errors.Is(err, client.ErrNotFound):
			return "none"
		case errors.Is(err, client.ErrInvalid):
			return "invalid"
		case err != nil:
			return err.Error()
		default:
			if value, is := any(v).(client.Value); is {
				return string(value.Bytes)
			}
			return fmt.Sprint(v)
		}
	}
}

// step adds one random command to a transaction, does the same to the model, and returns what is expected and what is said.
func (s shelf) step(t *rapid.T, tx *client.Tx, key string) (want string, got func() string) {
	old, there := s[key]
	text := rapid.SampledFrom([]string{"", "1", "-7", "text", "9223372036854775807"}).Draw(t, "text")
	orNone := func(want string) string {
		if !there {
			return "none"
		}
		return want
	}
	switch command := rapid.SampledFrom([]string{"get", "set", "setttl", "delete", "getdelete", "append", "increment", "persist", "expire"}).Draw(t, "command"); command {
	case "get":
		return orNone(old.text), said(tx.Get(key))
	case "set", "setttl":
		var options []client.SetOption
		if command == "setttl" {
			options = append(options, client.WithTTL(time.Hour))
		}
		s[key] = shelved{text, command == "setttl"}
		set := tx.Set(key, []byte(text), options...)
		return "<nil>", func() string { return fmt.Sprint(set.Err()) }
	case "delete":
		delete(s, key)
		return fmt.Sprint(there), said(tx.Delete(key))
	case "getdelete":
		delete(s, key)
		return orNone(old.text), said(tx.GetDelete(key))
	case "append":
		s[key] = shelved{old.text + text, old.lives}
		return fmt.Sprint(len(old.text + text)), said(tx.Append(key, []byte(text)))
	case "increment":
		got := said(tx.Increment(key, 1))
		n, err := strconv.ParseInt(old.text, 10, 64)
		if there && (err != nil || n+1 < n) {
			return "invalid", got
		}
		s[key] = shelved{fmt.Sprint(n + 1), old.lives}
		return fmt.Sprint(n + 1), got
	case "persist":
		if there {
			s[key] = shelved{old.text, false}
		}
		return fmt.Sprint(old.lives), said(tx.Persist(key))
	default:
		if there {
			s[key] = shelved{old.text, true}
		}
		return orNone("{}"), said(tx.Expire(key, time.Hour))
	}
}

var shelves atomic.Int64

// Transactions on a real cluster come to what the model says, done by turns from a client that keeps what it reads and one that does not, under conditions that hold
// or do not. What the first one reads after each, from its cache where it has it, is what the transaction has left.
func TestTransactionsAreAsTheModel(t *testing.T) {
	caching, err := client.New(ctx, client.Options{Seeds: seeds(), Cache: client.Cache{On: true}})
	require.NoError(t, err)
	plain := connected()
	t.Cleanup(func() { _, _ = caching.Close(), plain.Close() })
	rapid.Check(t, func(t *rapid.T) {
		tag := fmt.Sprintf("{shelf%d}", shelves.Add(1))
		keys := []string{tag + "a", tag + "b", tag + "c"}
		model, versions := shelf{}, map[string]uint64{}
		for range rapid.IntRange(1, 5).Draw(t, "transactions") {
			tx, after := client.NewTx(), maps.Clone(model)
			var wants []string
			var gots []func() string
			holds, partial := true, false
			guard := func() {
				key := rapid.SampledFrom(keys).Draw(t, "guarded")
				version := versions[key] + uint64(rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "wrongBy"))
				tx.IfVersion(key, version)
				holds = holds && version == versions[key]
			}
			for range rapid.IntRange(0, 6).Draw(t, "commands") {
				if rapid.IntRange(0, 3).Draw(t, "guards") == 0 {
					guard()
				}
				want, got := after.step(t, tx, rapid.SampledFrom(keys).Draw(t, "key"))
				wants, gots, partial = append(wants, want), append(gots, got), partial || want == "invalid"
			}
			committer := plain
			if rapid.Bool().Draw(t, "byTheCachingClient") {
				committer = caching
			}
			err := committer.Commit(ctx, tx)
			switch {
			case !holds:
				require.ErrorIs(t, err, client.ErrConflict)
			case partial:
				require.ErrorIs(t, err, client.ErrPartial)
			default:
				require.NoError(t, err)
			}
			if holds {
				model = after
				for i, got := range gots {
					require.Equal(t, wants[i], got(), "command %d", i)
				}
			}
			for _, key := range keys {
				v, err := caching.Get(ctx, key)
				want, there := model[key]
				if there {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, client.ErrNotFound)
				}
				require.Equal(t, want.text, string(v.Bytes))
				versions[key] = v.Version
			}
		}
	})
	stats, err := caching.Stats(ctx)
	require.NoError(t, err)
	require.Positive(t, stats.Cached.Hits)
	require.Positive(t, stats.Cached.Recalls)
}

// What the nodes do not take is refused as a whole, and what no message carries is not sent: it would break the stream, with the other calls on it.
func TestATransactionLargerThanTheNodesTake(t *testing.T) {
	c := alone(t, "--max-value=1MiB", "--max-key=1KiB")
	for name, large := range map[string]struct {
		add  func(*client.Tx)
		says string
	}{
		"a value":   {func(tx *client.Tx) { tx.Set("{k}b", make([]byte, 1<<20+1)) }, "over a bound of the nodes'"},
		"a key":     {func(tx *client.Tx) { tx.Set("{k}"+string(make([]byte, 1<<10)), nil) }, "over a bound of the nodes'"},
		"all of it": {func(tx *client.Tx) { tx.Set("{k}b", make([]byte, 1<<20)); tx.Set("{k}c", make([]byte, 1<<20)) }, "a transaction on this cluster 2097152 at most"},
	} {
		t.Run(name, func(t *testing.T) {
			tx := client.NewTx()
			tx.Set("{k}a", []byte("1"))
			large.add(tx)
			err := c.Commit(ctx, tx)
			require.ErrorIs(t, err, client.ErrInvalid)
			require.ErrorIs(t, err, client.ErrRefused)
			require.ErrorContains(t, err, large.says)
			_, err = c.Get(ctx, "{k}a")
			require.ErrorIs(t, err, client.ErrNotFound)
		})
	}
}
