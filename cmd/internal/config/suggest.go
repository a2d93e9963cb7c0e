package config

import (
	"fmt"
	"strings"
)

// unknown is the error for a key that no setting has.
func unknown(kind, key, near, prefix string) error {
	if near == "" || near == envPrefix {
		return fmt.Errorf("there is no %s %s; torcd --help lists them", kind, key)
	}
	return fmt.Errorf("there is no %s %s; did you mean %s%s?", kind, key, prefix, near)
}

func settingNames() []string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.name
	}
	return names
}

// nearest is the name that was probably meant: the one that differs by the fewest letters, if
// these are few beside the whole, or the first that holds the word, or is held by it. It is empty
// when there is none: a wild guess helps nobody.
func nearest(word string, names []string) string {
	best, distance := "", max(1, len(word)/3)+1
	for _, name := range names {
		if d := editDistance(word, name); d < distance {
			best, distance = name, d
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	for _, name := range names {
		if strings.Contains(name, word) {
			return name
		}
		if strings.Contains(word, name) && len(name) > len(best) {
			best = name
		}
	}
	return best
}

// editDistance counts the letters inserted, left out, replaced or swapped with their neighbour (optimal string alignment), in bytes.
func editDistance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range len(b) {
			replaced := above[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(replaced, row[j]+1, above[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
