package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"

	torcv1 "torc/api/v1"
)

func weight(args []string) int {
	flags := newFlags("torc weight", "NODE WEIGHT")
	var c connection
	c.flags(flags)
	rest, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	if len(rest) != 2 {
		fmt.Fprintln(os.Stderr, `torc weight: say a node and its weight: torc weight cache-3 1.5 ("own" goes back to what the node was started with)`)
		return exitError
	}
	hundredths, err := parseWeight(rest[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc weight: %v\n", err)
		return exitError
	}
	return changeNode("torc weight", &c, func(ctx context.Context, api torcv1.AdminClient) (*torcv1.AdminResponse, error) {
		return api.SetWeight(ctx, &torcv1.SetWeightRequest{Node: rest[0], Weight: hundredths})
	})
}

// parseWeight reads a weight into hundredths. What they would round off is refused, as by torcd.
func parseWeight(text string) (uint32, error) {
	if text == "own" {
		return 0, nil
	}
	w, err := strconv.ParseFloat(text, 64)
	hundredths := math.Round(w * 100)
	if err != nil || !(hundredths >= 1 && hundredths <= 100_00) || math.Abs(w*100-hundredths) > 1e-9 {
		return 0, fmt.Errorf("want a weight from 0.01 to 100 with two decimals at most, or own, not %q; to empty a node use torc drain", text)
	}
	return uint32(hundredths), nil
}
