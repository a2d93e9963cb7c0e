package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	torcv1 "torc/api/v1"
)

// roll tells whether a node may be stopped now: 0 yes, 2 not now, 1 nobody knows.
func roll(args []string) int {
	flags := newFlags("torc roll", "[NODE]")
	var c connection
	c.flags(flags)
	check := flags.Bool("check", false, "check whether the node (or, without NODE, any one node) may be stopped now")
	wait := flags.Duration("wait", 0, "keep asking for this long until it is safe")
	rest, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	if !*check || len(rest) > 1 {
		fmt.Fprintln(os.Stderr, "torc roll: say --check, and perhaps a node. To update a cluster, for each node: torc roll --check --wait 5m NODE, stop it (SIGTERM), start it anew")
		return exitError
	}
	name := ""
	if len(rest) == 1 {
		name = rest[0]
	}
	var patience rollPatience
	for end := time.Now().Add(*wait); ; time.Sleep(500 * time.Millisecond) {
		answer, err := askAdmin(&c, func(ctx context.Context, api torcv1.AdminClient) (*torcv1.RollCheckResponse, error) {
			return api.RollCheck(ctx, &torcv1.RollCheckRequest{Node: name})
		})
		if now := time.Now(); (err != nil || !answer.Safe) && !inVain(err) && now.Before(end) {
			patience.say(answer, err, now)
			continue
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "torc roll: %v\n", err)
			return exitError
		}
		return sayRoll(answer, newPainter(os.Stdout))
	}
}

// inVain says that asking again brings no other answer: a name that is typed wrongly, or a password.
func inVain(err error) bool {
	no := (*refusal)(nil)
	return errors.As(err, &no) && (no.word == "NO_NODE" || no.word == "UNAUTHENTICATED")
}

// rollPatience says what is waited for, at once and then now and then.
type rollPatience struct{ next time.Time }

const rollSaysEvery = 10 * time.Second

func (p *rollPatience) say(answer *torcv1.RollCheckResponse, err error, now time.Time) {
	if now.Before(p.next) {
		return
	}
	p.next = now.Add(rollSaysEvery)
	why := strings.Join(answer.GetLines(), "; ")
	if err != nil {
		why = err.Error()
	}
	fmt.Fprintf(os.Stderr, "torc roll: not yet: %s\n", why)
}

func sayRoll(answer *torcv1.RollCheckResponse, p painter) int {
	if answer.Safe {
		fmt.Println(p.good("safe"))
	} else {
		fmt.Println(p.bad("not now"))
	}
	for _, line := range answer.Lines {
		fmt.Println(line)
	}
	if answer.Safe {
		return exitOK
	}
	return exitDegraded
}
