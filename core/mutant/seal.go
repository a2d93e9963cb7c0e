//go:build mutants

package mutant

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// sealLetters is how long a seal is. It hides a name from a reader, not from an attacker: whoever
// has the source can try all names.
const sealLetters = 10

// Seal hides the name of a planted bug behind a code that can be used in its place, for a course: a
// student gets the code and finds out by experiment what it does. The salt makes the codes of
// different students differ.
func Seal(name, salt string) (string, error) {
	if !slices.Contains(All, name) {
		return "", fmt.Errorf("sealing %q: there is no such planted bug; `torc sim gallery` lists them", name)
	}
	if strings.Contains(salt, ":") {
		return "", fmt.Errorf("sealing %q: a salt has no colon, as %q has", name, salt)
	}
	return "sealed:" + salt + ":" + sealOf(name, salt), nil
}

func sealOf(name, salt string) string {
	sum := sha256.Sum256([]byte("torc gallery\x00" + salt + "\x00" + name))
	return hex.EncodeToString(sum[:])[:sealLetters]
}

// Unseal returns the name behind a seal. What is not sealed is returned as it is.
func Unseal(code string) (string, error) {
	rest, sealed := strings.CutPrefix(code, "sealed:")
	if !sealed {
		return code, nil
	}
	salt, seal, whole := strings.Cut(rest, ":")
	i := slices.IndexFunc(All, func(name string) bool { return sealOf(name, salt) == seal })
	if !whole || i < 0 {
		return "", fmt.Errorf("%s is no seal of this program's planted bugs; it should read sealed:SALT:CODE", code)
	}
	return All[i], nil
}
