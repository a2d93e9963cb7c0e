package resp

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"torc/core/wire"
)

// redisVersion is the version whose commands and words this server keeps to.
const redisVersion = "7.0.15"

// infoPatience is how long INFO waits for the shards' counts of keys: it must answer when the
// cluster does not.
const infoPatience = time.Second

// infoSections are the sections in their order. keyspace needs the shards and comes last.
var infoSections = []string{
	"server", "clients", "memory", "persistence", "stats", "replication", "cpu", "cluster", "torc", "keyspace",
}

// runInfo: INFO [section ...], with "default", "all" and "everything".
func runInfo(r *request) {
	wanted := func(string) bool { return true }
	if names := r.args[1:]; len(names) > 0 {
		low := make([]string, len(names))
		for i, name := range names {
			low[i] = strings.ToLower(string(name))
		}
		if !slices.ContainsFunc(low, func(s string) bool { return s == "default" || s == "all" || s == "everything" }) {
			wanted = func(section string) bool { return slices.Contains(low, section) }
		}
	}
	var text strings.Builder
	for _, section := range infoSections {
		if !wanted(section) {
			continue
		}
		if text.Len() > 0 {
			text.WriteString("\r\n")
		}
		fmt.Fprintf(&text, "# %s\r\n", infoTitle(section))
		r.infoLines(&text, section)
		text.WriteString(r.srv.backend.Info(section))
	}
	if !wanted("keyspace") || r.topology == nil {
		r.verbatim(text.String())
		return
	}
	for _, shard := range r.ownShards() {
		r.add(shard, wire.Command{Op: wire.OpCount})
	}
	r.lookNow() // what came before has patience of its own
	r.patience = infoPatience
	r.many(&infoJob{text: text.String()})
	r.patience = r.srv.opts.Timeout
}

func infoTitle(section string) string {
	if section == "cpu" {
		return "CPU"
	}
	return upper(section[:1]) + section[1:]
}

func (r *request) infoLines(b *strings.Builder, section string) {
	line := func(name string, value any) { fmt.Fprintf(b, "%s:%v\r\n", name, value) }
	s := r.srv
	switch section {
	case "server":
		s.infoServer(line)
	case "clients":
		s.mu.Lock()
		line("connected_clients", len(s.conns))
		s.mu.Unlock()
		line("maxclients", s.opts.MaxClients)
		line("blocked_clients", 0)
	case "memory":
		used := s.usedMemory()
		peak := s.stats.peak(used)
		line("used_memory", used)
		line("used_memory_human", human(used))
		line("used_memory_peak", peak)
		line("used_memory_peak_human", human(peak))
	case "persistence": // there is none; tools wait until nothing is loaded any more
		loading := 0
		if r.topology == nil {
			loading = 1
		}
		line("loading", loading)
		line("rdb_bgsave_in_progress", 0)
		line("aof_enabled", 0)
		line("aof_rewrite_in_progress", 0)
	case "stats":
		s.infoStats(line)
	case "replication":
		line("role", "master")
		line("connected_slaves", 0)
	case "cpu":
		user, system := processorTime()
		line("used_cpu_sys", fmt.Sprintf("%.6f", system.Seconds()))
		line("used_cpu_user", fmt.Sprintf("%.6f", user.Seconds()))
		line("used_cpu_total", fmt.Sprintf("%.6f", (user+system).Seconds()))
	case "cluster":
		enabled := 0
		if s.opts.Redirect {
			enabled = 1
		}
		line("cluster_enabled", enabled)
	case "torc":
		if m := r.topology; m != nil {
			line("torc_cluster_id", fmt.Sprintf("%016x", m.ClusterID))
			line("torc_epoch", m.Epoch)
			line("torc_shards", m.Shards)
			line("torc_replication", m.Replication)
			line("torc_members", len(m.Members))
		}
	}
}

func (s *Server) infoServer(line func(string, any)) {
	mode := "standalone"
	if s.opts.Redirect {
		mode = "cluster"
	}
	line("redis_version", redisVersion)
	line("redis_mode", mode)
	line("os", runtime.GOOS+" "+runtime.GOARCH)
	line("arch_bits", strconv.IntSize)
	line("go_version", runtime.Version())
	line("process_id", os.Getpid())
	line("run_id", nodeHex(s.backend.Self().Name))
	_, port := hostPort(s.Addr().String())
	line("tcp_port", port)
	up := time.Since(s.started)
	line("uptime_in_seconds", int(up.Seconds()))
	line("uptime_in_days", int(up.Hours()/24))
}

func (s *Server) infoStats(line func(string, any)) {
	line("total_connections_received", s.stats.connections.Load())
	line("total_commands_processed", s.stats.commands.Load())
	line("instantaneous_ops_per_sec", s.stats.commandRate.Load())
	line("total_net_input_bytes", s.stats.bytesIn.Load())
	line("total_net_output_bytes", s.stats.bytesOut.Load())
	line("instantaneous_input_kbps", kilobytes(s.stats.inRate.Load()))
	line("instantaneous_output_kbps", kilobytes(s.stats.outRate.Load()))
	line("rejected_connections", s.stats.rejected.Load())
	line("total_error_replies", s.stats.errors.Load())
	line("protocol_errors", s.stats.protocolErrors.Load())
	line("evicted_clients", s.stats.cutOff.Load())
	line("acl_access_denied_auth", s.stats.authBad.Load())
}

func metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	if sample[0].Value.Kind() == metrics.KindUint64 {
		return sample[0].Value.Uint64()
	}
	return 0
}

// usedMemory is what the process has taken of the system and not given back: Go's heap, and what lies outside it.
func (s *Server) usedMemory() uint64 {
	used := metric("/memory/classes/total:bytes") - metric("/memory/classes/heap/released:bytes")
	if s.opts.MemoryOutside != nil {
		used += s.opts.MemoryOutside()
	}
	return used
}

// kilobytes are Redis's, of 1024.
func kilobytes(bytes uint64) string { return fmt.Sprintf("%.2f", float64(bytes)/1024) }

func human(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2fG", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.2fM", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.2fK", float64(n)/(1<<10))
	}
}

// infoValue finds a line's value in INFO text.
func infoValue(text, name string) string {
	for line := range strings.SplitSeq(text, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return value
		}
	}
	return ""
}

// infoJob ends INFO with the keyspace. Nobody counts the mean time to live: it is 0, as Redis's is before it has looked. Shards that do not answer are counted: INFO is asked
// for most when something is wrong.
type infoJob struct {
	text    string
	keys    int64
	expires uint64
	silent  int
}

func (j *infoJob) take(_ *conn, _ ref, _ *wire.Command, res *wire.Result, fail *failure) {
	if fail != nil || res.Kind != wire.KindInt {
		j.silent++
		return
	}
	j.keys, j.expires = j.keys+res.Int, j.expires+res.Version
}

func (j *infoJob) render(o *output, proto int) {
	if j.keys > 0 {
		j.text += fmt.Sprintf("db0:keys=%d,expires=%d,avg_ttl=0\r\n", j.keys, j.expires)
	}
	if j.silent > 0 {
		j.text += fmt.Sprintf("torc_keyspace_unknown_shards:%d\r\n", j.silent)
	}
	o.verbatim(proto, j.text)
}
