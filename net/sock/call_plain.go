//go:build unix && (race || !linux)

package sock

import (
	"errors"
	"syscall"
)

const (
	sysRead = iota
	sysWrite
)

// call is read(2) or write(2), by the library's functions: the race detector learns from them that what is read was written
// before, and systems other than Linux want system calls to come from their own library.
func call(trap, fd uintptr, b []byte) (n int, errno syscall.Errno) {
	var err error
	if trap == sysRead {
		n, err = syscall.Read(int(fd), b)
	} else {
		n, err = syscall.Write(int(fd), b)
	}
	if errors.As(err, &errno) {
		return 0, errno
	}
	return n, 0
}
