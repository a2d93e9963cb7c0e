package netns

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func addr(last byte) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 7, last}) }

// What nft is told for each sort of trouble between hosts 11, 12, 13 and guest 101.
func TestRules(t *testing.T) {
	for name, make := range map[string]func(r *Rules){
		"none":    func(*Rules) {},
		"one-way": func(r *Rules) { r.Cut(addr(11), addr(12)) },
		"isolate": func(r *Rules) { r.Part(addr(11), addr(12)); r.Part(addr(11), addr(13)) },
		"client":  func(r *Rules) { r.Part(addr(101), addr(12)); r.Part(addr(101), addr(13)) },
		"twice":   func(r *Rules) { r.Part(addr(11), addr(12)); r.Cut(addr(12), addr(11)) },
		"lossy": func(r *Rules) {
			r.Lose(addr(11), addr(12), 500)
			r.Lose(addr(12), addr(11), 500)
			r.Lose(addr(13), addr(11), 25)
			r.Lose(addr(13), addr(12), 0)
			r.Lose(addr(12), addr(13), 10_000)
		},
		"both": func(r *Rules) { r.Lose(addr(11), addr(12), 500); r.Cut(addr(12), addr(13)) },
	} {
		t.Run(name, func(t *testing.T) {
			var r Rules
			make(&r)
			golden(t, name, r.Text())
			slices.Reverse(r.Cuts)
			slices.Reverse(r.Loss)
			golden(t, name, r.Text())
		})
	}
}

func golden(t *testing.T, name, got string) {
	path := filepath.Join("testdata", name+".nft")
	if *rewrite {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// What the rules have dropped is summed up from what nft lists.
func TestDropped(t *testing.T) {
	require.Zero(t, droppedIn("table bridge torc {\n}\n"))
	require.Equal(t, uint64(49), droppedIn(`table bridge torc {
	chain links {
		type filter hook forward priority 0; policy accept;
		ip saddr 198.18.7.12 ip daddr { 198.18.7.13, 198.18.7.14 } counter packets 7 bytes 420 drop
		ip saddr 198.18.7.11 ip daddr 198.18.7.12 numgen random mod 10000 < 500 counter packets 42 bytes 2184 drop
	}
}
`))
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"torc-71-2-hub": "torc-71-2", "torc-71-2-n12": "torc-71-2",
		"torc-71-hub": "", "torc-x-2-hub": "", "torc-71-x-hub": "", "torc-0-1-hub": "", "torc-1-2-3-4": "", "other-1-2-hub": "", "": "",
	} {
		require.Equal(t, want, labOf(name), name)
	}
}
