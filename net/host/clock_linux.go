package host

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// suspended is how far the clock that counts suspension is ahead of the one that does not,
// up to a constant. Go's clock is read second: whatever comes between makes the gap smaller,
// never greater.
//
// It is asked once a turn. The call does not go through unix.ClockGettime, which tells Go's scheduler that
// this goroutine may be away for long; the kernel answers in a fraction of a microsecond.
func suspended(origin time.Time) time.Duration {
	var ts unix.Timespec
	if _, _, failed := unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_BOOTTIME, uintptr(unsafe.Pointer(&ts)), 0); failed != 0 {
		return 0
	}
	return time.Duration(ts.Nano()) - time.Since(origin)
}
