// Package devcluster runs a whole cluster in the calling process, on free ports of loopback: for examples, for tests of
// programs that use Torc, and for measurements. It is torc dev as a library.
//
//	cluster, err := devcluster.Start(ctx, 3)
//	...
//	defer cluster.Stop()
//	c, err := client.New(ctx, client.Options{Seeds: cluster.Seeds()})
//
// What must hold:
//
//  1. Start returns when every shard has a leader, or with an error and nothing left running.
//  2. Stop ends all nodes and gives their ports back.
//
// The nodes are production's (cmd/internal/node), with their memory in this process.
package devcluster
