package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"torc/bench/peers/peer"
)

// installer finds the peers' programs, and installs those that are missing where it may.
type installer struct {
	forbidden bool
	updated   bool // the package lists are fresh
	shown     *progress
}

// find is nil if a program is there now, else it says why not.
func (i *installer) find(program string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	pkg := peer.Programs[program]
	switch _, err := exec.LookPath("apt-get"); {
	case i.forbidden:
		return fmt.Errorf("%s is not installed, and --no-install is given", program)
	case err != nil:
		return fmt.Errorf("%s is not installed, and there is no apt-get to install it: install it and run again", program)
	case os.Geteuid() != 0:
		return fmt.Errorf("%s is not installed: apt-get install %s as root, or run this as root", program, pkg)
	}
	i.shown.say("apt-get install %s", pkg)
	if !i.updated {
		i.updated = true
		_ = aptGet("update", "-qq") // what is known already may do
	}
	if err := aptGet("install", "-y", "-qq", pkg); err != nil {
		return fmt.Errorf("%s is not installed: %w", program, err)
	}
	_, err := exec.LookPath(program)
	return err
}

func aptGet(args ...string) error {
	cmd := exec.Command("apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("apt-get %s: %w: %s", strings.Join(args, " "), err, lines[len(lines)-1])
	}
	return nil
}
