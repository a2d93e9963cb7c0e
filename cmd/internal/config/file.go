package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// readFile reads TOML 1.0 (https://toml.io/en/v1.0.0): one key for each setting, with - or _.
func readFile(path string, content []byte) (source, error) {
	var keys map[string]any
	if err := toml.Unmarshal(content, &keys); err != nil {
		return nil, fmt.Errorf("%s: %w", path, withoutValues(err))
	}
	s := source{}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		name, where := strings.ReplaceAll(key, "_", "-"), path+": "+key
		of := find(name)
		if slices.Contains(toolNames, name) {
			of = &setting{list: name == "addr"}
		}
		if of == nil {
			return nil, fmt.Errorf("%s: %w", path, unknown("key", key, nearest(name, append(settingNames(), toolNames...)), ""))
		}
		if other, both := s[name]; both {
			return nil, fmt.Errorf("%s and %s are the same setting: keep one", other.where, key)
		}
		text, err := of.fileText(keys[key])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		s[name] = given{text, where}
	}
	return s, nil
}

// withoutValues says where a file is not TOML. The library's own words quote the place, and the
// lines before it, where a password may stand.
func withoutValues(err error) error {
	var bad toml.ParseError
	if !errors.As(err, &bad) {
		return errors.New("is not TOML")
	}
	message, hint := bad.Message, ""
	if strings.HasSuffix(message, "has already been defined.") {
		message = "the key is given twice"
	} else if quoted := strings.IndexAny(message, `"'0123456789`); quoted >= 0 {
		message = strings.TrimRight(message[:quoted], " :(") + " ..."
	}
	if strings.HasPrefix(message, "expected value") {
		hint = " (texts stand in double quotes)"
	}
	if bad.LastKey == "" {
		return fmt.Errorf("line %d is not TOML: %s%s", bad.Position.Line, message, hint)
	}
	return fmt.Errorf("line %d is not TOML, at or after the key %s: %s%s", bad.Position.Line, bad.LastKey, message, hint)
}

// fileText writes a TOML value as a flag would have it.
func (s *setting) fileText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case []any:
		if s.list {
			return joined(v)
		}
	}
	if s.list {
		return "", errors.New("want a text or a list of texts")
	}
	return "", errors.New("want a text in double quotes, a number, true or false")
}

func joined(list []any) (string, error) {
	parts := make([]string, len(list))
	for i, part := range list {
		text, ok := part.(string)
		if !ok {
			return "", errors.New("want a list of texts")
		}
		parts[i] = text
	}
	return strings.Join(parts, ","), nil
}
