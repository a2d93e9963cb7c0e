package resp

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuideNamesEveryCommand: docs/REDIS.md lists what the command table has, and nothing else.
func TestGuideNamesEveryCommand(t *testing.T) {
	guide, err := os.ReadFile("../../docs/REDIS.md")
	require.NoError(t, err)
	_, list, found := strings.Cut(string(guide), "\n## Commands\n")
	require.True(t, found)
	list, _, _ = strings.Cut(list, "\nLists, ")
	var named, has []string
	for _, m := range regexp.MustCompile("`([A-Z_]+)`").FindAllStringSubmatch(list, -1) {
		named = append(named, strings.ToLower(m[1]))
	}
	for _, c := range table {
		if c.group != "unsupported" {
			has = append(has, c.name)
		}
	}
	require.ElementsMatch(t, has, named)
}
