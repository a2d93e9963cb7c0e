package proctest

import (
	"os"
	"testing"

	"torc/cmd/internal/netns"
)

// NeedNetns lets a test go on that makes network namespaces for real nodes, where they are permitted.
// TORC_NEED_NETNS says that they must be, as CI does; -short says that there is no time.
func NeedNetns(t *testing.T) {
	t.Helper()
	err := netns.Permitted()
	switch {
	case err != nil && os.Getenv("TORC_NEED_NETNS") != "":
		t.Fatalf("TORC_NEED_NETNS asks for network namespaces: %v", err)
	case err != nil:
		t.Skipf("no network namespaces here: %v", err)
	case testing.Short():
		t.Skip("real nodes in network namespaces take half a minute: not with -short")
	}
}
