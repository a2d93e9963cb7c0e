package client

import (
	"context"
	"errors"
	"fmt"

	"torc/core/session"
	"torc/core/wire"
)

// What errors of this package are, for errors.Is. The package's documentation says what each
// means.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("condition does not hold")
	ErrRefused  = errors.New("refused")
	ErrInvalid  = errors.New("invalid")
	ErrUnknown  = errors.New("outcome unknown")
	ErrClosed   = errors.New("client is closed")
	ErrPartial  = errors.New("done in part")

	// Why a command was refused, beside ErrRefused: there is too much to do here or there (try again later, not at
	// once), or nobody can serve the key now (its shard has no leader, or only the minority's side can be reached).
	ErrOverloaded  = errors.New("overloaded")
	ErrUnavailable = errors.New("unavailable")
)

// Error is the type of all errors of this package's calls.
type Error struct {
	Op     string // such as "set"
	Key    string // empty when it concerns no single key
	Reason string // such as "no quorum"; empty when there is no more to say

	kinds []error
	cause error // the context's error, when that ended the wait, or the client's own deadline did just before it
}

func (e *Error) Error() string {
	text := "torc: " + e.Op
	if e.Key != "" {
		text += fmt.Sprintf(" %q", e.Key)
	}
	text += ": " + e.kinds[0].Error()
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Is reports whether the error is of this kind.
func (e *Error) Is(target error) bool {
	for _, kind := range e.kinds {
		if kind == target {
			return true
		}
	}
	return false
}

// Unwrap returns the context's error when that ended the wait, or nil.
func (e *Error) Unwrap() error { return e.cause }

// call names what is being done, for errors.
type call struct {
	op, key string
	ended   error // the context's error, when that ended it
}

// late is what a call that ran out of time ended by.
func (c call) late() error {
	if c.ended != nil {
		return c.ended
	}
	return context.DeadlineExceeded
}

func (c call) fail(cause error, reason string, kinds ...error) error {
	return &Error{Op: c.op, Key: c.key, Reason: reason, kinds: kinds, cause: cause}
}

func (c call) invalid(reason string) error { return c.fail(nil, reason, ErrRefused, ErrInvalid) }
func (c call) notFound() error             { return c.fail(nil, "", ErrNotFound) }
func (c call) conflict() error             { return c.fail(nil, "", ErrConflict) }

// tooLarge is what is wrong with what no message carries.
const tooLarge = "too large: a key, a value, or what is asked for together is over a bound of the nodes' (--max-key, --max-value, --max-memory), or the answer over Options.MaxMessage"

// check turns everything but an answer into an error.
func (c call) check(item *session.Item) error {
	closed := item.Reason == wire.ReasonStopping && !item.Late // a node that says so is asked again, or another one, until time is up
	switch {
	case item.Outcome == wire.OutcomeUnknown && closed:
		return c.fail(nil, ErrClosed.Error(), ErrUnknown, ErrClosed)
	case item.Outcome == wire.OutcomeRefused && closed:
		return c.fail(nil, "", ErrClosed, ErrRefused)
	case item.Outcome == wire.OutcomeUnknown && item.Reason == wire.ReasonDeadline:
		return c.fail(c.late(), "", ErrUnknown)
	case item.Outcome == wire.OutcomeRefused && item.Reason == wire.ReasonDeadline && errors.Is(c.late(), context.Canceled):
		return c.fail(c.late(), "", ErrRefused) // its time may have been too short to find out more
	case item.Outcome == wire.OutcomeRefused && item.Reason == wire.ReasonDeadline:
		return c.fail(c.late(), "", ErrRefused, ErrUnavailable)
	case item.Outcome == wire.OutcomeUnknown:
		return c.fail(nil, item.Reason.String(), ErrUnknown)
	case item.Outcome == wire.OutcomeRefused && item.Reason == wire.ReasonTooLarge:
		return c.invalid(tooLarge)
	case item.Outcome == wire.OutcomeRefused && (item.Reason == wire.ReasonOverloaded || item.Reason == wire.ReasonOutOfMemory):
		return c.refused(item, ErrOverloaded)
	case item.Outcome == wire.OutcomeRefused && (item.Late || unavailable(item.Reason)):
		return c.refused(item, ErrUnavailable)
	case item.Outcome == wire.OutcomeRefused:
		return c.fail(nil, item.Reason.String(), ErrRefused)
	}
	return c.failed(&item.Result)
}

// failed turns an answer that is an error into one.
func (c call) failed(r *wire.Result) error {
	switch {
	case r.Kind != wire.KindError:
		return nil
	case r.Code == wire.CodeVersion || r.Code == wire.CodeGuard:
		return c.conflict()
	case r.Code == wire.CodeOutOfMemory:
		return c.fail(nil, wire.ReasonOutOfMemory.String(), ErrRefused, ErrOverloaded)
	}
	return c.invalid(r.Code.Text())
}

// refused is the error of a refusal. The reason is what the last node said; when that was repeated until time was up, or the call was cancelled,
// the error is that of a context as well.
func (c call) refused(item *session.Item, why error) error {
	if item.Late {
		return c.fail(nil, item.Reason.String(), ErrRefused, why, c.late())
	}
	return c.fail(nil, item.Reason.String(), ErrRefused, why)
}

// unavailable reports whether a reason says that nobody who could be reached serves the key.
func unavailable(r wire.Reason) bool {
	switch r {
	case wire.ReasonNoQuorum, wire.ReasonNotLeader, wire.ReasonNotOwner, wire.ReasonNotReady, wire.ReasonStaleEpoch, wire.ReasonOtherCluster:
		return true
	}
	return false
}

// MaybeApplied reports whether the write that an error is about may have been applied, or may yet be; or some of the writes of a transaction, that were
// (ErrPartial). After every other error it surely was not.
func MaybeApplied(err error) bool { return errors.Is(err, ErrUnknown) || errors.Is(err, ErrPartial) }

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
func isConflict(err error) bool { return errors.Is(err, ErrConflict) }
