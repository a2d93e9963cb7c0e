package sweep

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"

	"torc/sim"
)

// fakes are worker processes without processes: answer says what one says to a question.
type fakes struct {
	started atomic.Int32
	hung    atomic.Int32 // processes that were asked where they hang
	answer  func(q Question) (line string, dies bool)
}

func (f *fakes) start() (*Process, error) {
	f.started.Add(1)
	inReader, in := io.Pipe()
	out, outWriter := io.Pipe()
	go func() {
		defer func() { _ = outWriter.Close(); _ = inReader.Close() }()
		lines := bufio.NewScanner(inReader)
		lines.Scan() // the job
		for lines.Scan() {
			var q Question
			if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
				panic(err)
			}
			line, dies := f.answer(q)
			if dies {
				return
			}
			if line == "" {
				continue // it hangs: says nothing, whatever it is told
			}
			if _, err := outWriter.Write([]byte(line + "\n")); err != nil {
				return
			}
		}
	}()
	return &Process{In: in, Out: out, End: func(hangs bool) []byte {
		if hangs {
			f.hung.Add(1)
		}
		_ = in.Close()
		_ = outWriter.Close()
		return []byte("goroutine 1 [running]: somewhere")
	}}, nil
}

// passes is an honest worker's answer; every seventh seed fails.
func passes(q Question) (line string, dies bool) {
	a := Answer{Seed: q.Seed, Hash: fmt.Sprintf("%x", q.Seed*0x9e3779b97f4a7c15), Events: q.Seed, SimSeconds: 1}
	if q.Seed%7 == 0 {
		a.Verdict, a.Found = sim.LostTruth, "L at 1s: key x"
	}
	text, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return string(text), false
}
