package script

import (
	"fmt"
	"strconv"
	"strings"

	"torc/core/wire"
	"torc/sim"
)

// The word when holds another fault, so the table cannot name its reader while it is being made.
func init() {
	faultWords = append(faultWords, faultWord{"when", "when snapshot [of 1] [after 5ms] FAULT, or when change [of 1] [after 5ms] FAULT",
		"arm a fault: it strikes when a snapshot is sent (from sender to receiver), or when a change of voters is under way", readWhen, writeWhen})
}

func readClog(r *reader) (sim.Fault, error) {
	f := sim.Clog{}
	a, err := readTarget(r)
	if err != nil {
		return f, err
	}
	f.A = a
	switch {
	case r.have("--"):
		f.Pair = true
	case r.have(">>"):
		f.Pair, f.OneWay = true, true
	default:
		f.Clients = r.have("clients")
		return f, nil
	}
	f.B, err = readTarget(r)
	return f, err
}

func writeClog(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.Clog)
	switch {
	case f.OneWay:
		return fmt.Sprintf("%v >> %v", f.A, f.B), ok
	case f.Pair:
		return fmt.Sprintf("%v -- %v", f.A, f.B), ok
	case f.Clients:
		return fmt.Sprintf("%v clients", f.A), ok
	}
	return f.A.String(), ok
}

func readStall(r *reader) (sim.Fault, error) {
	t, err := readTarget(r)
	if err != nil {
		return nil, err
	}
	if err := r.must("lane"); err != nil {
		return nil, err
	}
	w, err := r.take("a lane's number")
	if err != nil {
		return nil, err
	}
	n, ok := parseNumbers(w.text)
	if !ok || len(n) != 1 {
		return nil, fmt.Errorf("want a lane's number from 0 on, not %q", w.text)
	}
	return sim.Stall{Target: t, Lane: n[0]}, nil
}

func readLag(r *reader) (sim.Fault, error) {
	pair, err := readCut(r)
	if err != nil {
		return nil, err
	}
	f := sim.Lag{}
	switch pair := pair.(type) {
	case sim.Cut:
		f.A, f.B, f.Both = pair.A, pair.B, true
	case sim.OneWay:
		f.A, f.B = pair.From, pair.To
	}
	if err := r.must("by"); err != nil {
		return nil, err
	}
	f.By, err = readDuration(r)
	return f, err
}

func writeLag(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.Lag)
	if f.Both {
		return fmt.Sprintf("%v -- %v by %v", f.A, f.B, f.By), ok
	}
	return fmt.Sprintf("%v >> %v by %v", f.A, f.B, f.By), ok
}

// bytesMax is what a fault may bound bytes to.
const bytesMax = 1 << 30

func parseBytes(name, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > bytesMax {
		return 0, fmt.Errorf("%s: want a number of bytes up to 1 GiB, not %q", name, text)
	}
	return n, nil
}

func readThrottle(r *reader) (sim.Fault, error) {
	t, err := readTarget(r)
	if err != nil {
		return nil, err
	}
	f := sim.Throttle{Target: t}
	err = readPairs(r, func(name, value string) (err error) {
		switch name {
		case "delay":
			f.Delay, err = parseDuration(value)
		case "bytes":
			f.Bytes, err = parseBytes(name, value)
		case "drop":
			f.Drop, err = parseParts(name, value)
		case "over":
			f.Over, err = parseBytes(name, value)
		default:
			err = fmt.Errorf("want delay=, bytes=, drop= or over=, not %q", name)
		}
		return err
	})
	return f, err
}

func writeThrottle(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.Throttle)
	text := fmt.Sprintf("%v delay=%v bytes=%d", f.Target, f.Delay, f.Bytes)
	if f.Drop > 0 {
		text += fmt.Sprintf(" drop=%d", f.Drop)
	}
	if f.Over > 0 {
		text += fmt.Sprintf(" over=%d", f.Over)
	}
	return text, ok
}

func readRack(r *reader) (sim.Fault, error) {
	f := sim.Rack{}
	w, err := r.take("some nodes, such as n1,n2")
	if err != nil {
		return f, err
	}
	for _, text := range splitTargets(w.text) {
		t, err := parseTarget(text)
		if err != nil {
			return f, err
		}
		f.Targets = append(f.Targets, t)
	}
	if r.have("down") {
		f.Down, err = readDuration(r)
	}
	return f, err
}

func writeRack(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.Rack)
	var names []string
	for _, t := range f.Targets {
		names = append(names, t.String())
	}
	text := strings.Join(names, ",")
	if f.Down != 0 {
		text += fmt.Sprintf(" down %v", f.Down)
	}
	return text, ok
}

func readSqueeze(r *reader) (sim.Fault, error) {
	t, err := readTarget(r)
	if err != nil {
		return nil, err
	}
	f := sim.Squeeze{Target: t}
	err = readPairs(r, func(name, value string) error {
		if name != "bytes" {
			return fmt.Errorf("want bytes=, not %q", name)
		}
		n, err := parseBytes(name, value)
		f.Bytes = int64(n)
		return err
	})
	if err == nil && f.Bytes == 0 {
		err = fmt.Errorf("want a bound, such as bytes=4096")
	}
	return f, err
}

func readLie(r *reader) (sim.Fault, error) {
	t, err := readTarget(r)
	if err != nil {
		return nil, err
	}
	w, err := r.take("which lie")
	if err != nil {
		return nil, err
	}
	lie, err := sim.ParseLie(w.text)
	return sim.Slander{Target: t, Lie: lie}, err
}

func readShard(r *reader) (wire.ShardID, error) {
	w, err := r.take("a shard's number")
	if err != nil {
		return 0, err
	}
	n, ok := parseNumbers(w.text)
	if !ok || len(n) != 1 || n[0] == 0 {
		return 0, fmt.Errorf("want a shard's number from 1 on, not %q", w.text)
	}
	return wire.ShardID(n[0]), nil
}

func readWhen(r *reader) (sim.Fault, error) {
	w, err := r.take("snapshot or change")
	if err != nil {
		return nil, err
	}
	trigger, ok := sim.ParseTrigger(w.text)
	if !ok {
		return nil, fmt.Errorf("want snapshot or change, not %q", w.text)
	}
	f := sim.When{Trigger: trigger}
	if r.have("of") {
		if f.Shard, err = readShard(r); err != nil {
			return nil, err
		}
	}
	if r.have("after") {
		if f.After, err = readDuration(r); err != nil {
			return nil, err
		}
	}
	verb, err := r.take("a fault")
	if err != nil {
		return nil, err
	}
	if verb.is("when") {
		return nil, fmt.Errorf("when holds any fault but when")
	}
	f.Fault, err = readFault(r, verb)
	return f, err
}

func writeWhen(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.When)
	if !ok {
		return "", false
	}
	text := f.Trigger.String()
	if f.Shard != 0 {
		text += fmt.Sprintf(" of %d", f.Shard)
	}
	if f.After != 0 {
		text += fmt.Sprintf(" after %v", f.After)
	}
	inner, err := writeFault(f.Fault)
	return text + " " + inner, err == nil
}
