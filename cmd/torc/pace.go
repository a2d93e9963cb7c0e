package main

import (
	"fmt"
	"time"

	torcv1 "torc/api/v1"
)

// pace words how far the moves of replicas are, and guesses from what was done since the first look
// how long the rest takes.
type pace struct {
	since time.Time
	left  uint64 // bytes, at the first look
}

const noMoves = "no replica is on the move"

func (p *pace) text(a *torcv1.ProgressResponse, now time.Time) string {
	if a.Replicas == 0 && a.Open == 0 {
		return noMoves
	}
	left := a.Bytes - min(a.Sent, a.Bytes)
	text := fmt.Sprintf("%d replicas to go, %d shards on the move, %s to send", a.Replicas, a.Open, bytesText(left))
	if a.NoAnswers > 0 {
		text += fmt.Sprintf(" (%d of %d shards did not say)", a.NoAnswers, a.Shards)
	}
	if p.since.IsZero() || left > p.left { // more has come up
		p.since, p.left = now, left
	}
	spent, done := now.Sub(p.since), p.left-left
	if spent >= time.Second && done > 0 {
		text += fmt.Sprintf(", about %v", time.Duration(float64(spent)*float64(left)/float64(done)).Round(time.Second))
	}
	return text
}
