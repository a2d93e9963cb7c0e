package proctest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"torc/cmd/internal/node"
)

// Node is one torcd, through its lives.
type Node struct {
	t     *testing.T
	args  []string
	Index int

	RESP, GRPC, Peer, Admin string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when the present life has ended
	log    *lockedBuffer // of all lives
}

// lockedBuffer takes what the process says.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// With adds settings to the node's own, for the lives that begin from now on; of one given twice the last counts.
func (n *Node) With(settings ...string) { n.args = append(n.args, settings...) }

// Start begins a life.
func (n *Node) Start() {
	n.t.Helper()
	cmd := exec.Command(binary, n.args...)
	cmd.Stdout, cmd.Stderr = n.log, n.log
	cmd.Env = environment()
	if err := cmd.Start(); err != nil {
		n.t.Fatalf("start node %d: %v", n.Index, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	n.mu.Lock()
	n.cmd, n.exited = cmd, exited
	n.mu.Unlock()
}

// environment is the test's without TORC_ settings.
func environment() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TORC_") {
			env = append(env, v)
		}
	}
	return env
}

func (n *Node) signal(s os.Signal) {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.t.Fatalf("send %v to node %d: %v\n%s", s, n.Index, err, n.log)
	}
}

// Kill ends the life at once (SIGKILL).
func (n *Node) Kill() {
	n.t.Helper()
	n.signal(syscall.SIGKILL)
	<-n.exited
}

// Restart kills the process and begins another life with the same settings.
func (n *Node) Restart() {
	n.t.Helper()
	n.Kill()
	n.Start()
}

// Pause freezes the process (SIGSTOP).
func (n *Node) Pause() { n.t.Helper(); n.signal(syscall.SIGSTOP) }

// Freeze is Pause, and waits until every thread has stopped: the signal is on its way for a moment, in which they still answer.
func (n *Node) Freeze() {
	n.t.Helper()
	n.Pause()
	Until(n.t, 10*time.Second, "the process stands still", func() error {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", n.cmd.Process.Pid))
		if err != nil {
			return err
		}
		for _, path := range threads {
			stat, err := os.ReadFile(path)
			if err != nil {
				continue // it has ended
			}
			if at := bytes.LastIndexByte(stat, ')'); !bytes.HasPrefix(stat[at+1:], []byte(" T")) {
				return fmt.Errorf("%s: %s", path, stat)
			}
		}
		return nil
	})
}

// Resume lets it go on (SIGCONT).
func (n *Node) Resume() { n.t.Helper(); n.signal(syscall.SIGCONT) }

// HangUp sends SIGHUP.
func (n *Node) HangUp() { n.t.Helper(); n.signal(syscall.SIGHUP) }

// Stop asks the process to end (SIGTERM) and returns its exit code.
func (n *Node) Stop(within time.Duration) int {
	n.t.Helper()
	n.signal(syscall.SIGTERM)
	return n.Wait(within)
}

// Wait waits for the process to end and returns its exit code.
func (n *Node) Wait(within time.Duration) int {
	n.t.Helper()
	select {
	case <-n.exited:
		return n.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		n.t.Fatalf("node %d did not end within %v\n%s", n.Index, within, n.log)
		return -1
	}
}

// end makes sure that nothing is left.
func (n *Node) end() {
	_ = n.cmd.Process.Kill()
	<-n.exited
}

// Log is what the process has said, in all its lives.
func (n *Node) Log() string { return n.log.String() }

// Status asks the node how it stands.
func (n *Node) Status() (*node.Status, error) {
	body, err := n.Get("/status")
	if err != nil {
		return nil, err
	}
	var s node.Status
	return &s, json.Unmarshal(body, &s)
}

// Get asks the admin port for something.
func (n *Node) Get(path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Admin+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(body)))
	}
	return body, err
}

// Metric is the sum of a metric's samples, whatever their labels.
func (n *Node) Metric(name string) (sum float64, err error) {
	body, err := n.Get("/metrics")
	if err != nil {
		return 0, err
	}
	found := false
	for line := range strings.Lines(string(body)) {
		sample, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if of, _, _ := strings.Cut(sample, "{"); !ok || of != name {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		sum, found = sum+v, true
	}
	if !found {
		return 0, fmt.Errorf("there is no metric %s", name)
	}
	return sum, nil
}

// Memory is what the process takes of the machine's memory now, and has taken at most; zero where
// there is no /proc.
func (n *Node) Memory() (now, most int64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.PID()))
	for line := range strings.Lines(string(text)) {
		var kib int64
		switch name, rest, _ := strings.Cut(line, ":"); name {
		case "VmRSS":
			_, _ = fmt.Sscan(rest, &kib)
			now = kib << 10
		case "VmHWM":
			_, _ = fmt.Sscan(rest, &kib)
			most = kib << 10
		}
	}
	return now, most
}

// Processor is for how long the process's threads have run, and for how long they were ready to run and
// waited for a processor; zero where there is no /proc. What others do on the machine shows in the latter.
func (n *Node) Processor() (ran, waited time.Duration) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", n.PID()))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		var r, w time.Duration
		_, _ = fmt.Sscan(string(text), &r, &w)
		ran, waited = ran+r, waited+w
	}
	return ran, waited
}

// Ready says why the node cannot serve yet, or nil.
func (n *Node) Ready() error {
	_, err := n.Get("/readyz")
	return err
}

// WaitReady waits until the node can serve.
func (n *Node) WaitReady(within time.Duration) {
	n.t.Helper()
	Until(n.t, within, fmt.Sprintf("node %d is ready", n.Index), n.Ready)
}

// PID is the present life's process ID.
func (n *Node) PID() int { return n.cmd.Process.Pid }

// Holds says that the node has fewer than so many replicas that follow or lead, or nothing.
func (n *Node) Holds(least int) error {
	s, err := n.Status()
	if err != nil {
		return err
	}
	holds := 0
	for _, lane := range s.Lanes {
		for _, g := range lane.Groups {
			if g.Role == "leader" || g.Role == "follower" && len(g.Voters) > 0 {
				holds++
			}
		}
	}
	if holds < least {
		return fmt.Errorf("node %d holds %d replicas, not %d", n.Index, holds, least)
	}
	return nil
}
