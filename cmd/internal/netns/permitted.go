package netns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
)

// Permitted says why networks of namespaces cannot be made here, and what would help, or nil. It
// makes one to find out; later calls return the first one's answer.
func Permitted() error { return permitted() }

var permitted = sync.OnceValue(func() error {
	if runtime.GOOS != "linux" {
		return errors.New("network namespaces are a thing of Linux")
	}
	var missing []string
	for _, tool := range []struct{ program, debian string }{{"ip", "iproute2"}, {"nft", "nftables"}} {
		if _, err := exec.LookPath(tool.program); err != nil {
			missing = append(missing, tool.debian)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("programs are missing: apt-get install %s", strings.Join(missing, " "))
	}
	if os.Geteuid() != 0 {
		return errors.New("network namespaces need root: run it with sudo")
	}
	return try(context.Background())
})

// try makes a network with every sort of rule and removes it.
func try(ctx context.Context) error {
	l, err := New(ctx, 1, 1)
	if err != nil {
		return err
	}
	var r Rules
	r.Part(l.Host(0), l.Guest(0))
	r.Lose(l.Host(0), l.Guest(0), 500)
	return errors.Join(l.Apply(ctx, r), l.Close())
}
