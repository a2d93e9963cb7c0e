package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/scenarios/script"
)

// gallerySize is how many bugs the gallery has, the reserve bench apart.
const gallerySize = 32

// Every bug of the gallery is planted.
func TestGalleryIsWhole(t *testing.T) {
	names := map[int]string{}
	add := func(number int, name string) {
		require.Empty(t, names[number], "number %d is taken", number)
		names[number] = name
	}
	for _, m := range Mutants() {
		add(m.Number, m.Name)
		require.Equal(t, m.Name, m.Scenario.Name, "a planted bug's scenario has its name")
	}
	for number := 1; number <= gallerySize; number++ {
		require.NotEmpty(t, names[number], "number %d is not planted", number)
	}
}

// A directed scenario is short enough to be read at a glance, and one file each.
func TestGalleryFiles(t *testing.T) {
	entries, err := files.ReadDir("gallery")
	require.NoError(t, err)
	require.Len(t, entries, len(Mutants()))
	for _, e := range entries {
		text, err := files.ReadFile("gallery/" + e.Name())
		require.NoError(t, err)
		f, err := script.Parse(e.Name(), string(text))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%02d-%s.scenario", f.Number, f.Mutant), e.Name())
		require.LessOrEqual(t, strings.Count(string(text), "\n"), 40, e.Name())
	}
}
