package config

import (
	"slices"
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
		if key != envName(name) || find(name) == nil && name != configName {
			return nil, unknown("variable", key, envName(nearest(name, append(settingNames(), configName))), "")
		}
		s[name] = given{value, key}
	}
	return s, nil
}
