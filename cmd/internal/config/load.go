package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// source is what one place says, by setting, with the words for error texts.
type source struct {
	values map[string]string // for look-up, never ranged
	word   func(name string) string
}

// Load reads the configuration. args are the command line's without the program's name,
// environ is as os.Environ gives it.
func Load(args, environ []string) (*Config, error) {
	flags, file, err := readFlags(args)
	if err != nil {
		return nil, err
	}
	env, envFile, err := readEnv(environ)
	if err != nil {
		return nil, err
	}
	sources := []source{env, flags}
	if file == "" {
		file = envFile
	}
	if file != "" {
		of, err := readFile(file)
		if err != nil {
			return nil, err
		}
		sources = slices.Insert(sources, 0, of)
	}
	c := defaults()
	for _, s := range sources {
		if err := s.apply(c); err != nil {
			return nil, err
		}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

func (s source) apply(c *Config) error {
	for i := range settings {
		of := &settings[i]
		value, given := s.values[of.name]
		if !given {
			continue
		}
		if _, both := s.values[of.name+"-file"]; both {
			return fmt.Errorf("%s and %s are both given: keep one", s.word(of.name), s.word(of.name+"-file"))
		}
		if err := of.set(c, value); err != nil {
			if of.secret {
				value = hidden
			}
			return fmt.Errorf("%s %q: %w", s.word(of.name), value, err)
		}
	}
	return nil
}

// readFlags reads --name value, --name=value and, for switches, --name.
func readFlags(args []string) (s source, file string, err error) {
	s = source{values: map[string]string{}, word: func(name string) string { return "--" + name }}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, ok := strings.CutPrefix(arg, "-")
		name = strings.TrimPrefix(name, "-")
		if !ok || name == "" {
			return s, "", fmt.Errorf("%q: torcd takes flags only, such as --join; see torcd --help", arg)
		}
		name, value, given := strings.Cut(name, "=")
		switch name {
		case "help", "h":
			return s, "", ErrHelp
		case "version":
			return s, "", ErrVersion
		}
		of := find(name)
		if of == nil && name != "config" {
			return s, "", unknown("flag", "--"+name, "--", name)
		}
		switch {
		case given:
		case of != nil && of.value == "":
			value = "true"
		case len(args) == 0:
			return s, "", fmt.Errorf("--%s needs a value", name)
		default:
			value, args = args[0], args[1:]
		}
		if name == "config" {
			file = value
			continue
		}
		s.values[name] = value
	}
	return s, file, nil
}

// envPrefix begins the names of the variables; what begins with one of notSettings is for tests.
const envPrefix = "TORC_"

var notSettings = []string{"TORC_TEST_", "TORC_PROC_", "TORC_NEED_"}

func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func readEnv(environ []string) (s source, file string, err error) {
	s = source{values: map[string]string{}, word: envName}
	for _, v := range environ {
		key, value, _ := strings.Cut(v, "=")
		rest, ours := strings.CutPrefix(key, envPrefix)
		if !ours || slices.ContainsFunc(notSettings, func(p string) bool { return strings.HasPrefix(key, p) }) {
			continue
		}
		name := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
		switch {
		case name == "config":
			file = value
		case find(name) == nil:
			return s, "", unknown("variable", key, envPrefix, name)
		default:
			s.values[name] = value
		}
	}
	return s, file, nil
}

// readFile reads a TOML file: one key for each setting, with - or _.
func readFile(path string) (source, error) {
	s := source{values: map[string]string{}, word: func(name string) string { return path + ": " + name }}
	var content map[string]any
	if _, err := toml.DecodeFile(path, &content); err != nil {
		var bad toml.ParseError
		if errors.As(err, &bad) {
			return s, fmt.Errorf("read the configuration %s: %s", path, bad.ErrorWithPosition())
		}
		return s, fmt.Errorf("read the configuration: %w", err)
	}
	for _, of := range settings {
		for _, key := range []string{of.name, strings.ReplaceAll(of.name, "-", "_")} {
			value, given := content[key]
			if !given {
				continue
			}
			text, err := fileValue(value)
			if err != nil {
				return s, fmt.Errorf("%s: %s: %w", path, key, err)
			}
			s.values[of.name] = text
			delete(content, key)
		}
	}
	var rest []string
	for key := range content {
		rest = append(rest, key)
	}
	if slices.Sort(rest); len(rest) > 0 {
		return s, fmt.Errorf("%s: %w", path, unknown("key", rest[0], "", strings.ReplaceAll(rest[0], "_", "-")))
	}
	return s, nil
}

// fileValue writes a TOML value as a flag would have it.
func fileValue(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64, float64, bool:
		return fmt.Sprint(v), nil
	case []any:
		var parts []string
		for _, part := range v {
			text, ok := part.(string)
			if !ok {
				return "", fmt.Errorf("want a list of strings")
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, ","), nil
	}
	return "", fmt.Errorf("want a text, a number, true or false, or a list of texts")
}

func unknown(kind, word, prefix, name string) error {
	best, distance := "", 4
	for _, of := range settings {
		if d := editDistance(name, of.name); d < distance {
			best, distance = of.name, d
		}
	}
	if best == "" {
		return fmt.Errorf("there is no %s %s; torcd --help lists them", kind, word)
	}
	if prefix == envPrefix {
		best = envName(best)
	} else {
		best = prefix + best
	}
	return fmt.Errorf("there is no %s %s; did you mean %s?", kind, word, best)
}

// editDistance is Levenshtein's.
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
