package linearizability

// Result is what a checker makes of a history.
type Result uint8

// The results, from best to worst.
const (
	Fine      Result = iota // nothing wrong was found
	Undecided               // the checker gave up: whoever runs it must count this as a failure
	Violation               // the history cannot come from a correct system
)

var resultNames = [...]string{Fine: "fine", Undecided: "undecided", Violation: "violation"}

func (r Result) String() string { return resultNames[r] }

// The oracles: which belief a verdict is about.
const (
	OracleHistory     = "history"     // the history itself is malformed
	OracleRegister    = "register"    // reads and writes of unique values: linearizable (zones)
	OracleModel       = "model"       // any commands: linearizable (search)
	OracleTTL         = "ttl"         // served too late, lost too early
	OracleCounter     = "counter"     // each increment counts once
	OracleAppend      = "append"      // each appended token is there once
	OracleVersion     = "version"     // versions grow, and each has one value
	OracleSession     = "session"     // the four session guarantees
	OracleDurability  = "durability"  // what was acknowledged is there in the end
	OracleTransaction = "transaction" // each batch of several operations is done as one
)

// Verdict is one finding about one key.
type Verdict struct {
	Result     Result
	Oracle     string
	Key        string
	Operations []Operation // the ones the sentence speaks of, the accused one first
	Sentence   string      // why, for a reader who has not seen the checker
}

func (v Verdict) String() string {
	return v.Result.String() + " [" + v.Oracle + "] key " + quoted(v.Key) + ": " + v.Sentence
}

// Worst is the worst result among verdicts, Fine if there is none.
func Worst(verdicts []Verdict) Result {
	worst := Fine
	for _, v := range verdicts {
		worst = max(worst, v.Result)
	}
	return worst
}

func violation(oracle string, k KeyHistory, sentence string, ops ...*Operation) Verdict {
	v := Verdict{Result: Violation, Oracle: oracle, Key: k.Key, Sentence: sentence}
	for _, op := range ops {
		if op != nil {
			v.Operations = append(v.Operations, *op)
		}
	}
	return v
}

func undecided(oracle string, k KeyHistory, sentence string) Verdict {
	return Verdict{Result: Undecided, Oracle: oracle, Key: k.Key, Sentence: sentence}
}
