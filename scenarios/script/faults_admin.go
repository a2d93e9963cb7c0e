package script

import (
	"fmt"
	"strconv"

	"torc/sim"
)

// readVia reads whom an operator's request is about, and which node is asked.
func readVia(r *reader) (about, via sim.Target, err error) {
	if about, err = readTarget(r); err != nil {
		return about, via, err
	}
	if err = r.must("via"); err != nil {
		return about, via, err
	}
	via, err = readTarget(r)
	return about, via, err
}

func readDrain(r *reader) (sim.Fault, error) {
	about, via, err := readVia(r)
	return sim.Drain{Target: about, Via: via, Force: err == nil && r.have("force")}, err
}

func writeDrain(fault sim.Fault) (string, bool) {
	f, ok := fault.(sim.Drain)
	text := fmt.Sprintf("%v via %v", f.Target, f.Via)
	if f.Force {
		text += " force"
	}
	return text, ok
}

func readUndrain(r *reader) (sim.Fault, error) {
	about, via, err := readVia(r)
	return sim.Undrain{Target: about, Via: via}, err
}

func readForget(r *reader) (sim.Fault, error) {
	about, via, err := readVia(r)
	return sim.Forget{Target: about, Via: via}, err
}

func readRecoverMeta(r *reader) (sim.Fault, error) {
	if err := r.must("via"); err != nil {
		return nil, err
	}
	via, err := readTarget(r)
	return sim.RecoverMeta{Via: via}, err
}

// weightMax is the greatest weight that a scenario may ask for; the cluster refuses some of them.
const weightMax = 1 << 20

func readWeigh(r *reader) (sim.Fault, error) {
	about, via, err := readVia(r)
	if err != nil {
		return nil, err
	}
	f := sim.Weigh{Target: about, Via: via}
	err = readPairs(r, func(name, value string) (err error) {
		if name != "hundredths" {
			return fmt.Errorf("want hundredths=, not %q", name)
		}
		if f.Hundredths, err = strconv.Atoi(value); err != nil || f.Hundredths < 0 || f.Hundredths > weightMax {
			return fmt.Errorf("hundredths: want a number up to %d, not %q", weightMax, value)
		}
		return nil
	})
	return f, err
}
