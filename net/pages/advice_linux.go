package pages

import "golang.org/x/sys/unix"

const (
	adviceSmall = unix.MADV_NOHUGEPAGE
	adviceHuge  = unix.MADV_HUGEPAGE
)
