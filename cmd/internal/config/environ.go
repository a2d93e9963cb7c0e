package config

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// envPrefix begins the names of the variables that torcd understands.
const envPrefix = "TORC_"

// Torc's own tests have variables too, which the processes that they start inherit: TORC_NEED_ says
// what must not be skipped.
var (
	testVariables = []string{"TORC_PROC_KILLS"}
	testPrefixes  = []string{"TORC_TEST_", "TORC_NEED_"}
)

func ofTests(key string) bool {
	return slices.Contains(testVariables, key) ||
		slices.ContainsFunc(testPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// Kubernetes gives each container variables that tell of the services of its namespace
// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables), those of one named torc, or torc-resp, under
// names that begin like ours: nobody has misspelt a setting there.
var kubernetesName = regexp.MustCompile(`^TORC_([A-Z0-9_]+?_)??(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)?)$`)

// ofKubernetes reports whether a variable looks like one of those, in its name and in its value.
func ofKubernetes(key, value string) bool {
	parts := kubernetesName.FindStringSubmatch(key)
	if parts == nil {
		return false
	}
	switch kind, of := parts[2], parts[6]; {
	case kind == "SERVICE_HOST", of == "_ADDR":
		_, err := netip.ParseAddr(value)
		return err == nil
	case strings.HasPrefix(kind, "SERVICE_PORT"), of == "_PORT":
		_, err := strconv.ParseUint(value, 10, 16)
		return err == nil
	case of == "_PROTO":
		return value == "tcp" || value == "udp" || value == "sctp"
	}
	proto, addr, ok := strings.Cut(value, "://")
	_, err := netip.ParseAddrPort(addr)
	return ok && err == nil && (proto == "tcp" || proto == "udp" || proto == "sctp")
}

// Ignored lists the variables that begin like Torc's and are Kubernetes's, of which Load takes no notice.
func Ignored(environ []string) (names []string) {
	for _, variable := range environ {
		if key, value, _ := strings.Cut(variable, "="); ofKubernetes(key, value) && !isSetting(key) {
			names = append(names, key)
		}
	}
	slices.Sort(names)
	return names
}

// isSetting reports whether a variable sets something: then it is nobody else's.
func isSetting(key string) bool {
	rest, ours := strings.CutPrefix(key, envPrefix)
	name := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
	return ours && key == envName(name) && (find(name) != nil || name == configName || slices.Contains(toolNames, name))
}

func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// readEnviron reads TORC_NAME=value. Names are upper case only, so that one variable cannot hide
// another.
func readEnviron(environ []string) (source, error) {
	s := source{}
	for _, variable := range environ {
		key, value, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(key, envPrefix)
		if !ours || ofTests(key) {
			continue
		}
		name := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
		if !isSetting(key) {
			if ofKubernetes(key, value) {
				continue // Ignored tells of it
			}
			return nil, unknown("variable", key, envName(nearest(name, append(settingNames(), append(toolNames, configName)...))), "")
		}
		s[name] = given{value, key}
	}
	return s, nil
}
