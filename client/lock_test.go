package client

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Who deletes what he has made does not delete what another one has put in its place.
func TestCompareAndDelete(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	require.ErrorIs(t, c.CompareAndDelete(ctx, "lock", 7), ErrConflict, "absent")
	mine, err := c.Set(ctx, "lock", []byte("me"))
	require.NoError(t, err)
	other, err := c.Set(ctx, "lock", []byte("you"))
	require.NoError(t, err)
	err = c.CompareAndDelete(ctx, "lock", mine)
	require.ErrorIs(t, err, ErrConflict)
	require.EqualError(t, err, `torc: compareanddelete "lock": condition does not hold`)
	require.Equal(t, "you", f.has("lock"))
	require.NoError(t, c.CompareAndDelete(ctx, "lock", other))
	require.Empty(t, f.has("lock"))
	err = c.CompareAndDelete(ctx, "lock", 0)
	require.ErrorIs(t, err, ErrInvalid)
}
