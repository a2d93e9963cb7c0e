//go:build !linux

package host

import "time"

// suspended is not known on this system. Leases are then safe against pauses of the process
// but not against suspension of the whole machine: use reads by ReadIndex there.
func suspended(time.Time) time.Duration { return 0 }
