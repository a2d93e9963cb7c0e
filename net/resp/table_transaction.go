package resp

// transactionCommands do several commands as one.
var transactionCommands = []command{
	{name: "multi", arity: 1, flags: "noscript loading stale fast allow_busy",
		group: "transactions", since: "1.2.0", complexity: "O(1)",
		summary: "Start a transaction, of keys of one hash slot", run: runMulti},
	{name: "exec", arity: 1, flags: "noscript loading stale skip_slowlog",
		group: "transactions", since: "1.2.0", complexity: "Depends on commands in the transaction",
		summary: "Execute all commands in a transaction, as one entry of its shard's log", run: runExec},
	{name: "discard", arity: 1, flags: "noscript loading stale fast allow_busy",
		group: "transactions", since: "2.0.0", complexity: "O(N), when N is the number of queued commands",
		summary: "Discard a transaction", run: runDiscard},
	{name: "watch", arity: -2, flags: "noscript loading stale fast allow_busy", first: 1, last: -1, step: 1, keyFlags: "RO",
		group: "transactions", since: "2.2.0", complexity: "O(1) for every key.",
		summary: "Monitor changes to keys of one hash slot to determine the execution of a transaction", run: runWatch},
	{name: "unwatch", arity: 1, flags: "noscript loading stale fast allow_busy",
		group: "transactions", since: "2.2.0", complexity: "O(1)",
		summary: "Forget about watched keys of a transaction", run: runUnwatch},
}
