//go:build linux && !race

package sock

import (
	"runtime"
	"syscall"
	"unsafe"
)

const (
	sysRead  = syscall.SYS_READ
	sysWrite = syscall.SYS_WRITE
)

// call is read(2) or write(2).
func call(trap, fd uintptr, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// vector is what writev(2) is told of pieces.
type vector struct{ list []syscall.Iovec }

// write is writev(2), of most bytes at most.
func (v *vector) write(fd uintptr, pieces [][]byte, most int) (int, syscall.Errno) {
	v.list = v.list[:0]
	for _, b := range pieces {
		if len(b) == 0 {
			continue
		}
		b = b[:min(len(b), most)]
		most -= len(b)
		v.list = append(v.list, syscall.Iovec{Base: unsafe.SliceData(b), Len: uint64(len(b))})
		if most == 0 || len(v.list) == piecesMost {
			break
		}
	}
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(unsafe.SliceData(v.list))), uintptr(len(v.list)))
	runtime.KeepAlive(pieces)
	clear(v.list)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
