package swim

import (
	"fmt"
	"strconv"
	"strings"

	"torc/core/wire"
)

// life is one life of a node and where it can be reached; its text is memberlist's name for
// the node:
//
//	<ID, 16 hex digits>.<incarnation, hex>@<host:port>
type life struct {
	node        wire.NodeID
	incarnation wire.Incarnation
	addr        string
}

func (l life) String() string {
	return fmt.Sprintf("%016x.%x@%s", uint64(l.node), uint64(l.incarnation), l.addr)
}

// parseLife reads a name.
func parseLife(name string) (life, bool) {
	who, addr, ok := strings.Cut(name, "@")
	if !ok || addr == "" {
		return life{}, false
	}
	id, incarnation, ok := strings.Cut(who, ".")
	if !ok {
		return life{}, false
	}
	n, err := strconv.ParseUint(id, 16, 64)
	if err != nil {
		return life{}, false
	}
	i, err := strconv.ParseUint(incarnation, 16, 64)
	if err != nil {
		return life{}, false
	}
	return life{wire.NodeID(n), wire.Incarnation(i), addr}, true
}

// whoever is the name by which an address is reached whose node is not known yet. memberlist
// splits it at the slash into a name, which the transport reads, and an IP address, which
// nobody reads: it would otherwise look the host's name up itself.
func whoever(addr string) string { return "@" + addr + "/127.0.0.1:1" }

// addrOf is the peer address in a name.
func addrOf(name string) (string, bool) {
	_, addr, ok := strings.Cut(name, "@")
	return addr, ok && addr != ""
}
