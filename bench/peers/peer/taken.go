package peer

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Taken is what processes have taken of the machine since they began. Without /proc all of it is 0.
type Taken struct {
	CPU    time.Duration
	Reads  int64 // system calls that read, those that found nothing among them; recv and recvmsg are not counted by Linux
	Writes int64 // system calls that write; send and sendmsg are not counted
	Sleeps int64 // how often one of their threads had nothing to do and gave its processor away
}

// Taken is what its processes have taken so far, together.
func (s *Server) Taken() (sum Taken) {
	for _, p := range s.processes {
		reads, writes := p.calls()
		sum.CPU += p.cpu()
		sum.Reads += reads
		sum.Writes += writes
		sum.Sleeps += p.sleeps()
	}
	return sum
}

// calls is how many system calls have read and written, files and sockets alike (proc(5), /proc/PID/io).
func (p *process) calls() (reads, writes int64) {
	numbers := p.numbers("io")
	return numbers["syscr"], numbers["syscw"]
}

// sleeps is how often its threads, of those that still live, have gone to sleep (proc(5), /proc/PID/status).
func (p *process) sleeps() (sum int64) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", p.cmd.Process.Pid)) // the pattern is well formed
	for _, thread := range threads {
		sum += p.numbers("task/" + filepath.Base(thread) + "/status")["voluntary_ctxt_switches"]
	}
	return sum
}

// numbers are the lines "name: number" of a file of /proc/PID; none if it is not there.
func (p *process) numbers(file string) map[string]int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
	out := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil {
			out[name] = n
		}
	}
	return out
}
