package script

// Kind is the shape of a Value.
type Kind uint8

// The kinds, by the types of the Redis protocol that they travel as.
const (
	Nil    Kind = iota
	Int         // Value.Int
	Bulk        // Value.Text
	Status      // Value.Text
	Error       // Value.Text, without the leading '-'
	List        // Value.List
)

// Value is what a command answers, and what a script returns.
type Value struct {
	Kind Kind
	Int  int64
	Text string
	List []Value
}

// Host is whom redis.call and redis.pcall ask.
type Host interface {
	// Call carries out one command. An error, which is none of the command's, ends the run, whatever the script does about it: Run returns it.
	Call(args [][]byte) (Value, error)
	// Log takes what redis.log is given, by Redis's levels: 0 debug, 1 verbose, 2 notice, 3 warning.
	Log(level int, text string)
}
