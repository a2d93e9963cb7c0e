package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	torcv1 "torc/api/v1"
)

func drain(args []string) int {
	flags := newFlags("torc drain", "NODE")
	var c connection
	c.flags(flags)
	wait := flags.Bool("wait", false, "wait until the node is empty, and report progress")
	force := flags.Bool("force", false, "drain even if fewer nodes would be left than each shard has replicas: shards then have fewer replicas, and tolerate fewer losses")
	name, code, ok := oneNode("torc drain", func() ([]string, error) { return parseMixed(flags, args) })
	if !ok {
		return code
	}
	code = changeNode("torc drain", &c, func(ctx context.Context, api torcv1.AdminClient) (*torcv1.AdminResponse, error) {
		return api.Drain(ctx, &torcv1.DrainRequest{Node: name, Force: *force})
	})
	if code != exitOK || !*wait {
		return code
	}
	return waitDrained(&c, name)
}

func undrain(args []string) int {
	flags := newFlags("torc undrain", "NODE")
	var c connection
	c.flags(flags)
	name, code, ok := oneNode("torc undrain", func() ([]string, error) { return parseMixed(flags, args) })
	if !ok {
		return code
	}
	return changeNode("torc undrain", &c, func(ctx context.Context, api torcv1.AdminClient) (*torcv1.AdminResponse, error) {
		return api.Undrain(ctx, &torcv1.UndrainRequest{Node: name})
	})
}

// activeLooks is how many times in a row a node must be seen to take part before the draining counts as taken
// back: the map of the node that was asked may be older than the meta group's answer to the draining.
const activeLooks = 3

// errNotShown says that the topology, which has no peer addresses, shows no node of that name.
var errNotShown = errors.New("no node is shown under that name")

// waitDrained looks at the node every so often until it has left, and says why when it makes no step. Ctrl-C ends the
// waiting, not the draining.
func waitDrained(c *connection, name string) int {
	var p pace
	var standing stall
	told, active := "", 0
	for {
		state, err := stateOf(c, name)
		if errors.Is(err, errNotShown) { // it is there, or it could not be drained
			fmt.Fprintf(os.Stderr, "torc drain: %s is being drained, and cannot be waited for by that address: say its name (torc status)\n", name)
			return exitError
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "torc drain: %v\n", err) // the next look may find another node that answers
		}
		switch state {
		case torcv1.Node_LEFT:
			fmt.Printf("%s holds nothing any more: it can be stopped\n", name)
			return exitOK
		case torcv1.Node_ACTIVE:
			if active++; active == activeLooks {
				fmt.Fprintf(os.Stderr, "torc drain: %s takes part again: somebody has taken the draining back\n", name)
				return exitError
			}
		case torcv1.Node_DRAINING:
			active = 0
		}
		answer, err := askProgress(c)
		if err == nil {
			if text := p.text(answer, time.Now()); text != told {
				told = text
				fmt.Println(text)
			}
		}
		if still, tell := standing.look(stepOf(state, answer), time.Now()); tell {
			sayStall(os.Stderr, c, still)
		}
		time.Sleep(time.Second)
	}
}

func stateOf(c *connection, name string) (torcv1.Node_State, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	ctx, err := c.authorized(ctx)
	if err != nil {
		return torcv1.Node_DRAINING, err
	}
	t, err := askTopology(ctx, c)
	if err != nil {
		return torcv1.Node_DRAINING, err
	}
	i := slices.IndexFunc(t.Nodes, func(n *torcv1.Node) bool {
		return slices.Contains([]string{n.Name, n.GrpcAddr, n.RespAddr, fmt.Sprintf("%016x", n.Id)}, name)
	})
	if i < 0 {
		return torcv1.Node_DRAINING, errNotShown
	}
	return t.Nodes[i].State, nil
}

func askProgress(c *connection) (*torcv1.ProgressResponse, error) {
	return askAdmin(c, func(ctx context.Context, api torcv1.AdminClient) (*torcv1.ProgressResponse, error) {
		return api.Progress(ctx, &torcv1.ProgressRequest{})
	})
}
