//go:build !linux

package load

import "time"

// sleepUntil sleeps as well as the Go runtime can.
func sleepUntil(at time.Time) { time.Sleep(time.Until(at)) }
