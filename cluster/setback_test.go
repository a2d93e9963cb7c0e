package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"torc/core/wire"
)

// The leader's wall clock is an hour ahead for a moment, and then set right. Log time, which never goes back, is ahead from then on; it goes on at half
// the speed, as it does when a leader takes over from one whose clock was ahead, so keys expire late, but not an hour late.
func TestAClockThatIsSetBackDoesNotStopTime(t *testing.T) {
	o := newOffice(t, 3, 1)
	o.run(10 * time.Second)
	leader := o.lead(1)
	set := func(key string, ttl time.Duration) {
		leader.ask(&answers{}, wire.Command{Op: wire.OpSet, Key: []byte(key), Value: []byte("v"), TTLKind: wire.TTLRelative, TTL: ttl.Milliseconds()})
		o.run(100 * time.Millisecond)
	}
	there := func(key string) bool {
		told := &answers{}
		leader.ask(told, wire.Command{Op: wire.OpExists, Key: []byte(key)})
		o.run(200 * time.Millisecond)
		require.Len(t, told.all, 1)
		return told.all[0].Results[0].Int == 1
	}
	o.jumped = time.Hour.Milliseconds()
	set("before", 5*time.Second)
	o.jumped = 0
	set("after", 5*time.Second)
	o.run(4 * time.Second)
	require.True(t, there("before"))
	require.True(t, there("after"))
	o.run(8 * time.Second)
	require.False(t, there("before"))
	require.False(t, there("after"))
	require.Same(t, leader, o.lead(1))
}
