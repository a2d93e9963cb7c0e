package host

import (
	"log/slog"
	"os"
	"time"

	"torc/core/wire"
)

// Config shapes a Host. Zero fields take the defaults named beside them.
type Config struct {
	Self  wire.Member // this life of this node; frames for its PeerAddr never leave the process
	Lanes int         // event loops; 1

	CallsMax     int // requests waiting for one lane before it refuses; 16384
	CallBytesMax int // their bytes; 256 MiB
	FrameMax     int // bytes of frames waiting for one lane before they are dropped; 256 MiB

	// Gossip takes the membership protocol's messages out of incoming frames (net/swim). It is
	// called on the goroutine that brings the frame and must not block; nil leaves them to lane 0.
	Gossip func(data []byte)

	// OnFatal is called when a lane panicked, on that lane's goroutine, after the panic and its
	// stack were logged. The default ends the process with exit code 70 (EX_SOFTWARE).
	OnFatal func(lane int, reason any)

	// OnSlow is told of requests that took SlowAfter or longer, on the goroutine that delivered the answer; it must
	// not block. Nil (or no SlowAfter): nobody looks.
	SlowAfter time.Duration
	OnSlow    func(SlowCall)

	Logger *slog.Logger // nil takes slog.Default()
}

func (c Config) withDefaults() Config {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&c.Lanes, 1)
	def(&c.CallsMax, 16384)
	def(&c.CallBytesMax, 256<<20)
	def(&c.FrameMax, 256<<20)
	if c.OnFatal == nil {
		c.OnFatal = func(int, any) { os.Exit(70) }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}
