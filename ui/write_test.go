package ui

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// small is a run that says one of everything.
func small() *Recording {
	return &Recording{
		Title: "seed 1 · toy", Verdict: "PASS: all is well", Good: true, Replay: "make sim SEED=1", Shards: 1,
		Hosts:      []Host{{Name: "n1"}, {Name: "n2"}, {Name: "client 0", Client: true}},
		Messages:   []Message{{From: 2, To: 0, Class: "client", Parts: []Part{{Shard: 1, Term: 3, Text: "entries # to #", Numbers: []uint64{7, 9}}}}, {From: 0, To: 1, Class: "heartbeat"}, {From: 0, To: 1, Class: "log", Late: true}},
		Operations: []Operation{{Name: "r1", Host: 2, Shard: 1, Key: "k", Read: true, Asked: "read", Got: "found nothing"}},
		Events: []Event{
			{At: 1000, Kind: Restart, Host: 0, Text: "life 1"}, {At: 2000, Kind: Invoke, Host: 2}, {At: 2000, Kind: Send, Host: 2, Ref: 0},
			{At: 3000, Kind: Send, Host: 0, Ref: 1}, {At: 3000, Kind: Lost, Host: 0, Ref: 1}, {At: 4000, Kind: Arrive, Host: 0, Ref: 0},
			{At: 5000, Kind: Send, Host: 0, Ref: 2}, {At: 6000, Kind: Lost, Host: 1, Ref: 2}, {At: 7000, Kind: Return, Host: 2},
		},
		Boring: []string{"heartbeat"},
	}
}

func page(t *testing.T, r *Recording) string {
	var b bytes.Buffer
	require.NoError(t, Write(&b, r))
	return b.String()
}

// dataOf unpacks what a page holds.
func dataOf(t *testing.T, page string) (p packed) {
	found := regexp.MustCompile(`id="recording">([^<]*)</script>`).FindStringSubmatch(page)
	require.NotNil(t, found)
	unzip, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(found[1])))
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(unzip).Decode(&p))
	return p
}

func TestEveryPartIsThere(t *testing.T) {
	for _, name := range append([]string{"page.html", "page.css"}, scripts...) {
		require.NotEmpty(t, asset(name), name)
	}
	require.NotContains(t, script(), "</", "a script element would end there")
	require.NotContains(t, page(t, small()), "{{", "every mark is replaced")
}

func TestEqualRecordingsMakeEqualPages(t *testing.T) {
	require.Equal(t, page(t, small()), page(t, small()))
}

func TestColumns(t *testing.T) {
	p := dataOf(t, page(t, small()))
	require.Equal(t, []int64{1, 1, 0, 1, 0, 1, 1, 1, 1}, p.Events.Step, "microseconds from event to event")
	require.Equal(t, []int{0, 0, 0, 0, -1, 2, 0, 1, 0}, p.Events.Ref, "back from the newest message; below zero: lost on leaving")
	require.Equal(t, []int{0, 0, 2}, p.Messages.Mark)
	require.Equal(t, []uint64{7, 9}, p.Parts.Numbers)
	require.Equal(t, "entries # to #", p.Strings[p.Parts.Text[0]])
}

// What comes from a run is shown, never run: whatever it holds, the page's markup is the same.
func TestDataIsNeverMarkup(t *testing.T) {
	evil := `</script><script>alert(1)</script>"'<img src=x onerror=alert(1)>{{script}}{{data}}`
	r := small()
	r.Title, r.Verdict, r.Replay, r.Good = evil, evil, evil, false
	r.Hosts[0].Name, r.Operations[0].Got, r.Messages[0].Class = evil, evil, evil
	r.Findings = []Finding{{Headline: evil, Sentence: evil}}
	text := page(t, r)
	require.Equal(t, strings.Count(page(t, small()), "<script"), strings.Count(text, "<script"))
	require.NotContains(t, text, "<img")
	data := dataOf(t, text)
	require.Equal(t, evil, data.Strings[data.Operations.Got[0]])
}

func TestThePageAsksNobody(t *testing.T) {
	text := page(t, small())
	require.Contains(t, text, "default-src 'none'")
	for _, way := range []string{"http://", "https://", "fetch(", "XMLHttpRequest", "WebSocket", "import(", "eval(", ".innerHTML"} {
		require.NotContains(t, text, way)
	}
}

// A page that would be too large does without its most boring messages, and says so.
func TestBoringMessagesMakeRoom(t *testing.T) {
	r := small()
	r.Boring = []string{"heartbeat", "gossip"}
	r.Messages, r.Events = nil, nil
	for i := range 20_000 {
		m := Message{From: i % 2, To: 1 - i%2, Class: "heartbeat", Parts: []Part{{Text: fmt.Sprintf("%x", i*7919)}}}
		if i%10 == 0 {
			m.Class = "log"
		}
		r.Messages = append(r.Messages, m)
		r.Events = append(r.Events, Event{At: int64(i) * 1e6, Kind: Send, Host: m.From, Ref: i})
	}
	whole := dataOf(t, page(t, r))
	require.Len(t, whole.Messages.From, 20_000)
	require.Empty(t, whole.Notes)
	r.BytesMax = 150 << 10
	text := page(t, r)
	require.LessOrEqual(t, len(text), r.BytesMax)
	part := dataOf(t, text)
	require.Len(t, part.Messages.From, 2000)
	require.Equal(t, []string{"To keep this page small, 18000 messages are not on it: heartbeat."}, part.Notes)
	require.Contains(t, text, "18000 messages are not on it")
}

func TestMalformedRecordingsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Recording){
		"time goes back":            func(r *Recording) { r.Events[3].At = 1 },
		"no such host":              func(r *Recording) { r.Events[0].Host = 9 },
		"no such message":           func(r *Recording) { r.Events[5].Ref = 7 },
		"arrives before it is sent": func(r *Recording) { r.Events[5].Ref = 2 },
		"no such operation":         func(r *Recording) { r.Events[1].Ref = -1 },
		"sent out of turn":          func(r *Recording) { r.Events[2].Ref = 1 },
		"unknown kind":              func(r *Recording) { r.Events[0].Kind = 99 },
		"a blank without a number":  func(r *Recording) { r.Messages[0].Parts[0].Numbers = nil },
		"a finding about nothing":   func(r *Recording) { r.Findings = []Finding{{Operations: []int{4}}} },
	} {
		t.Run(name, func(t *testing.T) {
			r := small()
			spoil(r)
			require.ErrorContains(t, Write(new(bytes.Buffer), r), "writing the page: ")
		})
	}
}

// Whatever a recording holds, it is written or refused; nothing else.
func TestAnyRecording(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := small()
		for range rapid.IntRange(0, 8).Draw(t, "more events") {
			r.Events = append(r.Events, Event{At: rapid.Int64().Draw(t, "at"), Kind: Kind(rapid.Uint8().Draw(t, "kind")),
				Host: rapid.IntRange(-3, 4).Draw(t, "host"), Ref: rapid.IntRange(-1, 4).Draw(t, "ref"), Text: rapid.String().Draw(t, "text")})
		}
		_ = Write(new(bytes.Buffer), r)
	})
}
