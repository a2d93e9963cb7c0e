//go:build !mutants

package mutant

import "errors"

var errNone = errors.New("this program is built without planted bugs (make gallery builds one that has them: -tags mutants)")

// Seal fails: there are no planted bugs in this build.
func Seal(string, string) (string, error) { return "", errNone }

// Unseal fails: there are no planted bugs in this build.
func Unseal(string) (string, error) { return "", errNone }
