package invariant

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCheck: a belief that holds costs nothing; one that fails stops the caller with its text.
func TestCheck(t *testing.T) {
	require.NotPanics(t, func() { Check(true, "applied %d", 1) })
	require.PanicsWithValue(t, Violation{"applied 7 is past commit 5"}, func() { Check(false, "applied %d is past commit %d", 7, 5) })
	require.Zero(t, testing.AllocsPerRun(100, func() { Check(true, "no arguments, no memory") }))
}

// TestViolationIsAnError: who recovers one (the host's OnFatal, the simulator's verdict) can tell
// it from any other panic.
func TestViolationIsAnError(t *testing.T) {
	var v Violation
	err := fmt.Errorf("lane 3: %w", caught(func() { Check(false, "term went back") }))
	require.True(t, errors.As(err, &v))
	require.Equal(t, "term went back", v.Text)
	require.EqualError(t, err, "lane 3: invariant violated: term went back")
}

func caught(f func()) (err error) {
	defer func() { err = recover().(error) }()
	f()
	return nil
}

func TestExpensiveFollowsItsTag(t *testing.T) { require.Equal(t, tagged, Expensive) }
