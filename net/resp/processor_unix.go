//go:build unix

package resp

import (
	"syscall"
	"time"
)

// processorTime is what this process has had of the processors, and what the system has had for it. Go's own count is brought up to date only when
// it has collected garbage, and a node with much to do and little garbage would seem idle.
func processorTime() (user, system time.Duration) {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0, 0
	}
	return time.Duration(used.Utime.Nano()), time.Duration(used.Stime.Nano())
}
