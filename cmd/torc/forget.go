package main

import (
	"context"
	"errors"
	"fmt"

	torcv1 "torc/api/v1"
)

// forget says that a node never comes back. Without the code that it shows it changes nothing.
func forget(args []string) int {
	flags := newFlags("torc forget", "NODE")
	var c connection
	c.flags(flags)
	confirm := flags.String("confirm", "", "the `code` that torc forget NODE has shown: forget the node")
	name, code, ok := oneNode("torc forget", func() ([]string, error) { return parseMixed(flags, args) })
	if !ok {
		return code
	}
	answer, err := askAdmin(&c, func(ctx context.Context, api torcv1.AdminClient) (*torcv1.ForgetResponse, error) {
		return api.Forget(ctx, &torcv1.ForgetRequest{Node: name, Confirm: *confirm})
	})
	if no := (*refusal)(nil); errors.As(err, &no) && no.word == "ALREADY" {
		fmt.Println(no.text)
		return exitOK
	}
	if err != nil {
		return sayFailure("torc forget", err, *confirm != "")
	}
	return sayForget(name, answer, repeated(flags, "confirm"))
}

func sayForget(name string, answer *torcv1.ForgetResponse, flags string) int {
	for _, line := range answer.Lines {
		fmt.Println(line)
	}
	if answer.Done {
		return exitOK
	}
	fmt.Printf("nothing was done. If %s is gone for good: torc forget %s%s --confirm %s\n", name, name, flags, answer.Confirm)
	return exitDegraded
}
