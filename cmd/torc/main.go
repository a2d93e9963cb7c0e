package main

import (
	"fmt"
	"os"
)

const usage = `torc: the tool beside Torc's nodes

  torc dev [--nodes N]           run a cluster in this process, on loopback, and say how to talk to it
  torc sim [--seed N] [--scenario NAME] [--duration D] [--mutant NAME]
                                 run one simulation; exit code 0 pass, 2 lost consistency, 3 no progress, 4 crash
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(1)
	}
	switch os.Args[1] {
	case "sim":
		os.Exit(simulate(os.Args[2:]))
	case "dev":
		os.Exit(dev(os.Args[2:]))
	case "help", "--help", "-h":
		fmt.Print(usage)
	default:
		fmt.Fprintf(os.Stderr, "torc: there is no command %q\n\n%s", os.Args[1], usage)
		os.Exit(1)
	}
}
