package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"torc/cmd/devcluster"
)

// Every client works against a cluster, without an error.
func TestEveryClient(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := devcluster.Start(ctx, 3, "--shards=8")
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	var out strings.Builder
	o := options{grpc: strings.Join(cluster.Seeds(), ","), resp: strings.Join(cluster.RESP(), ","), only: strings.Join(names, ","),
		lasts: 300 * time.Millisecond, callers: 4, rate: 200, keys: 2000, size: 100}
	if err := run(o, &out); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	if strings.Contains(out.String(), "the last error") {
		t.Error("a client had errors")
	}
}
