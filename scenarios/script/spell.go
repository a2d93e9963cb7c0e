package script

import "torc/sim"

// SpellOp is an operation as files spell it, without what the script wants of it.
func SpellOp(op sim.Op) string {
	op.Want = ""
	return writeOp(&op)
}

// SpellFault is a fault as files spell it.
func SpellFault(f sim.Fault) string {
	text, err := writeFault(f)
	if err != nil {
		return "a fault without a word" // such as one that a test defines
	}
	return text
}
