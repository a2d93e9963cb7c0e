package client

import (
	"context"

	"torc/core/wire"
)

// Call is what an Observer is told of a call.
type Call struct {
	Op       string // such as "get"; of a call on many keys, what is done to each
	Key      string // empty when it concerns no single key
	Commands int    // how many keys it is on, or other commands
}

// Observer is told of every call that goes to the cluster. It must be safe for use by many goroutines.
type Observer interface {
	// Begin is called when a call begins, and the function that it returns when the call has ended: with nil when
	// everything was answered ("not found" and "condition does not hold" are answers), else with what is known of the
	// first command that was not. The context that it returns is the call's from then on.
	Begin(ctx context.Context, call Call) (context.Context, func(err error))
}

// firstFailure is what kept a call's commands from being answered, or nil.
func firstFailure(who call, w *waiter, err error) error {
	if err != nil {
		return err
	}
	who.ended = w.ended
	for i := range w.call.Items {
		if item := &w.call.Items[i]; item.Outcome != wire.OutcomeOK {
			return who.check(item)
		}
	}
	return nil
}
