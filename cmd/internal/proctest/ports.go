package proctest

import (
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
)

// Ports are given to nodes from below the range from which the kernel takes those of outgoing connections, and each once in a process: one that the
// kernel names is free when it is asked, and may be a connection's, or another test's node's, before its own node listens there.
const (
	portsFrom = 10_000
	portsEnd  = 32_000
)

// given are the ports that this process has given out. Processes begin at different ones.
var given = struct {
	sync.Mutex
	count int
}{}

// freePorts finds ports that nobody listens on.
func freePorts(t *testing.T, count int) (addrs []string) {
	t.Helper()
	given.Lock()
	defer given.Unlock()
	for len(addrs) < count {
		if given.count++; given.count > portsEnd-portsFrom {
			t.Fatalf("no port from %d to %d is free", portsFrom, portsEnd)
		}
		addr := fmt.Sprintf("127.0.0.1:%d", portsFrom+(os.Getpid()*101+given.count)%(portsEnd-portsFrom))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		_ = l.Close()
		addrs = append(addrs, addr)
	}
	return addrs
}
