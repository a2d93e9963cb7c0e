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

// vector has nothing to keep where pieces are written one by one.
type vector struct{}

// write writes pieces, of most bytes at most, until the socket takes no more.
func (*vector) write(fd uintptr, pieces [][]byte, most int) (written int, errno syscall.Errno) {
	for _, b := range pieces {
		for b = b[:min(len(b), most)]; len(b) > 0; {
			n, errno := call(sysWrite, fd, b)
			if n <= 0 {
				if written > 0 {
					errno = 0
				}
				return written, errno
			}
			written += n
			most -= n
			b = b[n:]
		}
	}
	return written, 0
}
