package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepUntil puts the thread to sleep, to the precision of the kernel's timers (about 60 µs late on an idle machine).
func sleepUntil(at time.Time) {
	for left := time.Until(at); left > 0; left = time.Until(at) {
		t := unix.NsecToTimespec(int64(left))
		_ = unix.Nanosleep(&t, nil) // an interrupted sleep is slept again
	}
}
