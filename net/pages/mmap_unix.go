//go:build unix

package pages

import "golang.org/x/sys/unix"

func mmap(n int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		// Huge pages would keep 2 MiB resident for the 4 KiB of them that are in use.
		_ = unix.Madvise(b, adviceSmall)
	}
	return b, err
}

func unmap(b []byte) { _ = unix.Munmap(b) }

// discard gives the memory back and keeps the addresses.
func discard(b []byte) { _ = unix.Madvise(b, unix.MADV_DONTNEED) }
