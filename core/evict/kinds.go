package evict

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is a policy, in Redis's words.
type Kind uint8

// The policies.
const (
	NoEviction Kind = iota
	Adaptive
	AllKeysLRU
	VolatileLRU
	AllKeysLFU
	VolatileLFU
	VolatileTTL
	AllKeysRandom
	VolatileRandom
)

var kindNames = []string{
	NoEviction:     "noeviction",
	Adaptive:       "allkeys-adaptive",
	AllKeysLRU:     "allkeys-lru",
	VolatileLRU:    "volatile-lru",
	AllKeysLFU:     "allkeys-lfu",
	VolatileLFU:    "volatile-lfu",
	VolatileTTL:    "volatile-ttl",
	AllKeysRandom:  "allkeys-random",
	VolatileRandom: "volatile-random",
}

// Names are the policies' names, in the order of their Kinds.
func Names() []string { return slices.Clone(kindNames) }

// Kinds is how many policies there are: each Kind is less.
var Kinds = len(kindNames)

// Parse reads a policy's name.
func Parse(name string) (Kind, error) {
	if i := slices.Index(kindNames, strings.ToLower(name)); i >= 0 {
		return Kind(i), nil
	}
	return 0, fmt.Errorf("%q is no eviction policy: want one of %s", name, strings.Join(kindNames, ", "))
}

// String is the policy's name.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("policy %d", k)
}

// volatile reports whether only keys that expire may go.
func (k Kind) volatile() bool {
	switch k {
	case VolatileLRU, VolatileLFU, VolatileTTL, VolatileRandom:
		return true
	}
	return false
}
