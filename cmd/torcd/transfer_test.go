package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/client"
	"torc/cmd/internal/proctest"
	"torc/core/wire"
	"torc/linearizability"
)

// Callers move money between accounts of a slot, each transfer written into two ledgers with it, while the leader of their shard is killed again and again. Whoever looks
// finds all of the money, and the accounts as the ledgers say; what was acknowledged is in the ledgers once, and what was refused is not. The history of the
// ledgers is one of transactions that each took effect at an instant.
func TestMoneyIsKeptWhileLeadersAreKilled(t *testing.T) {
	const callers = 6
	c := proctest.Start(t, 3, "--shards", "4")
	w := &witness{t: t, dbs: []*client.Client{goClient(t, c, caching), goClient(t, c)}, begin: time.Now(), end: make(chan struct{}), record: linearizability.NewRecorder(4096)}
	for i := range callers {
		w.callers.Go(func() { w.bankers(i) })
	}
	w.settle()
	for range kills(t) {
		victim := leaderOf(t, c, bankShard)
		victim.Kill()
		w.settle()
		victim.Start()
		c.WaitWhole(proctest.FormsWithin)
		w.settle()
	}
	last := w.edition()
	close(w.end)
	w.callers.Wait()
	books := map[string]string{}
	for edition := range last + 1 {
		b := bankOf(edition)
		text, err := w.look(context.Background(), 0, b)
		require.NoError(t, err)
		books[b.ledgers[0]] = text
	}
	history := w.record.History()
	require.NoError(t, history.Validate())
	for _, v := range linearizability.Check(history, linearizability.Options{}) {
		t.Error(v)
	}
	for i := range history.Ops {
		op := &history.Ops[i]
		text, is := books[op.Key]
		if !is || op.Kind != linearizability.Append {
			continue
		}
		times := strings.Count(";"+text, ";"+op.In.Value)
		switch {
		case op.Outcome == linearizability.OK && times != 1, op.Outcome == linearizability.Failed && times != 0, times > 1:
			t.Errorf("%s is in the ledger %d times, and its outcome is %v", op.In.Value, times, op.Outcome)
		}
	}
	t.Logf("of %v transfers and looks done, refused and of unknown outcome together, in %d banks", w.outcomes, last+1)
	require.Positive(t, w.outcomes[linearizability.OK])
}

// bank is a few accounts and two ledgers of one slot. There is a new one every now and then, because checking a history costs more the longer it is.
type bank struct {
	accounts [4]string
	ledgers  [2]string
}

const (
	bankShard = wire.ShardID(1)
	opening   = 100 // what an account holds that was never touched
)

func bankOf(edition int) (b bank) {
	tag := proctest.KeyOn(bankShard, 4, fmt.Sprintf("bank%d.", edition))
	for i := range b.accounts {
		b.accounts[i] = fmt.Sprintf("{%s}account%d", tag, i)
	}
	for i := range b.ledgers {
		b.ledgers[i] = fmt.Sprintf("{%s}ledger%d", tag, i)
	}
	return b
}

func (w *witness) edition() int { return int(time.Since(w.begin) / time.Second) }

func (w *witness) bankers(number int) {
	for i := 0; ; i++ {
		select {
		case <-w.end:
			return
		case <-time.After(2 * time.Millisecond):
		}
		// Some are in a hurry, so that outcomes stay unknown.
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(3+rand.IntN(2+rand.IntN(2000)))*time.Millisecond)
		if b := bankOf(w.edition()); rand.IntN(3) == 0 {
			_, _ = w.look(ctx, number, b)
		} else {
			w.transfer(ctx, number, i, b)
		}
		cancel()
	}
}

func balance(v client.Value, found bool) int {
	if !found {
		return opening
	}
	n, _ := strconv.Atoi(string(v.Bytes))
	return n
}

// transfer moves some money. Each try of Update is a transaction of its own in the history; those that are followed by another one have failed.
func (w *witness) transfer(ctx context.Context, number, i int, b bank) {
	from := rand.IntN(len(b.accounts))
	to := (from + 1 + rand.IntN(len(b.accounts)-1)) % len(b.accounts)
	amount := 1 + rand.IntN(opening)
	tries, first := 0, 0
	var lengths [2]*client.Pending[int64]
	err := w.dbs[number%len(w.dbs)].Update(ctx, []string{b.accounts[from], b.accounts[to]}, func(tx *client.Tx, now *client.Snapshot) error {
		w.failed(first)
		token := fmt.Sprintf("%d.%d.%d:%d>%d=%d;", number, i, tries, from, to, amount)
		tries++
		tx.Set(b.accounts[from], strconv.AppendInt(nil, int64(balance(now.Get(b.accounts[from]))-amount), 10))
		tx.Set(b.accounts[to], strconv.AppendInt(nil, int64(balance(now.Get(b.accounts[to]))+amount), 10))
		var calls []linearizability.Call
		for l, ledger := range b.ledgers {
			lengths[l] = tx.Append(ledger, []byte(token))
			calls = append(calls, linearizability.Call{Kind: linearizability.Append, Key: ledger, In: linearizability.Input{Value: token}})
		}
		first = w.record.InvokeBatch(number, int64(time.Since(w.begin)), calls)
		return nil
	})
	at := int64(time.Since(w.begin))
	w.count(err)
	switch {
	case err == nil:
		for l := range b.ledgers {
			n, err := lengths[l].Result()
			if err != nil {
				w.t.Errorf("a transfer that was done: %v", err)
			}
			w.record.Return(first+l, at, linearizability.OK, linearizability.Output{Number: n})
		}
	case !client.MaybeApplied(err):
		w.failed(first)
	}
}

// failed notes that a try was surely not done; 0 is none.
func (w *witness) failed(first int) {
	if first == 0 {
		return
	}
	at := int64(time.Since(w.begin))
	for l := range 2 {
		w.record.Return(first+l, at, linearizability.Failed, linearizability.Output{})
	}
}

// look reads a whole bank at an instant, and checks it. It returns a ledger.
func (w *witness) look(ctx context.Context, number int, b bank) (string, error) {
	tx := client.NewTx()
	var accounts, ledgers []*client.Pending[client.Value]
	for _, key := range b.accounts {
		accounts = append(accounts, tx.Get(key))
	}
	var calls []linearizability.Call
	for _, key := range b.ledgers {
		ledgers = append(ledgers, tx.Get(key))
		calls = append(calls, linearizability.Call{Kind: linearizability.Read, Key: key})
	}
	first := w.record.InvokeBatch(number, int64(time.Since(w.begin)), calls)
	err := w.dbs[number%len(w.dbs)].Commit(ctx, tx)
	at := int64(time.Since(w.begin))
	w.count(err)
	if err != nil {
		w.failed(first) // it has no effect
		return "", err
	}
	var texts [2]string
	for l, p := range ledgers {
		v, err := p.Result()
		out := linearizability.Output{Version: v.Version}
		if err == nil {
			out.Value = linearizability.Some(string(v.Bytes))
		}
		w.record.Return(first+l, at, linearizability.OK, out)
		texts[l] = string(v.Bytes)
	}
	var balances [4]int
	for i, p := range accounts {
		v, err := p.Result()
		balances[i] = balance(v, err == nil)
	}
	if sum := balances[0] + balances[1] + balances[2] + balances[3]; sum != 4*opening {
		w.t.Errorf("%d of %d are there: %v", sum, 4*opening, balances)
	}
	if want := replay(w.t, texts[0]); texts[0] != texts[1] || balances != want {
		w.t.Errorf("the accounts are %v, by the ledgers %v:\n%s\n%s", balances, want, texts[0], texts[1])
	}
	return texts[0], nil
}

// replay is what a ledger says of the accounts.
func replay(t *testing.T, ledger string) (balances [4]int) {
	for i := range balances {
		balances[i] = opening
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(ledger, ";"), ";") {
		var from, to, amount int
		if _, text, found := strings.Cut(line, ":"); found {
			if _, err := fmt.Sscanf(text, "%d>%d=%d", &from, &to, &amount); err != nil {
				t.Errorf("a ledger has %q: %v", line, err)
			}
		}
		balances[from], balances[to] = balances[from]-amount, balances[to]+amount
	}
	return balances
}

// count counts what a call came to.
func (w *witness) count(err error) {
	outcome := linearizability.OK
	switch {
	case err == nil:
		w.served.Add(1)
	case client.MaybeApplied(err):
		outcome = linearizability.Unknown
	case errors.Is(err, client.ErrRefused):
		outcome = linearizability.Failed
	default:
		w.t.Errorf("an error of no known sort: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcomes[outcome]++
}
