package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
)

// What operators ask of the cluster: drain, undrain, weight, roll. Any node takes the question; each
// says what should be, so asking another node when one does not answer does no harm.

// refusal is a definite no, with its word (api/v1/admin.proto).
type refusal struct{ word, text string }

func (r *refusal) Error() string { return r.text }

// ofOneNode says that another node may know better: this one reaches nobody who leads the meta group, or
// has just been started.
func (r *refusal) ofOneNode() bool { return r.word == "NO_QUORUM" || r.word == "NOT_READY" }

// askAdmin asks one address after the other, until one has a definite answer.
func askAdmin[T any](c *connection, call func(context.Context, torcv1.AdminClient) (T, error)) (answer T, err error) {
	ctx, err := c.authorized(context.Background())
	if err != nil {
		return answer, err
	}
	var failures []error
	for _, addr := range c.seeds() {
		answer, err = askAdminAt(ctx, c, addr, call)
		if no := (*refusal)(nil); err == nil || errors.As(err, &no) && !no.ofOneNode() {
			return answer, err
		}
		failures = append(failures, fmt.Errorf("%s: %w%s", addr, err, dialAdvice(err.Error())))
	}
	return answer, errors.Join(failures...)
}

func askAdminAt[T any](ctx context.Context, c *connection, addr string, call func(context.Context, torcv1.AdminClient) (T, error)) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.dial(addr)
	if err != nil {
		return answer, err
	}
	defer func() { _ = conn.Close() }()
	if answer, err = call(ctx, torcv1.NewAdminClient(conn)); err != nil {
		if word := torcReason(status.Convert(err)); word != "" {
			return answer, &refusal{word, plainly(err)}
		}
		return answer, &noAnswer{plainly(err), mayBeDone(err)}
	}
	return answer, nil
}

// errMayBeDone is what every failure is after which nobody knows whether the request was carried out.
var errMayBeDone = errors.New("it may have been done")

// noAnswer is a failure that says nothing of what became of the request.
type noAnswer struct {
	text      string
	mayBeDone bool
}

func (n *noAnswer) Error() string { return n.text }

// Is reports whether it may have been done.
func (n *noAnswer) Is(target error) bool { return target == errMayBeDone && n.mayBeDone }

// mayBeDone is false when a request surely never was with the node, for no connection came to be or another service is there, and
// when the node has said itself that it does not know.
func mayBeDone(err error) bool {
	s := status.Convert(err)
	words := []string{"Error while dialing", "authentication handshake failed", "error reading server preface"}
	unreached := s.Code() == codes.Unavailable && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s.Message(), w) })
	return !unreached && s.Code() != codes.Unknown && s.Code() != codes.Unimplemented
}

// sayFailure says why a request of an operator's was not answered as wished, and what is not known of it.
func sayFailure(command string, err error, changes bool) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", command, err)
	if changes && errors.Is(err, errMayBeDone) {
		fmt.Fprintf(os.Stderr, "%s: it may have been done all the same: ask again, that does no harm\n", command)
	}
	return exitError
}

// torcReason is the word by which a node says that surely nothing was done; "" when it does not.
func torcReason(s *status.Status) string {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.Domain == "torc" {
			return info.Reason
		}
	}
	return ""
}

// changeNode runs a command that changes one node, and prints what came of it.
func changeNode(command string, c *connection, call func(context.Context, torcv1.AdminClient) (*torcv1.AdminResponse, error)) int {
	answer, err := askAdmin(c, call)
	if no := (*refusal)(nil); errors.As(err, &no) && no.word == "ALREADY" {
		fmt.Println(no.text)
		return exitOK
	}
	if err != nil {
		return sayFailure(command, err, true)
	}
	for _, line := range answer.Lines {
		fmt.Println(line)
	}
	return exitOK
}

// oneNode parses a command's flags and the node that it is about.
func oneNode(command string, parse func() ([]string, error)) (name string, code int, ok bool) {
	rest, err := parse()
	switch {
	case err != nil:
		return "", flagsExit(err), false
	case len(rest) != 1:
		fmt.Fprintf(os.Stderr, "%s: which node? Say its name or one of its addresses, as torc status shows them\n", command)
		return "", exitError, false
	}
	return rest[0], exitOK, true
}
