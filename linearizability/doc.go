// Package linearizability judges histories: given what every client asked, when, and what it
// was told, it says whether one honest copy of the data could have given those answers.
//
// The simulator calls it at the end of a run, the tests with real processes after a
// recording, and a person with a history file and a doubt. It knows nothing of Torc: an
// Operation is plain data, so a history recorded from any key-value store will do.
//
// # A history, and what is asked of it
//
// An operation is an interval. Client 1's write of 4 began when it was sent and ended when
// the answer arrived; somewhere between the two it took effect:
//
//	client 1  |--write 4--|
//	client 2        |------read 4------|
//	client 3                  |--read 3--|      time ->
//
// A history is linearizable (Herlihy and Wing, 1990) if one can pick an instant inside each
// interval so that, executed in the order of those instants, on one copy, every operation
// returns what it did return. Intervals that overlap may go either way round. Here client 3
// began after the write was acknowledged, so no choice makes its answer right: a stale read.
//
// Not every operation gets an answer, and the difference between the two ways of not getting
// one is where most home-made checkers go wrong:
//
//   - Failed: it surely never took effect and never will. Nobody may see it.
//   - Unknown (a timeout, a lost connection): it may take effect at any time after its call,
//     even after the client gave up, or never. Its interval has no end.
//
// # The way of a check
//
//	Recorder --> History <-- Parse (a text file, one operation a line)
//	                |
//	              Check: split by key, choose by what is done to the key
//	                |
//	   +-----------+-----------+---------+------+-----------+
//	register    counter     append     ttl    model       version, session, durability
//	(zones)     (ladder)   (ladder)     (walk, porcupine)
//	                |
//	            []Verdict: violation or undecided, with a sentence and the operations
//	                |
//	    transaction: once, over all keys that batches of several operations use
//
// # What each checker sees, and what it is blind to
//
// register (CheckRegister). Reads and writes of unique values. Exact, O(n log n), a million
// operations a second: see register.go for the idea, it fits on a page. Blind: a write that is
// applied twice, because the second time changes nothing; what no one reads; a system that
// answers nothing at all, since an empty history is a fine history. So a run also needs
// counters, and an oracle for progress, which cannot be had from a history alone.
//
// counter (CheckCounter) and append (CheckAppend). At most once: an increment that is retried
// and applied twice makes the sum wrong for ever, and a token that is appended twice is there
// twice. Answers of increments tell their place in the order, so this is exact and near-linear
// too (ladder.go), as long as deltas are positive, or tokens can be told apart. Blind: with
// unknown operations in the game a doubled one can hide behind one that never happened, if
// both have the same delta. Unique tokens do not have that hole: prefer appends.
//
// model (CheckModel). Every command, by exhaustive search (walk.go): CAS by value or
// version, SETNX, GETDEL, delete, any mixture. Exact, but the cost can be exponential in the number
// of changes open at once, and operations of unknown outcome stay open for ever; what only looks costs
// nothing, and answers that tell versions or the numbers of leases (turns.go) leave little to try. Beyond
// its bounds the verdict is Undecided. Spread a workload over many keys and rotate them. Porcupine is asked
// for a second opinion about each verdict (second.go) and draws the pictures.
//
// ttl (CheckTTL), with the zones of the register checker. Linearizability has no clock, so
// expiry needs its own: not served later than the TTL plus a tolerance, not lost earlier than
// the TTL minus it, never back without a new write, nor after a sure loss. Deletes and touches count as looks at the
// key: applied, it was there; refused, it was not. Versions say which setter it is about. Sound, but not complete: within the
// tolerance anything goes, and an operation of unknown outcome explains one life that was too long or too short.
// Keys that mix TTLs with increments, appends or CAS are Undecided.
//
// version (CheckVersions). Where answers tell versions: does every change give the key a greater one,
// and has each one value? On keys that the model judges this finds nothing new. On the others it is what
// sees a change that a compare-and-set by version would not notice. Linear.
//
// session (CheckSession, CheckWriteOrder). Does each client see its own writes, never an older
// value than before, and the writes of others in the order in which they were made, what they
// had read included, on all keys? On a linearizable system this finds nothing new (so Check
// asks about order only after keys that are accused), but it names who was wronged. And it is
// the right question for reads that promise no more than that.
//
// durability (CheckDurability). After the faults are healed, is everything that was
// acknowledged still there? Linearizability asks this too, of keys that are read again; this
// checker also notices a key that nobody could read. A loss that the system declared itself
// (Options.Losses) excuses what it covers, here and in all other checkers.
//
// transaction (CheckTransactions). Is each batch that the system promised to do as one
// (Operation.Batch) done as one, at an instant between its call and its return? Keys by
// themselves cannot tell: half of a batch looks fine on either key. It looks for cycles of
// reasons over keys that are only appended to, after Elle: near-linear, and the shortest cycle
// is the explanation (transaction.go). Exact, but for appends of unknown outcome that nobody
// saw, which it takes not to have happened. Blind: keys that were perhaps lost, what was under way during a sure loss, and all
// that nobody reads: let batches read several keys at once. Batches on keys that are written,
// incremented or deleted are Undecided, because such values do not tell their order. A batch that is done only if a key has not changed since it
// was read (WATCH) is recorded with a read of what was read then: if the batch was done, that is what the key held.
//
// Evictions are operations of the history, by nobody (eviction.go): the checkers know them by the versions that they
// removed. A key that was given up and of which the history does not say so looks lost.
//
// None of them sees: liveness, replicas that differ behind the scenes.
//
// # What must hold
//
//  1. No false alarms: a violation means that no choice of instants, and no fate of the unknown
//     operations, explains the history. When in doubt a checker accepts or is Undecided.
//  2. Undecided is not fine: whoever runs a check counts it as a failure.
//  3. Absent, "", and "0" are three different values.
//  4. Equal histories and options give equal verdicts in equal order: no verdict depends on a clock.
//  5. Checkers never change a history, and a KeyHistory's operations are shared, not copied.
//  6. Every sentence can be understood by someone who knows what a read and a write are.
//
// # Trying it
//
// The histories in testdata are meant to be read: one error each under bad, each with the
// sentence that the checkers find for it, and under good the cases that tempt a checker to
// cry wolf. Change an answer in one of them and run
//
//	go test ./linearizability -run TestFiles
//
// It leaves to others: running workloads and recording (the simulator, the process tests),
// liveness, and comparing replicas.
package linearizability
