package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// A node that joins by way of one that does not lead the meta group has not spoken to the one that does. It is given the grace that everybody
// has to do so.
func TestANewcomerIsNotDownBeforeItHasSpoken(t *testing.T) {
	for via := range 4 {
		o := newOffice(t, 4, 8, 3)
		o.run(time.Minute)
		n := o.start("n5", 5, 1, Config{Join: []string{o.names[via]}, Shards: 8, Grace: 5 * time.Second})
		require.True(t, o.until(time.Minute, func() bool {
			who := o.m().Member(5)
			require.False(t, who != nil && who.State == wire.MemberDown, "admitted by %s", o.names[via])
			return who != nil && o.holds(5) > 0
		}))
		n.over = true
		require.True(t, o.until(time.Minute, func() bool { return o.m() != nil && o.m().Member(5).State == wire.MemberDown }))
	}
}
