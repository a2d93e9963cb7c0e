package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun: every cache gets a line for each size, and hits something in a trace that is easy.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	var text bytes.Buffer
	packed := gzip.NewWriter(&text)
	for i := range 5000 {
		fmt.Fprintf(packed, "k%d 10\n", i*i%400)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "easy.gz"), text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(dir, 0, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4*len(caches) {
		t.Fatalf("%d lines:\n%s", len(lines), &out)
	}
	for _, line := range lines[len(lines)-len(caches):] {
		if !strings.HasPrefix(line, "easy\t250\t") || strings.HasSuffix(line, "\t0") {
			t.Errorf("%q", line)
		}
	}
	if err := run(t.TempDir(), 0, &out); err == nil || !strings.Contains(err.Error(), "holds no traces") {
		t.Errorf("an empty directory: %v", err)
	}
}
