//go:build unix

package pages

import "golang.org/x/sys/unix"

func mmap(n int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		beSmall(b)
	}
	return b, err
}

// beSmall asks that what is touched become resident in small pages, beHuge in huge ones, as far as the system has them.
func beSmall(b []byte) { _ = unix.Madvise(b, adviceSmall) }
func beHuge(b []byte)  { _ = unix.Madvise(b, adviceHuge) }

func unmap(b []byte) { _ = unix.Munmap(b) }

// discard gives the memory back and keeps the addresses.
func discard(b []byte) { _ = unix.Madvise(b, unix.MADV_DONTNEED) }
