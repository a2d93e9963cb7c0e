package config

import (
	"fmt"
	"strings"
)

const usageHead = `torcd runs one node of Torc, a distributed cache that never serves a stale read.

  torcd                                             a single node, on loopback
  torcd --join A:7400,B:7400,C:7400 --expect 3 ...  run on A, B and C: a cluster of three
  torcd --join A:7400 ...                           join the cluster that A is in

Each setting can also be given in the environment (TORC_MAX_KEY=64KiB for --max-key 64KiB) or in a
TOML file (max-key = "64KiB"). Flags override the environment, and that overrides the file; if a
flag is given twice the last one counts. An unknown name is an error in all three.

  --config FILE                the TOML file (or TORC_CONFIG)
  --version, --help            print the version, or this text, and exit
`

// The usage text's measures, in characters.
const (
	usageColumn = 31
	usageWidth  = 100
)

// Usage is the text of torcd --help.
func Usage() string {
	var b strings.Builder
	b.WriteString(usageHead)
	c, group := defaults(), ""
	for i := range settings {
		s := &settings[i]
		if s.group != group {
			group = s.group
			fmt.Fprintf(&b, "\n%s\n", group)
		}
		name := "--" + s.name
		if s.value != "" {
			name += " " + s.value
		}
		writeEntry(&b, name, append(strings.Fields(s.help), s.defaultNote(c)...))
	}
	return b.String()
}

// defaultNote is a single word to writeEntry, so that no line breaks in it. Switches are off and
// texts without a default are empty: neither needs to be said.
func (s *setting) defaultNote(c *Config) []string {
	if value := s.show(c); value != "" && s.value != "" {
		return []string{"(default " + value + ")"}
	}
	return nil
}

// writeEntry writes a name and, in a column beside it, the words of its help.
func writeEntry(b *strings.Builder, name string, help []string) {
	line := fmt.Sprintf("%-*s", usageColumn-1, "  "+name)
	if len(line) >= usageColumn { // it reaches into the column
		b.WriteString(line + "\n")
		line = strings.Repeat(" ", usageColumn-1)
	}
	empty := true // no word of the help is on this line yet
	for _, word := range help {
		if !empty && len(line)+1+len(word) > usageWidth {
			b.WriteString(line + "\n")
			line, empty = strings.Repeat(" ", usageColumn-1), true
		}
		line, empty = line+" "+word, false
	}
	b.WriteString(line + "\n")
}
