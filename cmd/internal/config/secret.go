package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that no print shows: every way of printing it gives ***, also for the empty
// text, so that a log does not tell which nodes have none.
//
// Keep it in exported fields: fmt does not ask the methods of unexported ones.
type Secret string

const hidden = "***"

// Reveal is the text itself.
func (s Secret) Reveal() string { return string(s) }

// Format hides the text for every verb. Without it a wrong one (%d) would print the text as part
// of fmt's complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String hides the text.
func (s Secret) String() string { return hidden }

// GoString hides the text.
func (s Secret) GoString() string { return hidden }

// LogValue hides the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the text, from JSON and TOML too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON hides the text.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
