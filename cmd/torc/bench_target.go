package main

import (
	"context"
	"errors"
	"strings"

	"torc/client"
)

// asker sends one caller's requests, all reads or all writes, and tells the outcome of each in the
// keys' order. An absent key is no error.
type asker interface {
	ask(read bool, keys []string, value []byte) []error
	close()
}

// clientAsker asks through Torc's client, which all callers share.
type clientAsker struct{ db *client.Client }

func (clientAsker) close() {}

func (a clientAsker) ask(read bool, keys []string, value []byte) []error {
	outcomes := make([]error, len(keys))
	ctx := context.Background() // the client's own timeout holds
	switch {
	case len(keys) == 1 && read: // what most callers do
		_, outcomes[0] = a.db.Get(ctx, keys[0])
	case len(keys) == 1:
		_, outcomes[0] = a.db.Set(ctx, keys[0], value)
	case read:
		for i, r := range a.db.GetMany(ctx, keys...) {
			outcomes[i] = r.Err
		}
	default:
		entries := make([]client.Entry, len(keys))
		for i, key := range keys {
			entries[i] = client.Entry{Key: key, Value: value}
		}
		for i, r := range a.db.SetMany(ctx, entries...) {
			outcomes[i] = r.Err
		}
	}
	for i, err := range outcomes {
		if errors.Is(err, client.ErrNotFound) {
			outcomes[i] = nil
		}
	}
	return outcomes
}

// errorKind sorts errors into few kinds: the client's by what they promise, a server's by the word it
// begins with ("MOVED", "OOM", "ERR"), the others by where they arose.
func errorKind(err error) string {
	var refusal serverError
	switch {
	case errors.As(err, &refusal):
		code, _, _ := strings.Cut(refusal.text, " ")
		return code
	case errors.Is(err, client.ErrUnknown):
		return "outcome unknown"
	case errors.Is(err, client.ErrInvalid): // before refused, which it is too
		return "invalid"
	case errors.Is(err, client.ErrRefused):
		return "refused"
	case errors.Is(err, errProtocol):
		return "protocol"
	case timedOut(err):
		return "timeout"
	}
	return "connection"
}
