//go:build mutants

package mutant

import "slices"

// Compiled says whether mutants are in this binary.
const Compiled = true

var active string

// On reports whether a mutant is switched on.
func On(name string) bool { return active == name }

// Enable switches one mutant on ("" for none; a seal stands for its bug) and reports whether it could. It is called
// before a world starts, never while one runs.
func Enable(name string) bool {
	plain, err := Unseal(name)
	if err != nil || plain != "" && !slices.Contains(All, plain) {
		return false
	}
	active = plain
	return true
}
