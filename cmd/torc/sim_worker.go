package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"

	"torc/scenarios/sweep"
)

// workerGC trades memory, of which a world needs little, for time.
const workerGC = 400

// simWorker is a sweep's worker process. It leaves Ctrl-C to the sweep, which lets the seeds that
// are under way end; when the sweep is gone, its input ends, and so does it.
func simWorker(args []string) int {
	if len(args) > 0 {
		return simFailed("worker", fmt.Errorf("takes no arguments"))
	}
	signal.Ignore(os.Interrupt)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(workerGC)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1) // a world is one thread, and a sweep has a process for every processor
	}
	if err := sweep.Work(os.Stdin, os.Stdout); err != nil {
		return simFailed("worker", err)
	}
	return exitOK
}
