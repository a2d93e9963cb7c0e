package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
)

//go:embed page
var files embed.FS

// scripts are the page's, in the order in which they need each other.
var scripts = []string{"recording.js", "state.js", "cone.js", "words.js", "theme.js", "lanes.js", "arrows.js", "overview.js", "panel.js", "table.js", "page.js"}

// Write writes the page of a recording.
func Write(w io.Writer, r *Recording) error {
	if err := r.validate(); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	data, notes, err := fit(r)
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if _, err := io.WriteString(w, assemble(r, notes, data)); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// fit compresses a recording, leaving out what is most boring until it is small enough.
func fit(r *Recording) (data string, notes []string, err error) {
	most := r.BytesMax
	if most == 0 {
		most = DefaultBytesMax
	}
	most -= len(asset("page.html")) + len(asset("page.css")) + len(script()) + 16<<10
	without := map[string]bool{}
	for dull := 0; ; dull++ {
		p, left := pack(r, without)
		if left > 0 {
			p.Notes = append(p.Notes[:len(p.Notes):len(p.Notes)], fmt.Sprintf("To keep this page small, %d messages are not on it: %s.", left, strings.Join(r.Boring[:dull], ", ")))
		}
		if data, err = compress(p); err != nil || len(data) <= most || dull >= len(r.Boring) {
			return data, p.Notes, err
		}
		without[r.Boring[dull]] = true
	}
}

// compress makes text of columns: JSON, gzip (without a time, so that it is always the same), base64.
func compress(p packed) (string, error) {
	var b bytes.Buffer
	encoder := base64.NewEncoder(base64.StdEncoding, &b)
	zip, err := gzip.NewWriterLevel(encoder, gzip.BestCompression)
	if err != nil {
		return "", fmt.Errorf("compressing the recording: %w", err)
	}
	if err := json.NewEncoder(zip).Encode(p); err != nil {
		return "", fmt.Errorf("compressing the recording: %w", err)
	}
	if err := zip.Close(); err != nil {
		return "", fmt.Errorf("compressing the recording: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return "", fmt.Errorf("compressing the recording: %w", err)
	}
	return b.String(), nil
}

func asset(name string) string {
	b, err := files.ReadFile("page/" + name)
	if err != nil {
		return "" // TestEveryPartIsThere holds that it does not happen
	}
	return string(b)
}

// script is the page's scripts as one, in a scope of their own.
func script() string {
	var b strings.Builder
	b.WriteString("(() => {\n'use strict';\n")
	for _, name := range scripts {
		b.WriteString(asset(name))
	}
	b.WriteString("})();\n")
	return b.String()
}

// assemble puts the page together. The template's marks are replaced in one pass, so that nothing
// in a recording is ever taken for a mark.
func assemble(r *Recording, notes []string, data string) string {
	style, code := asset("page.css"), script()
	return strings.NewReplacer(
		"{{policy}}", policy(style, code),
		"{{title}}", html.EscapeString(r.Title),
		"{{style}}", style,
		"{{plain}}", plain(r, notes),
		"{{data}}", data,
		"{{script}}", code,
	).Replace(asset("page.html"))
}

// policy forbids everything but the page's own style and script, known by their hashes.
func policy(style, code string) string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + hash(code) + "; style-src " + hash(style) + "; img-src data:; base-uri 'none'; form-action 'none'"
}

// plain is the run's verdict for a browser that runs no scripts.
func plain(r *Recording, notes []string) string {
	var b strings.Builder
	line := func(text string) { b.WriteString("<p>" + html.EscapeString(text) + "</p>") }
	line(r.Title)
	line(r.Verdict)
	for _, f := range r.Findings {
		line(f.Headline)
		line(f.Sentence)
	}
	for _, n := range notes {
		line(n)
	}
	line(r.Replay)
	return b.String()
}
