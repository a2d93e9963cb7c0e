package page

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"torc/ui"
)

// shivizLine is the expression that the log's head tells its reader to use.
var shivizLine = regexp.MustCompile(`(?P<host>\S+) (?P<clock>\{.*\})\n(?P<time>\S+) s (?P<event>.*)`)

type shivizEvent struct {
	host  string
	clock map[string]int
	text  string
}

func parseShiViz(t require.TestingT, log string) (events []shivizEvent) {
	for _, found := range shivizLine.FindAllStringSubmatch(log, -1) {
		e := shivizEvent{host: found[1], text: found[4], clock: map[string]int{}}
		require.NoError(t, json.Unmarshal([]byte(found[2]), &e.clock), found[2])
		events = append(events, e)
	}
	last := map[string]int{}
	for _, e := range events {
		require.Equal(t, last[e.host]+1, e.clock[e.host], "a host counts its own events one by one: ShiViz asks for it")
		last[e.host]++
		for host, n := range e.clock {
			require.LessOrEqual(t, n, last[host], "nobody knows of what has not happened")
		}
	}
	return events
}

// before says that one clock is below another.
func before(a, b map[string]int) bool {
	less := false
	for host := range b {
		less = less || a[host] < b[host]
	}
	for host := range a {
		if a[host] > b[host] {
			return false
		}
	}
	return less
}

// TestClocksAreCausality: of any two events one happened before the other, by the order of a host's
// events and from each sending to its arrival, exactly if its clock is below.
func TestClocksAreCausality(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := drawRun(t)
		var log bytes.Buffer
		require.NoError(t, ShiViz(&log, rec, 0, 0))
		clocks := parseShiViz(t, log.String())
		reach := reachability(rec.Events)
		told := []int{}
		for i := range rec.Events {
			if tellsShiViz(rec, &rec.Events[i]) {
				told = append(told, i)
			}
		}
		require.Len(t, clocks, len(told))
		for a, i := range told {
			for b, j := range told {
				require.Equal(t, reach[i][j], before(clocks[a].clock, clocks[b].clock), "%d (%s) and %d (%s)", i, clocks[a].text, j, clocks[b].text)
			}
		}
	})
}

// drawRun draws a few hosts that do things and send each other messages, some of them boring.
func drawRun(t *rapid.T) *ui.Recording {
	rec := &ui.Recording{Title: "drawn", Boring: []string{"dull"}}
	for range rapid.IntRange(2, 4).Draw(t, "hosts") {
		rec.Hosts = append(rec.Hosts, ui.Host{Name: "h" + string(rune('a'+len(rec.Hosts)))})
	}
	host := rapid.IntRange(0, len(rec.Hosts)-1)
	var flying []int
	for at := range rapid.IntRange(1, 30).Draw(t, "events") {
		e := ui.Event{At: int64(at), Kind: ui.Pause, Host: host.Draw(t, "host")}
		switch what := rapid.IntRange(0, 2).Draw(t, "what"); {
		case what == 0:
			e.Kind, e.Ref = ui.Send, len(rec.Messages)
			flying = append(flying, e.Ref)
			rec.Messages = append(rec.Messages, ui.Message{From: e.Host, To: host.Draw(t, "to"), Class: rapid.SampledFrom([]string{"log", "dull"}).Draw(t, "class")})
		case what == 1 && len(flying) > 0:
			k := rapid.IntRange(0, len(flying)-1).Draw(t, "which")
			e.Kind, e.Ref = ui.Arrive, flying[k]
			e.Host = rec.Messages[e.Ref].To
			flying = append(flying[:k], flying[k+1:]...)
		}
		rec.Events = append(rec.Events, e)
	}
	return rec
}

// reachability is happens-before the long way: an edge from each event to the host's next and from each
// sending to its arrival, and all paths.
func reachability(events []ui.Event) [][]bool {
	reach := make([][]bool, len(events))
	for j := range events {
		reach[j] = make([]bool, len(events))
		for i := range j {
			same := events[i].Host == events[j].Host
			carried := events[i].Kind == ui.Send && events[j].Kind == ui.Arrive && events[i].Ref == events[j].Ref
			if !same && !carried {
				continue
			}
			reach[i][j] = true
			for k := range i {
				reach[k][j] = reach[k][j] || reach[k][i]
			}
		}
	}
	return reach
}
