package crashlog

import "strings"

// marks stand in the log of a process that broke: Go's words for a panic that nobody caught and for
// what no program survives, the race detector's, and net/host's for a lane that panicked (it catches
// the panic to log it, so that Go's own words are missing).
var marks = []string{"panic:", "fatal error:", "DATA RACE", "a lane broke"}

// Mark returns the first mark that a log holds, or nothing.
func Mark(log string) string {
	for _, mark := range marks {
		if strings.Contains(log, mark) {
			return mark
		}
	}
	return ""
}
