package real

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"torc/cmd/internal/node"
)

// process is a node through its lives.
type process struct {
	number  int // from 1
	at      addresses
	command func() *exec.Cmd
	log     *os.File // of all lives
	http    *http.Client
	died    func(p *process, how string) // called when a life ends by itself

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	state  state
	lives  int
}

type state int

const (
	down state = iota
	up
	paused
	stopping
)

func (p *process) String() string { return fmt.Sprintf("n%d", p.number) }

// is reports the state.
func (p *process) is() state {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// life counts the lives so far.
func (p *process) life() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lives
}

// start begins a life.
func (p *process) start() error {
	cmd := p.command()
	cmd.Stdout, cmd.Stderr, cmd.Env = p.log, p.log, environment()
	bind(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %v: %w", p, err)
	}
	exited := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.exited, p.state = cmd, exited, up
	p.lives++
	p.mu.Unlock()
	go func() {
		_ = cmd.Wait()
		p.mu.Lock()
		unasked := p.state == up || p.state == paused
		p.state = down
		p.mu.Unlock()
		close(exited)
		if unasked {
			p.died(p, cmd.ProcessState.String())
		}
	}()
	return nil
}

// environment is this process's without TORC_ settings.
func environment() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TORC_") {
			env = append(env, v)
		}
	}
	return env
}

// signal sends a signal to a process that has not ended, and notes the state that it brings about.
func (p *process) signal(s os.Signal, to state) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == down {
		return nil
	}
	p.state = to
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %v to %v: %w", s, p, err)
	}
	return nil
}

// kill ends the life at once and waits for its end.
func (p *process) kill() error {
	if p.is() == down {
		return nil
	}
	if err := p.signal(syscall.SIGKILL, stopping); err != nil {
		return err
	}
	<-p.exited
	return nil
}

func (p *process) pause() error  { return p.signal(signalPause, paused) }
func (p *process) resume() error { return p.signal(signalResume, up) }

// stop asks the process to end.
func (p *process) stop() error { return p.signal(syscall.SIGTERM, stopping) }

// status asks the node how it stands.
func (p *process) status(ctx context.Context) (*node.Status, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.at.admin+"/status", nil)
	if err != nil {
		return nil, err
	}
	answer, err := p.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%v: %s", p, answer.Status)
	}
	var s node.Status
	return &s, json.NewDecoder(answer.Body).Decode(&s)
}
