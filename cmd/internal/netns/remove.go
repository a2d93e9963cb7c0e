package netns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// prefix begins the names of all namespaces that this package makes.
const prefix = "torc-"

// within is how long one of the small commands here may take.
const within = 20 * time.Second

// run runs a command and returns what it printed; an error says the command and its complaint.
func run(ctx context.Context, input, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}

// nft runs it in a namespace. Not by "ip netns exec", which is another program, and mounts a file system for it: a link is cut by two
// of these, and on a busy machine each program that must be started costs tenths of a second.
func nft(ctx context.Context, namespace, input string, args ...string) (out string, err error) {
	err = inside(namespace, func() (err error) {
		out, err = run(ctx, input, "nft", args...)
		return err
	})
	return out, err
}

// namespaces lists the names of this package's namespaces, of any process.
func namespaces(ctx context.Context) (names []string, err error) {
	out, err := run(ctx, "", "ip", "netns", "list")
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 0 && labOf(fields[0]) != "" {
			names = append(names, fields[0])
		}
	}
	return names, err
}

// labOf is the lab that a namespace belongs to by its name, torc-PID-NUMBER-WHAT, or "".
func labOf(namespace string) string {
	if _, ours := ownerOf(namespace); !ours {
		return ""
	}
	return namespace[:strings.LastIndexByte(namespace, '-')]
}

// ownerOf is the process that made a namespace, by its name.
func ownerOf(namespace string) (pid int, ours bool) {
	rest, ours := strings.CutPrefix(namespace, prefix)
	parts := strings.Split(rest, "-")
	if !ours || len(parts) != 3 {
		return 0, false
	}
	pid, err := strconv.Atoi(parts[0])
	_, wrong := strconv.Atoi(parts[1])
	return pid, err == nil && wrong == nil && pid > 0
}

// remove ends the processes in one of this package's namespaces, and the namespace.
func remove(ctx context.Context, namespace string) error {
	out, err := run(ctx, "", "ip", "netns", "pids", namespace)
	for _, field := range strings.Fields(out) {
		if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill() // it may have ended by itself meanwhile
			}
		}
	}
	_, gone := run(ctx, "", "ip", "netns", "delete", namespace)
	return errors.Join(err, gone)
}

// Sweep removes what processes left that were killed before they could clean up, and returns the
// namespaces' names.
func Sweep(ctx context.Context) (removed []string, err error) {
	names, err := namespaces(ctx)
	if err != nil {
		return nil, err
	}
	var wrong []error
	for _, name := range names {
		if pid, _ := ownerOf(name); !Lives(pid) {
			removed = append(removed, name)
			wrong = append(wrong, remove(ctx, name))
		}
	}
	return removed, errors.Join(wrong...)
}

// Lives says that there is such a process.
func Lives(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
