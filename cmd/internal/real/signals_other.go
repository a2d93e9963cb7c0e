//go:build !unix

package real

import "os"

// There is no freezing a process here.
var signalPause, signalResume os.Signal
