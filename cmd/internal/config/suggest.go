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

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
