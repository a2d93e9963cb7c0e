package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of settings. Each knows how its values are read, what they may be, and how they are
// shown.

func text(group, name, value, help string, check func(string) error, at func(*Config) *string) setting {
	return setting{group: group, name: name, value: value, help: help,
		set: func(c *Config, t string) error {
			if err := check(t); err != nil {
				return err
			}
			*at(c) = t
			return nil
		},
		show: func(c *Config) string { return *at(c) }}
}

func anyText(string) error { return nil }

// presence says whether a setting may be set to nothing.
type presence bool

const (
	must       presence = false
	mayBeEmpty presence = true
)

// address is where the node listens.
func address(group, name, help string, p presence, at func(*Config) *string) setting {
	return text(group, name, "ADDR", help, func(t string) error {
		if t == "" && p == mayBeEmpty {
			return nil
		}
		return wantListen(t)
	}, at)
}

// addresses are places to call.
func addresses(group, name, help string, at func(*Config) *[]string) setting {
	return setting{group: group, name: name, value: "ADDR,...", help: help, list: true,
		set: func(c *Config, t string) error {
			var all []string
			for part := range strings.SplitSeq(t, ",") {
				if part = strings.TrimSpace(part); part == "" {
					continue
				}
				if err := wantCall(part); err != nil {
					return fmt.Errorf("%q: %w", part, err)
				}
				all = append(all, part)
			}
			*at(c) = all
			return nil
		},
		show: func(c *Config) string { return strings.Join(*at(c), ",") }}
}

func choice(group, name, value, help string, of []string, at func(*Config) *string) setting {
	return setting{group: group, name: name, value: value, help: help,
		set: func(c *Config, t string) error {
			low := strings.ToLower(t)
			if !slices.Contains(of, low) {
				last := len(of) - 1
				return fmt.Errorf("want %s or %s", strings.Join(of[:last], ", "), of[last])
			}
			*at(c) = low
			return nil
		},
		show: func(c *Config) string { return *at(c) }}
}

func number(group, name, help string, least, most int, at func(*Config) *int) setting {
	return setting{group: group, name: name, value: "N", help: help,
		set: func(c *Config, t string) error {
			n, err := strconv.Atoi(t)
			if err != nil || n < least || n > most {
				return fmt.Errorf("want a whole number from %d to %d", least, most)
			}
			*at(c) = n
			return nil
		},
		show: func(c *Config) string { return strconv.Itoa(*at(c)) }}
}

// weight has two decimals, for that is all that the ring sees of it: what it would round off is
// refused.
func weight(group, name, help string, at func(*Config) *float64) setting {
	return setting{group: group, name: name, value: "X", help: help,
		set: func(c *Config, t string) error {
			f, err := strconv.ParseFloat(t, 64)
			if err != nil || !(f >= 0.01 && f <= 100) || math.Abs(f*100-math.Round(f*100)) > 1e-9 {
				return errors.New("want a number from 0.01 to 100 with two decimals at most")
			}
			*at(c) = f
			return nil
		},
		show: func(c *Config) string { return strconv.FormatFloat(*at(c), 'g', -1, 64) }}
}

func boolean(group, name, help string, at func(*Config) *bool) setting {
	return setting{group: group, name: name, help: help,
		set: func(c *Config, t string) error {
			b, err := strconv.ParseBool(t)
			if err != nil {
				return errors.New("want true or false")
			}
			*at(c) = b
			return nil
		},
		show: func(c *Config) string { return strconv.FormatBool(*at(c)) }}
}

func duration(group, name, help string, least, most time.Duration, at func(*Config) *time.Duration) setting {
	return setting{group: group, name: name, value: "TIME", help: help,
		set: func(c *Config, t string) error {
			d, err := time.ParseDuration(t)
			if err != nil || d < least || d > most {
				return fmt.Errorf("want a time from %s to %s, such as 1500ms, 10s or 5m", short(least), short(most))
			}
			*at(c) = d
			return nil
		},
		show: func(c *Config) string { return short(*at(c)) }}
}

// durationOrNone is a duration that may be 0.
func durationOrNone(group, name, help string, least, most time.Duration, at func(*Config) *time.Duration) setting {
	s := duration(group, name, help, least, most, at)
	set := s.set
	s.set = func(c *Config, t string) error {
		if d, err := time.ParseDuration(t); err == nil && d == 0 {
			*at(c) = 0
			return nil
		}
		if err := set(c, t); err != nil {
			return fmt.Errorf("%w, or 0", err)
		}
		return nil
	}
	return s
}

// short writes 10m for what time.Duration writes as 10m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func size(group, name, help string, least, most Size, at func(*Config) *Size) setting {
	return setting{group: group, name: name, value: "SIZE", help: help,
		set: func(c *Config, t string) error {
			s, err := ParseSize(t)
			if err != nil {
				return err
			}
			if s < least || s > most {
				return fmt.Errorf("want a size from %s to %s", least, most)
			}
			*at(c) = s
			return nil
		},
		show: func(c *Config) string { return (*at(c)).String() }}
}

// sizeOrNone is a size that may be 0, for no bound.
func sizeOrNone(group, name, help string, least Size, at func(*Config) *Size) setting {
	s := size(group, name, help, 0, math.MaxInt64, at)
	set := s.set
	s.set = func(c *Config, t string) error {
		if of, err := ParseSize(t); err == nil && of > 0 && of < least {
			return fmt.Errorf("want at least %s, such as 4GiB, or 0 for no bound", least)
		}
		return set(c, t)
	}
	return s
}

// secret refuses the empty text: it comes from a variable that was not set, and would leave the
// node open although somebody meant to lock it.
func secret(name, help string, at func(*Config) *Secret) setting {
	return setting{group: groupSecurity, name: name, value: "TEXT", help: help, secret: true,
		set: func(c *Config, t string) error {
			if t == "" {
				return errors.New("is empty: leave the setting out if there is none")
			}
			*at(c) = Secret(t)
			return nil
		},
		show: func(*Config) string { return "" }}
}

// secretFile names a file that holds the secret of another setting; set gets what it holds,
// without the line's end.
func secretFile(of, help string, at func(*Config) *Secret) setting {
	return setting{group: groupSecurity, name: of + "-file", value: "FILE", help: help, holds: of,
		set: func(c *Config, content string) error {
			content = strings.TrimRight(content, "\r\n")
			if content == "" {
				return errors.New("the file is empty")
			}
			*at(c) = Secret(content)
			return nil
		},
		show: func(*Config) string { return "" }}
}
