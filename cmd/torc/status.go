package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
)

// exitDegraded says that the cluster answers but is not whole.
const exitDegraded = 2

func showStatus(args []string) int {
	flags := newFlags("torc status", "")
	var c connection
	c.flags(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	all := flags.Bool("shards", false, "print every shard, not only those in trouble")
	wait := flags.Duration("wait", 0, "keep asking for this long until the cluster is healthy, after a start for instance")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if refuseArguments(flags) {
		return exitError
	}
	r, err := look(&c)
	for end := time.Now().Add(*wait); mayMend(r, err) && time.Now().Before(end); r, err = look(&c) {
		time.Sleep(statusAgain)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc status: %v\n", err)
		return exitError
	}
	if r.moving() {
		if answer, err := askProgress(&c); err == nil {
			r.Progress = new(pace).text(answer, time.Now())
		}
	}
	if *asJSON {
		out, _ := json.MarshalIndent(r, "", "  ")
		fmt.Println(string(out))
	} else {
		r.print(os.Stdout, newPainter(os.Stdout), *all)
	}
	if len(r.Trouble) > 0 {
		return exitDegraded
	}
	return exitOK
}

// mayMend reports whether it is worth asking again: a password that is not taken will not be taken later either.
func mayMend(r *report, err error) bool {
	return err != nil && status.Code(err) != codes.Unauthenticated || err == nil && len(r.Trouble) > 0
}

// statusAgain is how often it is asked whether the cluster has become healthy.
const statusAgain = 500 * time.Millisecond

func look(c *connection) (*report, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	return gather(ctx, c)
}

// gather asks a node who is there, and then everybody.
func gather(ctx context.Context, c *connection) (*report, error) {
	ctx, err := c.authorized(ctx)
	if err != nil {
		return nil, err
	}
	topology, err := askTopology(ctx, c)
	if err != nil {
		return nil, err
	}
	answers := make([]*torcv1.StatusResponse, len(topology.Nodes))
	failures := make([]error, len(topology.Nodes))
	var asked sync.WaitGroup
	for i, n := range topology.Nodes {
		if n.State == torcv1.Node_LEFT { // nobody is there
			continue
		}
		asked.Go(func() {
			answers[i], failures[i] = askStatus(ctx, c, topology.ClusterId, n)
		})
	}
	asked.Wait()
	return newReport(topology, answers, failures), nil
}

// askTopology asks one address after the other, until one answers.
func askTopology(ctx context.Context, c *connection) (t *torcv1.TopologyResponse, err error) {
	var failures []error
	for _, addr := range c.seeds() {
		t, err = ask(ctx, c, addr, func(ctx context.Context, api torcv1.CacheClient) (*torcv1.TopologyResponse, error) {
			return api.Topology(ctx, &torcv1.TopologyRequest{})
		})
		if err == nil {
			return t, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w%s", addr, err, dialAdvice(err.Error())))
	}
	return nil, errors.Join(failures...)
}

// askStatus asks a node, and makes sure that it is this node: addresses are used again.
func askStatus(ctx context.Context, c *connection, cluster uint64, n *torcv1.Node) (*torcv1.StatusResponse, error) {
	s, err := ask(ctx, c, n.GrpcAddr, func(ctx context.Context, api torcv1.CacheClient) (*torcv1.StatusResponse, error) {
		return api.Status(ctx, &torcv1.StatusRequest{})
	})
	switch {
	case err != nil:
		return nil, err
	case s.ClusterId == 0:
		return nil, errors.New("it is not in the cluster yet")
	case s.ClusterId != cluster:
		return nil, fmt.Errorf("at its address is a node of cluster %016x", s.ClusterId)
	case s.Node != n.Id:
		return nil, fmt.Errorf("at its address is node %s", s.Name)
	}
	return s, nil
}

// askWithin is how long one node may take.
const askWithin = 2 * time.Second

func ask[T any](ctx context.Context, c *connection, addr string, call func(context.Context, torcv1.CacheClient) (T, error)) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	conn, err := c.dial(addr)
	if err != nil {
		return answer, err
	}
	defer func() { _ = conn.Close() }()
	if answer, err = call(ctx, torcv1.NewCacheClient(conn)); err != nil {
		return answer, &plain{err}
	}
	return answer, nil
}

// plain is a call's error in plain words.
type plain struct{ cause error }

func (p *plain) Error() string { return plainly(p.cause) }
func (p *plain) Unwrap() error { return p.cause }

// plainly is gRPC's error without what only gRPC's developers want to know.
func plainly(err error) string {
	s := status.Convert(err)
	switch {
	case s.Code() == codes.DeadlineExceeded:
		return "no answer in time"
	case torcReason(s) == "NOT_READY":
		return "it is in no cluster yet: its log and /readyz say what it waits for"
	case torcReason(s) == "UNAUTHENTICATED":
		what, _, _ := strings.Cut(s.Message(), ": send ") // what a program would do
		return what + ": say --password-file FILE, or TORC_PASSWORD"
	case slices.ContainsFunc(otherService, func(words string) bool { return strings.Contains(s.Message(), words) }):
		return "another port than that for Torc's clients (torcd --grpc, 7401 by default): it answers, and not as one"
	case hungUp(s.Message()):
		return "it hung up without a word: does it speak TLS (--tls-ca, or --tls)? Or is it another port than that for Torc's clients (torcd --grpc)?"
	case strings.Contains(s.Message(), "does not look like a TLS handshake"):
		return "it does not speak TLS: leave out --tls and --tls-ca"
	}
	if _, why, found := strings.Cut(s.Message(), "authentication handshake failed: "); found {
		return strings.TrimSuffix(why, `"`) + " (--tls-ca names the authority that the nodes' certificates are signed by)"
	}
	if _, dialing, found := strings.Cut(s.Message(), "Error while dialing: "); found {
		return strings.TrimSuffix(dialing, `"`)
	}
	return s.Message()
}

// otherService is what gRPC says of a port at which something else answers: HTTP, another gRPC service, or TLS without gRPC in it,
// such as Redis's protocol.
var otherService = []string{"frame too large", "unknown service", "missing selected ALPN", "no application protocol"}

// dialAdvice is what to do when no connection comes to be to an address that the user gave, if that is known.
func dialAdvice(why string) string {
	switch {
	case strings.Contains(why, "connection refused"):
		return ": nobody listens there. Is it a node's --grpc address (port 7401 by default), and does torcd run?"
	case strings.Contains(why, "missing port in address"):
		return ": say --addr HOST:PORT (torcd's --grpc, 7401 by default)"
	}
	return ""
}

// hungUp reports whether gRPC's words are of a peer that closed the connection before it had said anything. Whether reading or writing
// comes to know of it first is a matter of luck.
func hungUp(words string) bool {
	return strings.Contains(words, "error reading server preface") || strings.Contains(words, "broken pipe") || strings.Contains(words, "connection reset by peer")
}
