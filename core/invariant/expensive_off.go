//go:build !invariants

package invariant

// Expensive reports whether expensive checks are compiled in.
const Expensive = false
