package crashlog

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
	"torc/net/host"
)

// brokenLane panics as soon as it is driven.
type brokenLane struct{}

func (brokenLane) Start()                   { panic(errors.New("an invariant does not hold")) }
func (brokenLane) OnFrame(*wire.Frame)      {}
func (brokenLane) OnCall(*wire.Call)        {}
func (brokenLane) OnMap(*wire.ClusterMap)   {}
func (brokenLane) OnGossip(gossip.Event)    {}
func (brokenLane) Look(*wire.Look) bool     { return false }
func (brokenLane) Flush()                   {}
func (brokenLane) HandOver(done func())     { done() }
func (brokenLane) Stop(done func())         { done() }
func (brokenLane) Send(string, *wire.Frame) {}

// What net/host logs of a lane that panics is found, in both of torcd's log formats: were its words
// changed, every test with processes would pass over panics.
func TestLanePanicIsFound(t *testing.T) {
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var log bytes.Buffer
		fatal := make(chan struct{})
		h := host.New(host.Config{Logger: slog.New(handler(&log)), OnFatal: func(int, any) { close(fatal) }})
		require.NoError(t, h.Start([]host.Lane{brokenLane{}}, brokenLane{}))
		<-fatal
		require.NoError(t, h.Stop(context.Background()))
		require.Equal(t, "a lane broke", Mark(log.String()), name)
	}
}

func TestMark(t *testing.T) {
	for log, want := range map[string]string{
		"":                                "",
		"time=now level=INFO msg=stopped": "",
		"time=now level=WARN msg=\"the leader is lost\"":          "",
		"panic: runtime error: index out of range\n\ngoroutine 1": "panic:",
		"fatal error: concurrent map writes":                      "fatal error:",
		"WARNING: DATA RACE\nRead at":                             "DATA RACE",
	} {
		require.Equal(t, want, Mark(log), log)
	}
}
