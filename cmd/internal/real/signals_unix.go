//go:build unix

package real

import (
	"os"
	"syscall"
)

// The signals that freeze a process and let it go on.
var signalPause, signalResume os.Signal = syscall.SIGSTOP, syscall.SIGCONT
