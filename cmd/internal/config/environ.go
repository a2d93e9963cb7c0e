package config

import (
	"slices"
	"strings"
)

// envPrefix begins the names of the variables that torcd understands.
const envPrefix = "TORC_"

// Torc's own tests have variables too, which the processes that they start inherit.
var testVariables = []string{"TORC_PROC_KILLS", "TORC_NEED_REDIS_TOOLS"}

const testPrefix = "TORC_TEST_"

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
		if !ours || strings.HasPrefix(key, testPrefix) || slices.Contains(testVariables, key) {
			continue
		}
		name := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
		if key != envName(name) || find(name) == nil && name != configName {
			return nil, unknown("variable", key, envName(nearest(name, append(settingNames(), configName))), "")
		}
		s[name] = given{value, key}
	}
	return s, nil
}
