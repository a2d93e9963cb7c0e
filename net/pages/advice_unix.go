//go:build unix && !linux

package pages

import "golang.org/x/sys/unix"

const (
	adviceSmall = unix.MADV_NORMAL
	adviceHuge  = unix.MADV_NORMAL
)
