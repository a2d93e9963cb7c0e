package sweep

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// JournalName is the journal's file in a sweep's folder.
const JournalName = "progress.jsonl"

const journalFormat = "torc-sweep-1"

// header is a journal's first line: what the sweep is, so that nothing else goes on with it.
type header struct {
	Format   string        `json:"format"`
	Scenario string        `json:"scenario"`
	Text     string        `json:"text,omitempty"` // hash of the scenario file
	Duration time.Duration `json:"duration,omitempty"`
	Mutant   string        `json:"mutant,omitempty"`
	Binary   string        `json:"binary"` // hash of the program
}

func headerOf(job *Job, binary string) header {
	h := header{Format: journalFormat, Scenario: job.Scenario, Duration: job.Duration, Mutant: job.Mutant, Binary: binary}
	if job.Text != "" {
		h.Text = hashOf(bytes.NewReader([]byte(job.Text)))
	}
	return h
}

func hashOf(r io.Reader) string {
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// HashFile is a program's identity.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hashing the program: %w", err)
	}
	defer func() { _ = f.Close() }()
	if sum := hashOf(f); sum != "" {
		return sum, nil
	}
	return "", fmt.Errorf("hashing the program: reading %s failed", path)
}

// differs says what of the sweep is not what the journal was begun for.
func (h *header) differs(now *header) string {
	for _, field := range []struct {
		what      string
		then, now any
	}{
		{"the journal's format", h.Format, now.Format},
		{"the scenario", h.Scenario, now.Scenario},
		{"the scenario file's text", h.Text, now.Text},
		{"the duration", h.Duration, now.Duration},
		{"the planted bug", h.Mutant, now.Mutant},
		{"the program", h.Binary, now.Binary},
	} {
		if field.then != field.now {
			return fmt.Sprintf("%s was %q and is %q now", field.what, fmt.Sprint(field.then), fmt.Sprint(field.now))
		}
	}
	return ""
}

// Journal remembers which seeds of a sweep are done.
type Journal struct {
	f *os.File
	// Done is what the journal held when it was opened, by seed.
	Done map[uint64]Answer
	// Former is, for a sweep that starts over, how many seeds an earlier one had done there.
	Former int
}

// OpenJournal opens the journal in the job's folder: to go on with the sweep that was begun there, or
// to start over. A line that a kill has cut off counts as never written.
func OpenJournal(job *Job, binary string, resume bool) (*Journal, error) {
	path := filepath.Join(job.Out, JournalName)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the sweep's journal: %w", err)
	}
	head := headerOf(job, binary)
	j := &Journal{Done: map[uint64]Answer{}}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if resume {
		if j.Done, err = readJournal(whole, &head); err != nil {
			return nil, fmt.Errorf("going on with the sweep in %s: %w", job.Out, err)
		}
	} else if lines := bytes.Count(whole, []byte("\n")); lines > 0 {
		j.Former = lines - 1
	}
	if len(whole) == 0 || !resume {
		first, err := json.Marshal(head)
		if err != nil {
			return nil, fmt.Errorf("beginning the sweep's journal: %w", err)
		}
		whole = append(first, '\n')
	}
	if err := os.MkdirAll(job.Out, 0o755); err != nil {
		return nil, fmt.Errorf("beginning the sweep's journal: %w", err)
	}
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		return nil, fmt.Errorf("beginning the sweep's journal: %w", err)
	}
	if err := sweepAway(job.Out); err != nil {
		return nil, err
	}
	if j.f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
		return nil, fmt.Errorf("opening the sweep's journal: %w", err)
	}
	return j, nil
}

// readJournal reads the whole lines of a journal that must have been begun for this sweep.
func readJournal(text []byte, now *header) (done map[uint64]Answer, err error) {
	done = map[uint64]Answer{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, lineMax)
	for number := 1; lines.Scan(); number++ {
		if number == 1 {
			var then header
			if err := json.Unmarshal(lines.Bytes(), &then); err != nil {
				return nil, fmt.Errorf("line 1 of %s is no header: %w", JournalName, err)
			}
			if difference := then.differs(now); difference != "" {
				return nil, fmt.Errorf("it is another sweep: %s. Leave --resume out to start over, or name another --out", difference)
			}
			continue
		}
		var a Answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return nil, fmt.Errorf("line %d of %s is no seed's: %w", number, JournalName, err)
		}
		done[a.Seed] = a
	}
	if len(text) == 0 {
		return done, nil
	}
	return done, lines.Err()
}

// Add writes down that a seed is done, in one write.
func (j *Journal) Add(a Answer) error {
	line, err := json.Marshal(a)
	if err == nil {
		_, err = j.f.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing the sweep's journal: %w", err)
	}
	return nil
}

// Close closes the journal.
func (j *Journal) Close() error { return j.f.Close() }
