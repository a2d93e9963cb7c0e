package torc_test

import (
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// leaves are what every room of core may stand on.
var leaves = []string{"torc/core/wire", "torc/core/env", "torc/core/trace", "torc/core/invariant", "torc/core/mutant"}

// arrow says what a room may import besides the standard library. A room is a folder; the most
// specific arrow that covers a package counts. An entry allows a package and, when it ends in
// "/...", all below it.
type arrow struct {
	room string
	may  []string
	why  string
}

var arrows = []arrow{
	{"core/wire", nil, "the words are everybody's, so they know nobody"},
	{"core/env", []string{"torc/core/wire"}, "the door carries frames and nothing else"},
	{"core/trace", []string{"torc/core/wire"}, "events name nodes and shards; who emits them is not trace's affair"},
	{"core/invariant", []string{"torc/core/wire"}, "a check must be usable everywhere"},
	{"core/mutant", nil, "a planted bug is a name; the fault stands in the code it spoils"},
	{"core/env/envtest", []string{"torc/core/env", "torc/core/wire", "github.com/stretchr/testify/..."}, "the contract suite of both worlds knows neither"},
	{"core/gossip/gossiptest", []string{"torc/core/gossip", "torc/core/wire", "github.com/stretchr/testify/..."}, "the contract suite of both worlds knows neither"},
	{"core/slab", []string{"torc/core/invariant"}, "memory knows nothing of what is kept in it, nor where pages come from"},
	{"core/store", with(leaves, "torc/core/slab", "github.com/tidwall/btree", "github.com/cespare/xxhash/v2"), "the state machine is a function of the log: it must not see who feeds it"},
	{"core/ring", leaves, "placement is a pure function of the members"},
	{"core/breaker", leaves, "a breaker counts; it knows no peer"},
	{"core/gossip", leaves, "gossip advises: nothing above it may leak into it"},
	{"core/limit", leaves, "a limit counts and compares; it knows no peer"},
	{"core/session", with(leaves, "torc/core/ring", "torc/core/breaker", "torc/core/limit"), "the client's brain runs in clients, where there is no raft, no store and no node"},
	{"core/raft", with(leaves, "go.etcd.io/raft/v3/...", "google.golang.org/protobuf/proto"), "a group member knows its log, not what its entries mean nor where it runs"},
	{"core/router", with(leaves, "torc/core/ring", "torc/core/raft", "torc/core/breaker", "torc/core/session"), "the front hall finds the shard; it never touches its data"},
	{"core", leaves, "a new room of core starts from the leaves; give it an arrow of its own when it needs more"},
	{"cluster", []string{"torc/core/..."}, "a node is assembled from core and runs in both worlds"},
	{"net/pages", []string{"golang.org/x/sys/unix"}, "mapped memory is the world's: core sees slab.Source, and nobody else may map"},
	{"net/sock", nil, "a connection knows nothing of what travels on it"},
	{"net/script", []string{"github.com/yuin/gopher-lua/..."}, "strangers' code reaches nothing: what redis.call does is its host's affair"},
	{"net/resp", netMay("torc/net/sock", "torc/net/buffers", "torc/net/script"), "a server declares the small interface it needs; only cmd puts it and a node together"},
	{"net/peer", netMay("torc/net/sock", "torc/net/buffers"), "frames travel whatever is in them; only cmd puts the network and a node together"},
	{"net/swim", netMay("github.com/hashicorp/memberlist", "github.com/hashicorp/go-msgpack/v2/codec"), "memberlist is production's feed of gossip; the rest of production sees gossip.Feed"},
	{"net/grpcapi", netMay("torc/net/sock", "torc/net/buffers"), "a server declares the small interface it needs; only cmd puts it and a node together"},
	{"net/admin", netMay("github.com/prometheus/client_golang/..."), "metrics are served here; others hand over numbers"},
	{"net", netMay(), "a server declares the small interface it needs; only cmd puts it and a node together"},
	{"sim", []string{"torc/core/...", "torc/cluster", "torc/cluster/...", "torc/linearizability"}, "the simulator replaces net; sockets or grpc in it would end determinism"},
	{"linearizability", []string{"torc/core/wire", "github.com/anishathalye/porcupine"}, "a history is judged without knowing who made it"},
	{"scenarios", []string{"torc/sim", "torc/linearizability", "torc/cluster", "torc/core/mutant", "torc/core/wire"}, "a scenario is a script for the simulator"},
	{"scenarios/sweep", []string{"torc/sim", "torc/scenarios", "torc/scenarios/repro", "torc/scenarios/script"}, "a sweep makes runs and keeps them; what happens in one is not its affair"},
	{"scenarios/replay", []string{"torc/sim", "torc/scenarios/repro", "torc/scenarios/script", "torc/linearizability", "torc/cluster", "torc/core/trace", "torc/core/wire"}, "who tells a run event by event reads what the simulator tells, and makes runs that were kept"},
	{"client", []string{"torc/core/session", "torc/core/wire", "torc/core/env", "torc/api/...", "google.golang.org/grpc/...", "google.golang.org/protobuf/..."}, "users link the client: it must not drag a node in"},
	{"api", []string{"google.golang.org/grpc/...", "google.golang.org/protobuf/...", "google.golang.org/genproto/..."}, "generated code and nothing else"},
	{"ui", nil, "pages are files"},
	{"cmd", []string{"..."}, "a command puts things together"},
}

// namespaces hold rooms and no Go file of their own (so that nothing shadows the standard net).
var namespaces = map[string]bool{"core": true, "net": true}

func with(base []string, more ...string) []string { return append(slices.Clone(base), more...) }

// netMay is what every room of production may import: the words and ports of core, but none of
// its logic.
func netMay(more ...string) []string {
	return append(with(leaves, "torc/core/gossip", "torc/core/gossip/...", "torc/api/...", "torc/ui", "torc/ui/...",
		"google.golang.org/grpc/...", "google.golang.org/protobuf/...", "google.golang.org/genproto/...",
		"golang.org/x/net/...", "golang.org/x/sys/...", "golang.org/x/sync/..."), more...)
}

// arrowFor returns the most specific arrow that covers a folder.
func arrowFor(folder string) *arrow {
	var best *arrow
	for i := range arrows {
		a := &arrows[i]
		if (folder == a.room || strings.HasPrefix(folder, a.room+"/")) && (best == nil || len(a.room) > len(best.room)) {
			best = a
		}
	}
	return best
}

func (a *arrow) allows(imported string) bool {
	for _, may := range a.may {
		below, tree := strings.CutSuffix(may, "...")
		if imported == may || tree && (strings.HasPrefix(imported, below) || imported == strings.TrimSuffix(below, "/")) {
			return true
		}
	}
	return false
}

// isStandard reports whether an import is of the standard library: its first word has no dot,
// and it is not ours.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return first != "torc" && !strings.Contains(first, ".")
}

// checkImports holds the arrows for one file.
func checkImports(s *source) (found []string) {
	a := arrowFor(s.folder)
	if a == nil {
		return []string{s.finding(s.file, "%s is a room without an arrow: add one to arrows_test.go that says what it may import, and why", s.folder)}
	}
	if namespaces[s.folder] {
		return []string{s.finding(s.file, "%s is a namespace: put the file into one of its rooms", s.folder)}
	}
	for _, spec := range s.file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if imported == "go.etcd.io/raft/v3" && (spec.Name == nil || spec.Name.Name != "etcdraft") {
			found = append(found, s.finding(spec, `etcd's raft is imported as etcdraft: write etcdraft %q, so that nobody takes it for torc/core/raft`, imported))
		}
		if isStandard(imported) || a.allows(imported) || a.owns(imported) {
			continue
		}
		found = append(found, s.finding(spec, "%s imports %s: %s; it may import %s", s.folder, imported, a.why, a.list()))
	}
	return found
}

// owns reports whether an import is of the same room.
func (a *arrow) owns(imported string) bool {
	return !namespaces[a.room] && strings.HasPrefix(imported, "torc/"+a.room+"/") || imported == "torc/"+a.room
}

func (a *arrow) list() string {
	if len(a.may) == 0 {
		return "only the standard library"
	}
	return strings.Join(a.may, ", ")
}

// TestImportArrows holds DESIGN's "who may import whom".
func TestImportArrows(t *testing.T) {
	fset := token.NewFileSet()
	tree := folders(t, fset)
	require.Contains(t, tree, "core/wire", "the walk did not find the tree")
	var found []string
	for folder, files := range tree {
		for _, file := range files {
			found = append(found, checkImports(&source{folder: folder, fset: fset, file: file})...)
		}
	}
	none(t, found)
}

func TestImportArrowsFindWhatTheyShould(t *testing.T) {
	for _, c := range []struct{ folder, imports, says string }{
		{"core/wire", `"fmt"`, ""},
		{"core/wire", `"torc/core/env"`, "core/wire imports torc/core/env: the words are everybody's"},
		{"core/wire", `"golang.org/x/text"`, "it may import only the standard library"},
		{"core/env", `"torc/core/wire"`, ""},
		{"core/mutant", `"torc/core/wire"`, "core/mutant imports"},
		{"core/store", `"github.com/tidwall/btree"`, ""},
		{"core/ring", `"github.com/tidwall/btree"`, "core/ring imports"},
		{"core/store", `"torc/core/raft"`, "core/store imports"},
		{"core/raft", `etcdraft "go.etcd.io/raft/v3"`, ""},
		{"core/raft", `"go.etcd.io/raft/v3/raftpb"`, ""},
		{"core/raft", `"go.etcd.io/raft/v3"`, "imported as etcdraft"},
		{"core/raft", `raft "go.etcd.io/raft/v3"`, "imported as etcdraft"},
		{"core/raft", `"torc/core/store"`, "core/raft imports"},
		{"cluster", `"go.etcd.io/raft/v3/raftpb"`, "cluster imports"},
		{"cluster", `"torc/core/store"`, ""},
		{"cluster", `"torc/sim"`, "cluster imports"},
		{"core/novel", `"torc/core/trace"`, ""},
		{"core/novel", `"torc/core/store"`, "a new room of core starts from the leaves"},
		{"net/swim", `"github.com/hashicorp/memberlist"`, ""},
		{"net/peer", `"github.com/hashicorp/memberlist"`, "net/peer imports"},
		{"net/resp", `"torc/cluster"`, "only cmd puts it and a node together"},
		{"net/resp", `"torc/sim"`, "net/resp imports"},
		{"net/host", `"torc/core/raft"`, "net/host imports"},
		{"sim", `"torc/cluster"`, ""},
		{"sim", `"torc/net/host"`, "sim imports"},
		{"sim", `"torc/api/v1"`, "sim imports"},
		{"sim", `"google.golang.org/grpc"`, "sim imports"},
		{"linearizability", `"torc/core/store"`, "linearizability imports"},
		{"client", `"google.golang.org/grpc"`, ""},
		{"client", `"google.golang.org/grpc/codes"`, ""},
		{"client", `"google.golang.org/grpcish"`, "client imports"},
		{"client", `"torc/cluster"`, "users link the client"},
		{"sim/report", `"torc/sim"`, ""},
		{"net/resp", `"torc/net/host"`, "net/resp imports"},
		{"net", `"fmt"`, "net is a namespace"},
		{"cmd/torcd", `"torc/net/host"; "torc/cluster"; "torc/sim"`, ""},
		{"lobby", `"fmt"`, "a room without an arrow"},
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "a.go", "package a\nimport ("+c.imports+")", parser.ImportsOnly)
		require.NoError(t, err)
		expectFinding(t, c.folder+" "+c.imports, c.says, checkImports(&source{folder: c.folder, fset: fset, file: file}))
	}
}

// TestArrowsAreInOrder: an arrow for a room that is gone hides the next typing error.
func TestArrowsAreInOrder(t *testing.T) {
	rooms := map[string]bool{}
	for _, a := range arrows {
		require.False(t, rooms[a.room], "two arrows for %s", a.room)
		require.NotEmpty(t, a.why, a.room)
		rooms[a.room] = true
	}
}
