package flight

import (
	"bytes"
	"runtime/trace"
	"sync"
	"time"
)

// Recorder keeps the last seconds. It is one of those who want them: the Go runtime has one recorder per process at most,
// so all nodes in a process share it.
type Recorder struct{ done bool }

// How much is kept: whatever of the two is more than the other allows, is let go.
const (
	age  = 5 * time.Second
	size = 16 << 20
)

var shared struct {
	sync.Mutex
	users  int
	flight *trace.FlightRecorder
	failed error // why it could not be started
}

// Start begins to record, unless somebody else has.
func Start() *Recorder {
	shared.Lock()
	defer shared.Unlock()
	if shared.users++; shared.users == 1 {
		shared.flight = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: age, MaxBytes: size})
		shared.failed = shared.flight.Start()
	}
	return &Recorder{}
}

// Stop ends the recording when nobody else wants it. Of a nil Recorder there is nothing to stop.
func (r *Recorder) Stop() {
	shared.Lock()
	defer shared.Unlock()
	if r == nil || r.done {
		return
	}
	r.done = true
	if shared.users--; shared.users == 0 && shared.failed == nil {
		shared.flight.Stop()
	}
}

// Snapshot copies what is kept, one at a time: the runtime refuses a second one.
func (r *Recorder) Snapshot() ([]byte, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.failed != nil {
		return nil, shared.failed
	}
	var kept bytes.Buffer
	_, err := shared.flight.WriteTo(&kept)
	return kept.Bytes(), err
}
