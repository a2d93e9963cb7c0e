package host

import (
	"time"

	"golang.org/x/sys/unix"
)

// suspended is how far the clock that counts suspension is ahead of the one that does not,
// up to a constant. Go's clock is read second: whatever comes between makes the gap smaller,
// never greater.
func suspended(origin time.Time) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano()) - time.Since(origin)
}
