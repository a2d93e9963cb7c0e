package scenarios

import (
	"testing"

	"torc/sim/simtest"
)

func TestMain(m *testing.M) { simtest.Main(m) }
