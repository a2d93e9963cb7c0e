//go:build !unix

package pages

func mmap(n int) ([]byte, error) { return make([]byte, n), nil }
func unmap([]byte)               {}
func discard([]byte)             {}
func beSmall([]byte)             {}
func beHuge([]byte)              {}
