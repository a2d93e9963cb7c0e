package config

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// nonsense is a command line, an environment and a file, each nearly right.
func nonsense(t *rapid.T) (args, environ []string, file string) {
	key := rapid.OneOf(rapid.SampledFrom(append(flagNames(), "nmae", "shard", "", "=")), rapid.StringN(0, 8, 16))
	value := rapid.OneOf(rapid.SampledFrom([]string{
		"", "0", "1", "-1", "3", "1e9", "NaN", "true", "false", "a:1", "127.0.0.1:1", "10.0.0.1:6379", ":7400", "10s", "1ns", "64KiB", "9223372036854775807",
		"lease", "json", "debug", "secret.txt", "empty.txt", "torc.toml", "--name",
	}), rapid.StringN(0, 8, 16))
	prefix := rapid.SampledFrom([]string{"--", "-", "", "---"})
	for range rapid.IntRange(0, 4).Draw(t, "flags") {
		arg := prefix.Draw(t, "prefix") + key.Draw(t, "flag")
		if rapid.Bool().Draw(t, "inline") {
			args = append(args, arg+"="+value.Draw(t, "value"))
		} else {
			args = append(args, arg, value.Draw(t, "value"))
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "variables") {
		environ = append(environ, envName(key.Draw(t, "variable"))+rapid.SampledFrom([]string{"=", ""}).Draw(t, "equals")+value.Draw(t, "value"))
	}
	quote := rapid.SampledFrom([]string{`"`, "'", "", `"""`, "[", "{"})
	for range rapid.IntRange(0, 3).Draw(t, "lines") {
		file += key.Draw(t, "key") + " = " + quote.Draw(t, "open") + value.Draw(t, "value") + quote.Draw(t, "close") + "\n"
	}
	if rapid.Bool().Draw(t, "with a file") {
		args = append(args, "--config", "torc.toml")
	}
	return args, environ, file
}

// judge says what is wrong with what load did: it must not panic, must give either a configuration
// or an error, and the same one again.
func judge(args, environ []string, file string) string {
	c, err := load(args, environ, reading(file))
	again, errAgain := load(args, environ, reading(file))
	switch {
	case (c == nil) == (err == nil):
		return "neither, or both: a configuration and an error"
	case !reflect.DeepEqual(c, again):
		return "two loads differ"
	case err != nil && err.Error() != errAgain.Error():
		return "two errors differ: " + err.Error() + " / " + errAgain.Error()
	case c != nil && (c.check() != nil || c.Lanes < 1 || c.WeightHundredths() < 1):
		return "a configuration that cannot work"
	case c != nil && !rereads(c):
		return "a configuration that cannot be written and read back"
	}
	return ""
}

// rereads says whether the settings as they are shown make the same configuration again.
func rereads(c *Config) bool {
	again := defaults()
	for _, s := range settings {
		if shown := s.show(c); shown != "" || s.name == "admin" {
			if s.set(again, shown) != nil {
				return false
			}
		}
	}
	again.Password, again.ClusterSecret = c.Password, c.ClusterSecret
	again.OldPassword, again.OldClusterSecret = c.OldPassword, c.OldClusterSecret
	return reflect.DeepEqual(c, again)
}

func TestLoadIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		args, environ, file := nonsense(t)
		if wrong := judge(args, environ, file); wrong != "" {
			t.Fatal(wrong)
		}
	})
}

// FuzzLoad feeds lines: arguments, variables, and a file that --config=torc.toml names.
func FuzzLoad(f *testing.F) {
	f.Add("--resp\n127.0.0.1:1\n--redirect", "TORC_SHARDS=3\nHOME=/", "")
	f.Add("--config=torc.toml\n--weight=0.5", "", "join = [\"a:1\", 'b:2']\nexpect = 2\nmax_key = 1.5e3\n")
	f.Add("--config\ntorc.toml", "TORC_PASSWORD_FILE=secret.txt", "grace = \"\"\"2m\"\"\"\nredirect = true")
	f.Add("--password\nopen\nsesame", "TORC_max_key=3", "[limits]\n")
	f.Add("--version", "TORC_", "= =")
	f.Fuzz(func(t *testing.T, args, environ, file string) {
		if wrong := judge(strings.Split(args, "\n"), strings.Split(environ, "\n"), file); wrong != "" {
			t.Fatal(wrong)
		}
	})
}
