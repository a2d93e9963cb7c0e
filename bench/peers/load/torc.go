package load

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"torc/client"
)

// Torc speaks to Torc through its own client, which all callers share, as it is meant. A batch goes as GetMany and SetMany.
type Torc struct{ Addrs []string }

// inFlightMost is more than any callers here have under way.
const inFlightMost = 1 << 16

// Open connects.
func (t Torc) Open(callers int) ([]Caller, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	db, err := client.New(ctx, client.Options{Seeds: t.Addrs, Timeout: callTimeout, Connections: connectionsPerNode,
		MaxInFlight: inFlightMost, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	var users sync.WaitGroup
	users.Add(callers)
	go func() {
		users.Wait()
		_ = db.Close() // never fails
	}()
	return openEach(callers, func(int) (Caller, error) { return &torcCaller{db: db, users: &users}, nil })
}

type torcCaller struct {
	db     *client.Client
	users  *sync.WaitGroup
	keys   []string
	writes []client.Entry
}

func (c *torcCaller) Close() { c.users.Done() }

func (c *torcCaller) Do(batch []Op) {
	ctx := context.Background() // the client's own timeout holds
	if len(batch) == 1 {
		c.one(ctx, &batch[0])
		return
	}
	c.keys, c.writes = c.keys[:0], c.writes[:0]
	for i := range batch {
		if batch[i].Read {
			c.keys = append(c.keys, batch[i].Key)
		} else {
			c.writes = append(c.writes, client.Entry{Key: batch[i].Key, Value: batch[i].Value, Options: noCopy})
		}
	}
	var got []client.GetResult
	var set []client.SetResult
	if len(c.writes) == 0 {
		got = c.db.GetMany(ctx, c.keys...)
	} else if len(c.keys) == 0 {
		set = c.db.SetMany(ctx, c.writes...)
	} else { // a pipeline carries both at the same time
		var both sync.WaitGroup
		both.Go(func() { got = c.db.GetMany(ctx, c.keys...) })
		set = c.db.SetMany(ctx, c.writes...)
		both.Wait()
	}
	for i := range batch {
		if op := &batch[i]; op.Read {
			op.Err = judge(op, got[0].Value, got[0].Err)
			got = got[1:]
		} else {
			op.Err = set[0].Err
			set = set[1:]
		}
	}
}

// noCopy: the values here are never changed.
var noCopy = []client.SetOption{client.NoCopy()}

func (c *torcCaller) one(ctx context.Context, op *Op) {
	if op.Read {
		v, err := c.db.Get(ctx, op.Key)
		op.Err = judge(op, v, err)
		return
	}
	_, op.Err = c.db.Set(ctx, op.Key, op.Value, noCopy...)
}

func judge(op *Op, v client.Value, err error) error {
	switch {
	case errors.Is(err, client.ErrNotFound):
		return ErrMiss
	case err == nil && len(v.Bytes) != len(op.Value):
		return ErrLength
	}
	return err
}
