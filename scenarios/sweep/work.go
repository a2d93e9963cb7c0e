package sweep

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"torc/sim"
)

// lineMax bounds a line of the conversation: a job may hold a scenario file.
const lineMax = 64 << 20

// Work is a worker's life: it reads a job, then questions, and answers each, until in ends.
func Work(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, lineMax)
	var job Job
	if !lines.Scan() {
		return lines.Err()
	}
	if err := json.Unmarshal(lines.Bytes(), &job); err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	for lines.Scan() {
		var q Question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return fmt.Errorf("reading a question: %w", err)
		}
		line, err := json.Marshal(job.answer(q))
		if err != nil {
			return fmt.Errorf("answering: %w", err)
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("answering: %w", err)
		}
	}
	return lines.Err()
}

// answer makes a run, and keeps it if it fails.
func (j *Job) answer(q Question) Answer {
	a := Answer{Seed: q.Seed}
	o, err := j.Options(q.Seed)
	if err != nil {
		a.Verdict, a.Error = sim.Broken, err.Error()
		return a
	}
	r := sim.Run(o)
	a.Verdict, a.Hash, a.Events, a.SimSeconds = r.Verdict, r.Hash, r.Events, r.SimSeconds
	a.Reached = r.Reached.String()
	if r.Err != nil {
		a.Error = r.Err.Error()
		return a
	}
	if len(r.Violations) > 0 {
		a.Found = r.Violations[0].String()
		for _, o := range r.Fired() {
			a.Fired += o.String()
		}
	}
	if r.Verdict == sim.Pass || !q.Keep || j.Out == "" {
		return a
	}
	if err := keep(j.Out, &a, &r); err != nil {
		a.Error = err.Error()
		return a
	}
	a.Kept = true
	return a
}
