package config

import (
	"fmt"
	"strings"
)

const usageHead = `torcd runs one node of Torc, a distributed cache that never serves a stale read.

  torcd                                             one node alone, on loopback
  torcd --join A:7400,B:7400,C:7400 --expect 3 ...  the same on A, B and C: a cluster of three
  torcd --join A:7400 ...                           join the cluster that A is in

Each setting may also stand in the environment (--max-key is TORC_MAX_KEY) or in a TOML file (max-key = "64KiB")
named by --config FILE. A flag wins over the environment, the environment over the file. What no setting has the
name of is an error. --version prints the version.
`

// Usage is the text of torcd --help.
func Usage() string {
	var b strings.Builder
	b.WriteString(usageHead)
	c, group := defaults(), ""
	c.Lanes = 0 // depends on the machine
	for _, s := range settings {
		if s.group != group {
			group = s.group
			fmt.Fprintf(&b, "\n%s\n", group)
		}
		name := "--" + s.name
		if s.value != "" {
			name += " " + s.value
		}
		fmt.Fprintf(&b, "  %-28s %s%s\n", name, s.help, defaultNote(&s, c))
	}
	return b.String()
}

func defaultNote(s *setting, c *Config) string {
	switch value := s.show(c); {
	case s.name == "lanes":
		return " (default: one for each processor, at most 4)"
	case value == "" || s.value == "":
		return ""
	default:
		return " (default " + value + ")"
	}
}
