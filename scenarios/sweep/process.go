package sweep

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Process is a worker as the sweep sees it.
type Process struct {
	In  io.WriteCloser
	Out io.Reader
	// End ends the process, if it still lives, and returns what it said on stderr. One that hangs is
	// asked first to say where.
	End func(hangs bool) (said []byte)
}

// saidMax bounds what is kept of a process's last words. A Go panic says the most important first.
const saidMax = 256 << 10

// dumpLimit is how long a process that hangs may take to say where.
const dumpLimit = 5 * time.Second

// Spawn starts `BINARY sim worker` with additions to the environment.
func Spawn(binary string, env ...string) (*Process, error) {
	cmd := exec.Command(binary, "sim", "worker")
	cmd.Env = append(os.Environ(), env...)
	said := &head{}
	cmd.Stderr = said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a worker: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a worker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a worker: %w", err)
	}
	return &Process{In: in, Out: out, End: func(hangs bool) []byte {
		if hangs {
			_ = cmd.Process.Signal(syscall.SIGQUIT) // Go prints all goroutines and exits
			late := time.AfterFunc(dumpLimit, func() { _ = cmd.Process.Kill() })
			defer late.Stop()
		} else {
			_ = cmd.Process.Kill()
		}
		_ = cmd.Wait()
		return said.bytes()
	}}, nil
}

// head keeps the beginning of what is written to it.
type head struct {
	lock sync.Mutex
	kept []byte
}

func (h *head) Write(b []byte) (int, error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.kept = append(h.kept, b[:min(len(b), saidMax-len(h.kept))]...)
	return len(b), nil
}

func (h *head) bytes() []byte {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.kept
}

// talk is a conversation with a process.
type talk struct {
	process *Process
	lines   *bufio.Reader
	begun   bool
}

func newTalk(p *Process) *talk { return &talk{process: p, lines: bufio.NewReader(p.Out)} }

// errHangs says that an answer did not come in time.
var errHangs = errors.New("no answer")

// ask puts a question, after the job when it is the first, and waits for the answer.
func (t *talk) ask(job *Job, q Question, budget time.Duration) (Answer, error) {
	type reply struct {
		a   Answer
		err error
	}
	replies := make(chan reply, 1)
	go func() {
		a, err := t.exchange(job, q)
		replies <- reply{a, err}
	}()
	late := time.NewTimer(budget)
	defer late.Stop()
	select {
	case r := <-replies:
		return r.a, r.err
	case <-late.C:
		return Answer{}, fmt.Errorf("%w within %v", errHangs, budget)
	}
}

func (t *talk) exchange(job *Job, q Question) (a Answer, err error) {
	if !t.begun {
		if err := t.say(job); err != nil {
			return a, err
		}
		t.begun = true
	}
	if err := t.say(q); err != nil {
		return a, err
	}
	line, err := t.lines.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("the worker died: %w", err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("the worker answered %.200q, which is no answer: %w", line, err)
	}
	if a.Seed != q.Seed {
		return a, fmt.Errorf("the worker was asked for seed %d and answered for %d", q.Seed, a.Seed)
	}
	if a.Hash == "" && a.Error == "" {
		return a, fmt.Errorf("the worker answered without a trace hash")
	}
	return a, nil
}

func (t *talk) say(what any) error {
	line, err := json.Marshal(what)
	if err == nil {
		_, err = t.process.In.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("the worker died: %w", err)
	}
	return nil
}
