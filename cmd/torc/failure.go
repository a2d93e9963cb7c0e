package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"torc/client"
	"torc/core/wire"
)

// doing is what a data command does to keys, in words. A read that fails has read nothing, whatever became of it:
// that its outcome be unknown would say nothing, and frighten.
type doing struct {
	done  string // "read", "written", "removed"
	reads bool
}

// failure says what is known of a key when a command has failed, why that is, and what to do.
func (d doing) failure(err error, timeout time.Duration) string {
	var of *client.Error
	if !errors.As(err, &of) || errors.Is(err, client.ErrInvalid) || errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrConflict) {
		return err.Error()
	}
	known := fmt.Sprintf("%q was not %s", of.Key, d.done)
	if errors.Is(err, client.ErrUnknown) && !d.reads {
		known = fmt.Sprintf("it is unknown whether %q was %s, and may yet be", of.Key, d.done)
	}
	return known + ": " + why(of, timeout) + ": " + d.advice(err, of)
}

func why(of *client.Error, timeout time.Duration) string {
	late := errors.Is(of, context.DeadlineExceeded)
	switch {
	case of.Reason == "" && late:
		return fmt.Sprintf("nobody answered within %v (--timeout)", timeout)
	case of.Reason == "":
		return "the answer did not come"
	case late:
		return fmt.Sprintf("%s, for %v (--timeout)", of.Reason, timeout)
	}
	return of.Reason
}

// outOfMemory is the reason of a write that no key makes room for. That does not pass by itself, unlike other overload.
var outOfMemory = wire.ReasonOutOfMemory.String()

func (d doing) advice(err error, of *client.Error) string {
	switch {
	case errors.Is(err, client.ErrUnknown) && !d.reads:
		return "read it before you try again (torc status shows what is missing)"
	case of.Reason == outOfMemory:
		return "remove keys, or give the nodes more --max-memory or a --maxmemory-policy that evicts (torc status shows how full they are)"
	case errors.Is(err, client.ErrOverloaded):
		return "try again later"
	}
	return "try again; if that lasts, torc status shows what is missing"
}
