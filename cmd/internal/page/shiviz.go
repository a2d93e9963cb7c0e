package page

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"torc/ui"
)

// shivizHead tells a reader how to load the log. ShiViz looks for the expression anywhere in the text,
// so lines like these are passed over.
const shivizHead = `# A run of Torc for ShiViz (https://bestchai.bitbucket.io/shiviz). Log parsing regular expression:
# (?<host>\S+) (?<clock>\{.*\})\n(?<time>\S+) s (?<event>.*)
# %s, from %v to %v. Not told: %s.
`

// ShiViz writes a part of a run as a log with vector clocks. A to of zero is the end. The boring
// classes of messages are not told; what they carry is still known to their receivers.
func ShiViz(w io.Writer, rec *ui.Recording, from, to time.Duration) error {
	if n := len(rec.Events); to == 0 && n > 0 {
		to = time.Duration(rec.Events[n-1].At)
	}
	out := bufio.NewWriter(w)
	_, _ = fmt.Fprintf(out, shivizHead, rec.Title, from, to, strings.Join(rec.Boring, ", ")) // bufio keeps the first error for Flush
	clocks := newClocks(len(rec.Hosts))
	for i := range rec.Events {
		e := &rec.Events[i]
		if e.Host < 0 || e.At < int64(from) || e.At > int64(to) {
			continue
		}
		told := tellsShiViz(rec, e)
		if clock := clocks.take(e, told); told {
			_, _ = fmt.Fprintf(out, "%s %s\n%.6f s %s\n", shivizHost(rec, e.Host), shivizClock(rec, clock), float64(e.At)/1e9, shivizWords(rec, e))
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing a ShiViz log: %w", err)
	}
	return nil
}

// tellsShiViz leaves out what would hide the rest.
func tellsShiViz(rec *ui.Recording, e *ui.Event) bool {
	switch e.Kind {
	case ui.Send, ui.Arrive, ui.Lost:
		return !slices.Contains(rec.Boring, rec.Messages[e.Ref].Class)
	case ui.Cut, ui.Mend, ui.Lease:
		return false
	}
	return true
}

func shivizHost(rec *ui.Recording, host int) string {
	return strings.ReplaceAll(rec.Hosts[host].Name, " ", "-")
}

// shivizClock is a clock as JSON, hosts in order, without those that nothing is known of.
func shivizClock(rec *ui.Recording, v vector) string {
	var said []string
	for host, n := range v {
		if n > 0 {
			name, _ := json.Marshal(shivizHost(rec, host)) // a string can always be marshalled
			said = append(said, fmt.Sprintf("%s:%d", name, n))
		}
	}
	return "{" + strings.Join(said, ", ") + "}"
}

// shivizWords says an event in one line.
func shivizWords(rec *ui.Recording, e *ui.Event) string {
	switch e.Kind {
	case ui.Send:
		m := &rec.Messages[e.Ref]
		return "sends to " + rec.Hosts[m.To].Name + ": " + partWords(m)
	case ui.Arrive:
		m := &rec.Messages[e.Ref]
		return "hears from " + rec.Hosts[m.From].Name + ": " + partWords(m)
	case ui.Lost:
		return "loses a message: " + partWords(&rec.Messages[e.Ref])
	case ui.Invoke:
		o := &rec.Operations[e.Ref]
		return o.Name + " begins: " + o.Asked + " on " + o.Key
	case ui.Return:
		o := &rec.Operations[e.Ref]
		return o.Name + " ends: " + o.Got
	case ui.Role:
		return fmt.Sprintf("shard %d: %s in term %d", e.Shard, [...]string{"follows", "stands", "leads", "asks around"}[e.A&3], e.Term)
	case ui.Apply:
		return fmt.Sprintf("shard %d: applies %d, digest %s", e.Shard, e.Index, e.Text)
	case ui.Conf:
		return fmt.Sprintf("shard %d: members %s", e.Shard, e.Text)
	case ui.Snapshot:
		return fmt.Sprintf("shard %d: snapshot up to %d", e.Shard, e.Index)
	case ui.Map:
		return fmt.Sprintf("map of epoch %d", e.A)
	case ui.Member:
		return fmt.Sprintf("believes n%d %s", e.A, e.Text)
	case ui.Crash:
		return "crashes (" + e.Text + ")"
	case ui.Restart:
		return "starts (" + e.Text + ")"
	case ui.Pause:
		return "freezes"
	case ui.Resume:
		return "goes on"
	}
	return "something happens"
}

// partWords fills the blanks of what a message says.
func partWords(m *ui.Message) string {
	var said []string
	for _, p := range m.Parts {
		text := p.Text
		for _, n := range p.Numbers {
			text = strings.Replace(text, "#", fmt.Sprint(n), 1)
		}
		said = append(said, fmt.Sprintf("shard %d: %s", p.Shard, text))
	}
	return strings.Join(said, "; ")
}
