package admin

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime/trace"
	"sync"
	"time"
)

// flight keeps the last seconds of the process as an execution trace in memory: what happened before somebody noticed is gone from
// every other profile. The Go runtime has one recorder per process at most, so nodes in one process share it.
type flight struct{ done bool }

// How much is kept: whatever of the two is more than the other allows, is let go.
const (
	flightAge  = 5 * time.Second
	flightSize = 16 << 20
)

var recorder struct {
	sync.Mutex
	users  int
	flight *trace.FlightRecorder
	failed error // why it could not be started
}

func newFlight() *flight {
	recorder.Lock()
	defer recorder.Unlock()
	if recorder.users++; recorder.users == 1 {
		recorder.flight = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: flightAge, MaxBytes: flightSize})
		recorder.failed = recorder.flight.Start()
	}
	return &flight{}
}

// stop ends the recording when nobody else wants it.
func (f *flight) stop() {
	recorder.Lock()
	defer recorder.Unlock()
	if f == nil || f.done {
		return
	}
	f.done = true
	if recorder.users--; recorder.users == 0 && recorder.failed == nil {
		recorder.flight.Stop()
	}
}

// serve sends what is kept.
func (f *flight) serve(w http.ResponseWriter, _ *http.Request) {
	kept, err := snapshot()
	if err != nil {
		http.Error(w, fmt.Sprintf("the flight recorder does not run: %v", err), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="torc-flight.trace"`)
	_, _ = w.Write(kept) // who asked may have gone
}

// snapshot copies what is kept, one at a time: the recorder refuses a second one.
func snapshot() ([]byte, error) {
	recorder.Lock()
	defer recorder.Unlock()
	if recorder.failed != nil {
		return nil, recorder.failed
	}
	var kept bytes.Buffer
	_, err := recorder.flight.WriteTo(&kept)
	return kept.Bytes(), err
}
