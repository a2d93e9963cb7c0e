//go:build !linux

package peer

import "syscall"

func apart() *syscall.SysProcAttr { return nil }
