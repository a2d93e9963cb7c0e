package peer

import "syscall"

// apart keeps Ctrl-C, which the terminal sends to all of a process group, from the servers: who started them stops them in order. They do not
// outlive this process, however it ends. (The signal comes when the thread that started them ends; the Go runtime keeps its threads.)
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
