package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"torc/cmd/internal/release"
)

// command is one thing that the tool does.
type command struct {
	name    string
	summary string
	run     func(args []string) int
}

func commands() []command {
	return []command{
		{"dev", "run a cluster in this process, on loopback, and say how to talk to it", dev},
		{"status", "nodes, shards, leaders, terms, lag: is the cluster well?", showStatus},
		{"drain", "let a node give away what it holds, so that it can go", drain},
		{"undrain", "let a drained node take part again", undrain},
		{"weight", "set how much a node holds beside others", weight},
		{"forget", "say that a node which is gone never comes back, so that what it held may be given up", forget},
		{"recover-meta", "begin the meta group anew from one node's map, when its majority is lost for good", recoverMeta},
		{"roll", "tell whether a node may be stopped now, as for an update", roll},
		{"get", "read a key", get},
		{"set", "write a key", set},
		{"del", "remove keys", del},
		{"bench", "measure requests per second and latencies, through Torc's client or the Redis protocol; torc bench hitrate measures eviction policies", bench},
		{"sim", "run one simulation, or sweep many seeds", simulate},
	}
}

func usage() string {
	var b strings.Builder
	b.WriteString("torc: the tool beside Torc's nodes (torcd)\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  torc %-12s %s\n", c.name, c.summary)
	}
	b.WriteString("\ntorc COMMAND --help tells a command's flags, torc --version this tool's version.\n")
	return b.String()
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage())
		return exitError
	}
	name, rest := args[0], args[1:]
	if name == "help" || name == "--help" || name == "-h" {
		if len(rest) == 0 {
			fmt.Print(usage())
			return exitOK
		}
		name, rest = rest[0], []string{"--help"}
	}
	if name == "version" || name == "--version" {
		fmt.Println("torc", release.Version())
		return exitOK
	}
	all := commands()
	if i := slices.IndexFunc(all, func(c command) bool { return c.name == name }); i >= 0 {
		return all[i].run(rest)
	}
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	fmt.Fprintf(os.Stderr, "torc: there is no command %q%s\n\n%s", name, didYouMean(name, "", names), usage())
	return exitError
}
