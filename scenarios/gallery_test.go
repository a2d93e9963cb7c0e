package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// gallerySize is how many bugs the gallery has, the reserve bench apart.
const gallerySize = 32

// Every bug of the gallery is planted, or says what it waits for.
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
	for _, a := range Absent() {
		add(a.Number, a.Name)
		require.NotEmpty(t, a.Comes, a.Name)
	}
	for number := 1; number <= gallerySize; number++ {
		require.NotEmpty(t, names[number], "number %d is neither planted nor listed as absent", number)
	}
}
