package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	torcv1 "torc/api/v1"
)

const (
	stallAfter  = 15 * time.Second // without a step a draining is said to stand still
	stallsEvery = time.Minute      // and again, while it does
)

// stall notices that a draining makes no step, so that who waits for it learns why.
type stall struct {
	step  string // what was seen last of how far it is
	since time.Time
	told  time.Time
}

// look takes what is seen now, and says for how long nothing else has been seen when that is worth a word.
func (s *stall) look(step string, now time.Time) (still time.Duration, tell bool) {
	if step != s.step || s.since.IsZero() {
		*s = stall{step: step, since: now}
	}
	if still = now.Sub(s.since); still < stallAfter || now.Sub(s.told) < stallsEvery {
		return still, false
	}
	s.told = now
	return still, true
}

// stepOf is how far a draining is, as it is compared.
func stepOf(state torcv1.Node_State, answer *torcv1.ProgressResponse) string {
	return fmt.Sprint(state, answer.GetReplicas(), answer.GetBytes(), answer.GetSent())
}

// sayStall says what a draining waits for: nodes that do not answer and shards that are not well.
func sayStall(w io.Writer, c *connection, still time.Duration) {
	_, _ = fmt.Fprintf(w, "torc drain: nothing has moved for %v. What is in the way:\n", still.Round(time.Second))
	reasons := stallReasons(c)
	if len(reasons) == 0 {
		reasons = []string{"nothing that the nodes know of: torc status --shards shows where everything is"}
	}
	for _, reason := range reasons {
		_, _ = fmt.Fprintln(w, "  "+reason)
	}
}

func stallReasons(c *connection) (reasons []string) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	if r, err := gather(ctx, c); err != nil {
		reasons = append(reasons, strings.Split(err.Error(), "\n")...)
	} else {
		reasons = slices.DeleteFunc(r.Trouble, func(trouble string) bool { return !strings.HasPrefix(trouble, "node ") })
	}
	check, err := askAdmin(c, func(ctx context.Context, api torcv1.AdminClient) (*torcv1.RollCheckResponse, error) {
		return api.RollCheck(ctx, &torcv1.RollCheckRequest{})
	})
	if err != nil {
		return append(reasons, strings.Split(err.Error(), "\n")...)
	}
	if check.Safe {
		return reasons
	}
	return append(reasons, check.Lines...)
}
