package netns

import (
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Labs that are made at once have subnets of their own, and give them back.
func TestLabsAtOnceShareNoSubnet(t *testing.T) {
	const count = 40
	subnets, errs := make([]netip.Prefix, count), make([]error, count)
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() { subnets[i], errs[i] = takeSubnet(int(labs.Add(1))) })
	}
	all.Wait()
	seen := map[netip.Prefix]bool{}
	for i, p := range subnets {
		require.NoError(t, errs[i])
		require.False(t, seen[p], "%v is taken twice", p)
		seen[p] = true
		require.True(t, taken.subnets[p])
	}
	for _, p := range subnets {
		giveSubnet(p)
		require.False(t, taken.subnets[p])
	}
}
