package main

import (
	"testing"

	"torc/cmd/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }
