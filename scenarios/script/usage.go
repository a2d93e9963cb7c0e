package script

import (
	"fmt"
	"io"

	"torc/sim"
)

// Usage writes every word that a file may use, with what it does.
func Usage(w io.Writer) error {
	p := &printer{w: w}
	p.head("A scenario file has one statement a line. # begins a comment; values with spaces are quoted as in Go.")
	for _, d := range directives {
		p.word(d.usage, d.doc)
	}
	p.head("Faults: at TIME FAULT [for DURATION], or every PERIOD from TIME times N FAULT [for DURATION]")
	for _, f := range faultWords {
		p.word(f.usage, f.doc)
	}
	p.head("TARGET is n2, leader(SHARD), follower(SHARD,I), voter(SHARD,I), random, or a part that cast has named; under when also sender, receiver.")
	p.head("Clients: at TIME c1 [via n2] [atomic] OPERATION [-> OUTCOME [| OUTCOME]] [; OPERATION ...]")
	for _, o := range opWords {
		p.word(o.usage, "")
	}
	p.head("OUTCOME is ok, absent, yes, no, refused, unknown, a number, or a value in quotes. via is for clients without sessions.")
	p.head("Bases (base NAME)")
	for _, b := range bases {
		p.word(b.name, b.doc)
	}
	p.head("Settings (set NAME=VALUE ...); what is not set is drawn from the seed")
	for _, f := range sim.Fields() {
		p.word(f.Name, f.Doc)
	}
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) head(text string) { p.print("\n%s\n", text) }

func (p *printer) word(usage, doc string) {
	switch {
	case doc == "":
		p.print("  %s\n", usage)
	case len(usage) > 34:
		p.print("  %s\n  %34s  %s\n", usage, "", doc)
	default:
		p.print("  %-34s  %s\n", usage, doc)
	}
}

func (p *printer) print(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
