package config

import (
	"fmt"
	"io"
	"os"
)

// given is what was said of a setting, and where, for error texts.
type given struct{ text, where string }

// source is what one place says, by setting. It is for look-up, never ranged over.
type source map[string]given

// configName is the one key that says where to read instead of what to be.
const configName = "config"

// reader reads a file. Load's is the real one.
type reader func(path string) ([]byte, error)

// Load reads the configuration. args are the command line's without the program's name, environ is
// as os.Environ gives it.
//
// It returns ErrHelp or ErrVersion when that was asked for, and otherwise errors made for the
// person who wrote the setting: where it stands and what to do.
func Load(args, environ []string) (*Config, error) { return load(args, environ, readLimited) }

func load(args, environ []string, read reader) (*Config, error) {
	flags, err := readFlags(args)
	if err != nil {
		return nil, err
	}
	env, err := readEnviron(environ)
	if err != nil {
		return nil, err
	}
	sources := []source{flags, env} // the first that has a setting wins
	if file, ok := winner(sources, configName); ok && file.text != "" {
		content, err := read(file.text)
		if err != nil {
			return nil, fmt.Errorf("%s: read the configuration: %w", file.where, err)
		}
		of, err := readFile(file.text, content)
		if err != nil {
			return nil, err
		}
		sources = append(sources, of)
	}
	c := defaults()
	if err := c.fill(sources, read); err != nil {
		return nil, err
	}
	if err := c.checkTool(sources); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	c.fitMachine()
	return c, nil
}

func winner(sources []source, name string) (given, bool) {
	for _, s := range sources {
		if g, ok := s[name]; ok {
			return g, true
		}
	}
	return given{}, false
}

// fill sets what the sources say.
func (c *Config) fill(sources []source, read reader) error {
	for i := range settings {
		s := &settings[i]
		g, ok := winner(sources, s.name)
		if !ok {
			continue
		}
		if s.holds != "" {
			if other, both := winner(sources, s.holds); both {
				return fmt.Errorf("%s and %s are both given: keep one", other.where, g.where)
			}
		}
		if err := s.apply(c, g, read); err != nil {
			return err
		}
	}
	return nil
}

func (s *setting) apply(c *Config, g given, read reader) error {
	value := g.text
	if s.holds != "" {
		content, err := read(g.text)
		if err != nil {
			return fmt.Errorf("%s: read the secret: %w", g.where, err)
		}
		value = string(content)
	}
	if err := s.set(c, value); err != nil {
		shown := g.text
		if s.secret {
			shown = hidden
		}
		return fmt.Errorf("%s %q: %w", g.where, shown, err)
	}
	return nil
}

// fileMax is in bytes. What is longer was named by mistake.
const fileMax = 1 << 20

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err != nil {
		return nil, err
	}
	if len(content) > fileMax {
		return nil, fmt.Errorf("%s is longer than %s: is it the right file?", path, Size(fileMax))
	}
	return content, nil
}
