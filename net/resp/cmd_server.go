package resp

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

func runTime(r *request) {
	now := time.Now()
	o := r.begin()
	o.array(2)
	o.text(strconv.FormatInt(now.Unix(), 10))
	o.text(strconv.Itoa(now.Nanosecond() / 1000))
	r.finish()
}

// runRole: libraries that look for the node to write to ask for it. Every node is one, and none has replicas as Redis's masters have.
func runRole(r *request) {
	o := r.begin()
	o.array(3)
	o.text("master")
	o.int(0)
	o.array(0)
	r.finish()
}

// configuration is what CONFIG GET shows: enough for the tools that look before they start.
func (s *Server) configuration() map[string]string {
	yesNo := map[bool]string{true: "yes", false: "no"}
	return map[string]string{
		"appendonly":                "no",
		"cluster-enabled":           yesNo[s.opts.Redirect],
		"databases":                 "1",
		"maxclients":                strconv.Itoa(s.opts.MaxClients),
		"maxmemory":                 "0",
		"maxmemory-policy":          "noeviction",
		"proto-max-bulk-len":        strconv.Itoa(s.opts.MaxValue),
		"client-query-buffer-limit": strconv.Itoa(s.opts.QueryBufferMax),
		"save":                      "",
		"timeout":                   strconv.Itoa(int(s.opts.IdleTimeout.Seconds())),
	}
}

// runConfigGet: CONFIG GET pattern [pattern ...].
func runConfigGet(r *request) {
	all := r.srv.configuration()
	memory := r.srv.backend.Info("memory")
	for name, line := range map[string]string{"maxmemory": "maxmemory", "maxmemory-policy": "maxmemory_policy"} {
		if value := infoValue(memory, line); value != "" {
			all[name] = value
		}
	}
	known := slices.Sorted(maps.Keys(all))
	var names []string // in the order they were asked for
	for _, pattern := range r.args[2:] {
		low := bytes.ToLower(pattern)
		for _, name := range known {
			if glob(low, []byte(name)) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	o := r.begin()
	o.dict(r.proto, len(names))
	for _, name := range names {
		o.text(name)
		o.text(all[name])
	}
	r.finish()
}

// runConfigSet: CONFIG SET maxmemory-policy POLICY, for the whole cluster.
func runConfigSet(r *request) {
	if len(r.args) != 4 || !strings.EqualFold(string(r.args[2]), "maxmemory-policy") {
		r.fail("ERR Torc does not support CONFIG SET, except for maxmemory-policy: a node is configured by its flags, TORC_* environment and configuration file")
		return
	}
	if err := r.srv.backend.SetPolicy(string(r.args[3])); err != nil {
		r.fail("ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - " + err.Error())
		return
	}
	r.ok()
}

func runConfigResetStat(r *request) {
	r.srv.stats.reset()
	r.ok()
}

func runShutdown(r *request) {
	r.fail("ERR Torc does not support SHUTDOWN: stop the node's process with a signal")
}

func runDebug(r *request) { r.fail("ERR Torc does not support DEBUG") }

// runHelp lists the subcommands of the command that it stands under.
func runHelp(r *request) {
	name, _, _ := strings.Cut(r.spec.name, "|")
	parent := byName[name]
	o := r.begin()
	o.array(1 + 2*len(parent.sub))
	o.simple(upper(name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for i := range parent.sub {
		o.simple(upper(parent.sub[i].name[len(name)+1:]))
		o.simple("    " + parent.sub[i].summary)
	}
	r.finish()
}
