package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"torc/core/mutant"
	"torc/scenarios"
	"torc/sim"
)

// galleryCommands are what `torc sim gallery` does besides listing.
func galleryCommands() []command {
	return []command{
		{"run", "NAME: the lesson of a planted bug: predict, run, explain, fix", galleryRun},
		{"score", "how many planted bugs random search catches, and with which seed first", galleryScore},
		{"shrink", "how small their runs become, and in what time", galleryShrink},
		{"controls", "runs that tempt a bad checker: none may be flagged", galleryControls},
		{"seal", "NAME [SALT]: hide a planted bug's name behind a code, for a course", gallerySeal},
		{"open", "CODE: the name behind a seal", galleryOpen},
	}
}

// gallery lists the planted bugs, or does something with them.
func gallery(args []string) int {
	all := galleryCommands()
	if len(args) == 0 {
		listGallery()
		return exitOK
	}
	if i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] }); i >= 0 {
		return all[i].run(args[1:])
	}
	code := exitOK
	if args[0] != "--help" && args[0] != "-h" {
		fmt.Fprintf(os.Stderr, "torc sim gallery: there is no command %q\n", args[0])
		code = exitError
	}
	fmt.Fprint(os.Stderr, "usage: torc sim gallery lists the planted bugs; torc sim gallery COMMAND:\n")
	for _, c := range all {
		fmt.Fprintf(os.Stderr, "  %-9s %s\n", c.name, c.summary)
	}
	return code
}

func listGallery() {
	p := newPainter(os.Stdout)
	fmt.Printf("%2s  %-29s %-9s %-7s %s\n", "no", "name", "level", "caught", "what it is")
	for _, m := range scenarios.Mutants() {
		_, e, _ := scenarios.Catalogued(m.Name)
		fmt.Printf("%2d  %-29s %-9s %-7s %s\n", m.Number, p.good(m.Name)+strings.Repeat(" ", max(0, 29-len(m.Name))), stars(e.Difficulty), letters(m.Expect), firstSentence(m.Lesson))
	}
	fmt.Print("\ntorc sim gallery run NAME teaches one; torc sim gallery --help says what else there is.\n")
	if !mutant.Compiled {
		fmt.Print("This program is built without them: make gallery builds one that has them (-tags mutants).\n")
	}
}

func stars(n int) string { return strings.Repeat("*", n) }

func letters(list []sim.Oracle) (text string) {
	for _, o := range list {
		text += o.String()
	}
	return text
}

func firstSentence(text string) string {
	if i := strings.Index(text, ". "); i >= 0 {
		return text[:i+1]
	}
	return text
}

// needMutants says what to do in a program without planted bugs.
func needMutants(command string) bool {
	if !mutant.Compiled {
		fmt.Fprintf(os.Stderr, "torc sim gallery %s: this program is built without planted bugs; use `make gallery` or build with -tags mutants\n", command)
	}
	return mutant.Compiled
}

func gallerySeal(args []string) int {
	rest, err := parseMixed(newFlags("torc sim gallery seal", "NAME [SALT], a code to use in place of a planted bug's name.\nA student runs: make sim MUTANT=CODE"), args)
	if err != nil {
		return flagsExit(err)
	}
	if len(rest) < 1 || len(rest) > 2 {
		fmt.Fprintln(os.Stderr, "torc sim gallery seal: wants NAME [SALT]; a student runs: make sim MUTANT=CODE")
		return exitError
	}
	salt := ""
	if len(rest) == 2 {
		salt = rest[1]
	}
	code, err := mutant.Seal(rest[0], salt)
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim gallery: %v\n", err)
		return exitError
	}
	fmt.Println(code)
	return exitOK
}

func galleryOpen(args []string) int {
	rest, err := parseMixed(newFlags("torc sim gallery open", "CODE, the name behind a seal"), args)
	if err != nil {
		return flagsExit(err)
	}
	if len(rest) != 1 {
		fmt.Fprintln(os.Stderr, "torc sim gallery open: wants one CODE, as torc sim gallery seal has made it")
		return exitError
	}
	name, err := mutant.Unseal(rest[0])
	if err != nil {
		fmt.Fprintf(os.Stderr, "torc sim gallery: %v\n", err)
		return exitError
	}
	fmt.Println(name)
	return exitOK
}
