package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	torcv1 "torc/api/v1"
)

// recoverMeta begins the meta group anew on one node, which must be named: each node knows something else.
// Without the code that it shows it changes nothing.
func recoverMeta(args []string) int {
	flags := newFlags("torc recover-meta", "--addr NODE")
	var c connection
	c.flags(flags)
	confirm := flags.String("confirm", "", "the `code` that torc recover-meta has shown for this node: recreate the meta group")
	rest, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	var given []string
	flags.Visit(func(f *flag.Flag) { given = append(given, f.Name) })
	if len(rest) > 0 || !slices.Contains(given, "addr") || strings.Contains(c.addr, ",") {
		fmt.Fprintln(os.Stderr, "torc recover-meta: say --addr of one node that has lived through the loss; of several that have, look at each first and take one with the newest map")
		return exitError
	}
	answer, err := askAdmin(&c, func(ctx context.Context, api torcv1.AdminClient) (*torcv1.RecoverMetaResponse, error) {
		return api.RecoverMeta(ctx, &torcv1.RecoverMetaRequest{Confirm: *confirm})
	})
	if err != nil {
		return sayFailure("torc recover-meta", err, *confirm != "")
	}
	for _, line := range answer.Lines {
		fmt.Println(line)
	}
	if answer.Done {
		return exitOK
	}
	fmt.Printf("nothing was done. If the meta group's majority is gone for good: torc recover-meta%s --confirm %s\n", repeated(flags, "confirm"), answer.Confirm)
	return exitDegraded
}
