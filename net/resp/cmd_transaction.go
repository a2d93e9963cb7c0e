package resp

// Transactions are refused in the words in which Redis gives one up: MULTI is taken, what follows is QUEUED and forgotten, and EXEC says that nothing was
// done. Redis never refuses MULTI itself, and libraries do not expect it: some send all up to EXEC at once, take the error for the answer to the
// whole, and read the rest of it as answers to later commands (go-redis); and what was sent would be done, though an error was seen.

const errTransaction = "EXECABORT Torc does not support transactions: nothing between MULTI and EXEC was done"

func runMulti(r *request) {
	if r.inMulti {
		r.fail("ERR MULTI calls can not be nested")
		return
	}
	r.inMulti = true
	r.ok()
}

func runExec(r *request) {
	if !r.inMulti {
		r.fail("ERR EXEC without MULTI")
		return
	}
	r.inMulti = false
	r.fail(errTransaction)
}

func runDiscard(r *request) {
	if !r.inMulti {
		r.fail("ERR DISCARD without MULTI")
		return
	}
	r.inMulti = false
	r.ok()
}

// queued reports whether a command is one of a transaction. What is not supported says so at once.
func (c *conn) queued(spec *command) bool {
	return c.inMulti && spec.group != "unsupported" && spec.name != "quit" && spec.name != "reset"
}
