package invariant

import "fmt"

// Violation is the panic value of a failed check.
type Violation struct{ Text string }

func (v Violation) Error() string { return "invariant violated: " + v.Text }

// Check panics with a Violation unless ok holds.
func Check(ok bool, format string, args ...any) {
	if !ok {
		panic(Violation{fmt.Sprintf(format, args...)})
	}
}
