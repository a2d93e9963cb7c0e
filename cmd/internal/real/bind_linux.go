package real

import (
	"os/exec"
	"syscall"
)

// bind ends a process with this one, even when this one is killed.
func bind(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
