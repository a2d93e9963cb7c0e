package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"torc/bench/peers/load"
	"torc/bench/peers/peer"
)

// Overload is what `bench-peers --overload` finds out of a server that is asked for three times what it can do:
//
//	peak      a closed loop: what it can do
//	before    half of that, to know its usual times
//	flood     three times that, sent whether answers come or not
//	after     half again: when are the times usual ones again?
type overload struct {
	server   *peer.Server
	resp     []string
	mix      load.Mix
	out      io.Writer
	shown    *progress
	peak     float64
	memory   []int64 // before, of each process
	usual    time.Duration
	floodFor time.Duration
}

// How the flood is sent. A backlog of 64 requests on each of 400 connections are 25,600 under way, a client library's usual bound.
const (
	floodConns   = 400
	floodBacklog = 64
	floodTimes   = 3
)

func (o options) overload(ctx context.Context, out io.Writer, shown *progress) error {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	return peer.With(ctx, root, func(server *peer.Server) error {
		v := &overload{server: server, resp: server.RESP, out: out, shown: shown, floodFor: 10 * time.Second,
			mix: load.Mix{Space: load.NewKeyspace(keysOf[100], 100), Reads: .8}}
		return v.run(ctx)
	})
}

func (v *overload) run(ctx context.Context) error {
	target := load.RESP{Addrs: v.resp}
	v.shown.say("fill")
	if err := fillOne(target, v.mix.Space); err != nil {
		return err
	}
	v.shown.say("what it can do")
	if err := v.findPeak(target); err != nil || ctx.Err() != nil {
		return err
	}
	before, err := v.flood("half of it", v.peak/2, 5*time.Second)
	if err != nil || ctx.Err() != nil {
		return err
	}
	v.usual = median(before.Slots)
	for i := range v.server.Processes() {
		v.memory = append(v.memory, v.server.Memory(i))
	}
	during, err := v.flood("three times as much", floodTimes*v.peak, v.floodFor)
	if err != nil || ctx.Err() != nil {
		return err
	}
	after, err := v.flood("half of it again", v.peak/2, 5*time.Second)
	if err != nil {
		return err
	}
	v.shown.end()
	return v.tell(before, during, after)
}

func (v *overload) findPeak(target load.RESP) error {
	callers, err := target.Open(floodConns) // as many as the flood's: a pipeline costs a server less than connections do
	if err != nil {
		return err
	}
	defer closeAll(callers)
	r := load.Closed{Mix: v.mix, Pipeline: 1, Warm: time.Second, Measure: 5 * time.Second}.Run(callers)
	if r.Errors > 0 || r.PerSecond == 0 {
		return fmt.Errorf("a closed loop met %d errors: %s", r.Errors, r.Error)
	}
	v.peak = r.PerSecond
	return nil
}

func (v *overload) flood(what string, rate float64, during time.Duration) (load.Flooded, error) {
	v.shown.say("%s", what)
	r, err := load.Flood{Mix: v.mix, Addrs: v.resp, Conns: floodConns, Rate: int(rate), For: during, Drain: 10 * time.Second, Backlog: floodBacklog}.Run()
	if err == nil {
		err = v.server.Dead()
	}
	return r, err
}

// median is the usual 99th percentile of a tenth of a second.
func median(slots []load.Slot) time.Duration {
	var all []time.Duration
	for _, s := range slots {
		if s.Right > 0 {
			all = append(all, s.P99)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// recovered is how long after the flood the times were usual ones for good: below three times the median before.
func (v *overload) recovered(after load.Flooded) time.Duration {
	last := 0
	for i, s := range after.Slots {
		if s.Refused > 0 || s.Right > 0 && s.P99 > 3*max(v.usual, 10*time.Millisecond) {
			last = i + 1
		}
	}
	return time.Duration(last) * 100 * time.Millisecond
}

func (v *overload) tell(before, during, after load.Flooded) error {
	worst := time.Duration(0)
	for _, s := range during.Slots {
		worst = max(worst, s.P99)
	}
	goodput := float64(during.Right) / v.floodFor.Seconds()
	var grown []string
	for i := range v.memory {
		grown = append(grown, fmt.Sprintf("%d to %d MiB", v.memory[i]>>20, v.server.Memory(i)>>20))
	}
	_, err := fmt.Fprintf(v.out, `peak           %.0f requests a second (closed loop on as many connections as the flood, 80%% reads of 100 B, any node)
before         %.0f/s: p99 of a tenth of a second %v in the median
flood          %.0f/s on %d connections: %d due, %d held back by a full backlog of %d, %d lost
goodput        %.0f/s, %.2f of the peak
refused        %d%s
p99 of a tenth of a second, of requests that were answered right: median %v, worst %v
memory         %s
after          %.0f/s: usual times again %v after the flood, %d refused, %d lost
`, v.peak, v.peak/2, v.usual.Round(100*time.Microsecond), floodTimes*v.peak, floodConns, during.Due, during.Held, floodBacklog, during.Lost,
		goodput, goodput/v.peak, during.Refused, quoted(during.Refusal), median(during.Slots).Round(time.Millisecond), worst.Round(time.Millisecond),
		strings.Join(grown, ", "), v.peak/2, v.recovered(after), after.Refused, after.Lost)
	if during.Broken != "" {
		_, err = fmt.Fprintf(v.out, "a connection broke: %s\n", during.Broken)
	}
	return err
}

func quoted(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(", the first with %q", text)
}
