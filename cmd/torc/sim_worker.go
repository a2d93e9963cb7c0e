package main

import (
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"torc/scenarios/sweep"
)

// workerGC trades memory, of which a world needs little, for time.
const workerGC = 400

// simWorker is a sweep's worker process. It leaves Ctrl-C and a polite kill to the sweep, which lets the seeds that
// are under way end; when the sweep is gone, its input ends, and so does it.
func simWorker(args []string) int {
	flags := newFlags("torc sim worker", "makes the runs that a sweep asks for, a JSON line each, on stdin, and answers on stdout.\nIt is not for people: torc sim --seeds N starts workers by itself.")
	if err := flags.Parse(args); err != nil {
		return flagsExit(err)
	}
	if refuseArguments(flags) {
		return exitError
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
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
