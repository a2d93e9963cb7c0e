package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"torc/bench/peers/report"
)

// machine says where this runs.
func machine() report.Machine {
	m := report.Machine{CPU: runtime.GOARCH + " of unknown make", Cores: runtime.NumCPU(), Memory: "memory unknown", System: runtime.GOOS, Go: runtime.Version()}
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		m.CPU = model
	}
	if kib, err := strconv.Atoi(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB")); err == nil {
		m.Memory = fmt.Sprintf("%d GiB", (kib+1<<19)>>20)
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System = "Linux " + strings.TrimSpace(string(release))
	}
	m.Load = busy(watchFor)
	return m
}

// watchFor is how long the machine is watched before anything is started. The load average would count the minute before, in which this program was compiled.
const watchFor = 3 * time.Second

// busy is how many processors were at work in some seconds of doing nothing; 0: that is not known.
func busy(watched time.Duration) float64 {
	before, ok := worked()
	time.Sleep(watched)
	after, still := worked()
	if !ok || !still {
		return 0
	}
	return float64(after-before) / watched.Seconds() / ticksASecond
}

// ticksASecond is the unit of /proc/stat (USER_HZ), the same on all Linux.
const ticksASecond = 100

// worked is how much the processors have worked since the machine was started, in ticks: all that /proc/stat counts, but for idling and waiting for disks.
func worked() (ticks int, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	first, _, _ := strings.Cut(string(text), "\n")
	words := strings.Fields(first)
	if err != nil || len(words) < 9 || words[0] != "cpu" {
		return 0, false
	}
	for i, word := range words[1:9] { // user nice system idle iowait irq softirq steal
		n, err := strconv.Atoi(word)
		if err != nil {
			return 0, false
		}
		if i != 3 && i != 4 {
			ticks += n
		}
	}
	return ticks, true
}

// field finds "name : value" in a file of such lines.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// commit names the source that is measured.
func commit(root string) string {
	describe := exec.Command("git", "describe", "--always", "--dirty")
	describe.Dir = root
	out, err := describe.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// ownCPU is the processor time that this process has taken.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
