package proctest

import (
	"os"
	"testing"

	"torc/cmd/internal/netns"
)

// NeedNetns lets a test go on that makes network namespaces for real nodes. Such tests are slow and
// need root: they run when TORC_NEED_NETNS is set, as CI does, and then must be possible.
func NeedNetns(t *testing.T) {
	t.Helper()
	if os.Getenv("TORC_NEED_NETNS") == "" {
		t.Skip("it makes network namespaces: set TORC_NEED_NETNS=1, as root, to run it")
	}
	if err := netns.Permitted(); err != nil {
		t.Fatalf("TORC_NEED_NETNS asks for network namespaces: %v", err)
	}
}
