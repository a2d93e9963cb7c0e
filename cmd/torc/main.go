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
		{"dev", "run a cluster in this process, on loopback, and print its addresses", dev},
		{"status", "show nodes, shards, leaders, terms and lag: is the cluster healthy?", showStatus},
		{"drain", "move everything off a node, so that it can be removed", drain},
		{"undrain", "let a drained node hold data again", undrain},
		{"weight", "set how much a node holds relative to others", weight},
		{"forget", "declare that a lost node never comes back, so that what only it held may be given up", forget},
		{"recover-meta", "recreate the meta group from one node's map, when its majority is lost for good", recoverMeta},
		{"roll", "check whether a node may be stopped now, for an update for instance", roll},
		{"get", "read a key", get},
		{"set", "write a key", set},
		{"del", "remove keys", del},
		{"bench", "measure throughput and latency, through Torc's client or the Redis protocol; torc bench hitrate measures eviction policies", bench},
		{"sim", "run one simulation, or sweep many seeds", simulate},
	}
}

// exits are what the commands' exit codes say; one that is not here has a help of its own.
var exits = map[string]string{
	"dev":          "0 interrupted; 1 it could not start, or a node failed",
	"status":       "0 healthy; 2 degraded; 1 no answer",
	"drain":        "0 done, or it was so already, and with --wait the node is empty; 1 refused, or no answer",
	"undrain":      "0 done, or it was so already; 1 refused, or no answer",
	"weight":       "0 done, or it was so already; 1 refused, or no answer",
	"forget":       "0 done; 2 nothing was done, the consequences were shown; 1 refused, or no answer",
	"recover-meta": "0 done; 2 nothing was done, the consequences were shown; 1 refused, or no answer",
	"roll":         "0 it may be stopped; 2 not now; 1 no answer",
	"get":          "0 read; 3 there is no such key; 1 the key could not be read",
	"set":          "0 written; 3 the condition (--nx, --xx) does not hold; 1 not written, or outcome unknown: the message says which",
	"del":          "0 done, and the number of keys that existed is printed; 1 not done, or outcome unknown: the message says which",
	"bench":        "0 every request succeeded; 1 some failed, or it could not start",
}

// about is what a command's help says beside its flags.
func about(flags string) string {
	name := strings.TrimPrefix(flags, "torc ")
	for _, c := range commands() {
		if codes, here := exits[name]; here && c.name == name {
			return c.summary + "\nexit code: " + codes + "\n\n"
		}
	}
	return ""
}

func usage() string {
	var b strings.Builder
	b.WriteString("torc: the command-line tool for Torc's nodes (torcd)\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  torc %-12s %s\n", c.name, c.summary)
	}
	b.WriteString("\ntorc COMMAND --help lists a command's flags, torc --version prints this tool's version.\n")
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
