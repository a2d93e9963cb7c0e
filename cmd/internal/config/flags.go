package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// readFlags reads --name value, --name=value and, for switches, --name. The last of several wins.
func readFlags(args []string) (source, error) {
	s := source{}
	var last *setting
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, value, inline, err := cutFlag(arg, last)
		if err != nil {
			return nil, err
		}
		switch name {
		case "help", "h":
			return nil, ErrHelp
		case "version":
			return nil, ErrVersion
		}
		of := find(name)
		if of == nil && name != configName {
			return nil, unknown("flag", "--"+name, nearest(name, flagNames()), "--")
		}
		last = of
		switch {
		case inline:
		case of != nil && of.value == "":
			value = "true"
		case len(args) == 0 || strings.HasPrefix(args[0], "--"):
			return nil, fmt.Errorf("--%s needs a value (one that begins with -- is written --%s=VALUE)", name, name)
		default:
			value, args = args[0], args[1:]
		}
		s[name] = given{value, "--" + name}
	}
	return s, nil
}

// cutFlag takes a flag apart. last is the setting before it: what stands behind it without dashes
// may be the rest of its value, written without quotes.
func cutFlag(arg string, last *setting) (name, value string, inline bool, err error) {
	rest, dashed := strings.CutPrefix(arg, "-")
	rest = strings.TrimPrefix(rest, "-")
	name, value, inline = strings.Cut(rest, "=")
	if dashed && name != "" {
		return name, value, inline, nil
	}
	if _, notBool := strconv.ParseBool(arg); notBool == nil && last != nil && last.value == "" {
		return "", "", false, fmt.Errorf("%q: write --%s=%s", arg, last.name, arg)
	}
	if last != nil && last.secret {
		return "", "", false, fmt.Errorf("--%s has more than one word: put it in quotes", last.name)
	}
	if arg == "" {
		return "", "", false, errors.New("an argument is empty: torcd takes flags only, such as --join; see torcd --help")
	}
	return "", "", false, fmt.Errorf("%q: torcd takes flags only, such as --join; see torcd --help", arg)
}

func flagNames() []string { return append(settingNames(), configName, "help", "version") }
