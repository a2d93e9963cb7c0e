package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever prints a configuration or one of its secrets prints *** instead.
func TestSecretsAreNeverPrinted(t *testing.T) {
	c, err := Load([]string{"--password", "hunter2", "--cluster-secret", "hunter2", "--old-password", "hunter2", "--old-cluster-secret", "hunter2"}, nil)
	require.NoError(t, err)
	for _, secret := range []Secret{c.Password, c.ClusterSecret, c.OldPassword, c.OldClusterSecret} {
		require.Equal(t, "hunter2", secret.Reveal())
	}

	var out strings.Builder
	things := []any{c, *c, c.Password, &c.Password, []Secret{c.Password}, map[string]Secret{"p": c.Password}, fmt.Errorf("bad: %v", c.Password)}
	for _, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%08.3f", "%U", "%c"} {
			fmt.Fprintf(&out, verb+"\n", thing)
		}
		fmt.Fprintln(&out, thing)
		marshalled, err := json.Marshal(thing)
		require.NoError(t, err)
		out.Write(marshalled)
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(handler).Info("start", "config", thing, slog.Group("g", slog.Any("thing", thing)))
		}
	}
	require.NoError(t, toml.NewEncoder(&out).Encode(c))
	require.NotContains(t, out.String(), "hunter2")
	require.NotContains(t, out.String(), fmt.Sprintf("%x", "hunter2"))
	require.NotContains(t, strings.ToLower(out.String()), "hunter2")

	require.Equal(t, "***", c.Password.String())
	require.Equal(t, "***", fmt.Sprintf("%#v", c.Password))
	require.Equal(t, "***", Secret("").String(), "that there is none is not told either")
	marshalled, err := json.Marshal(map[string]Secret{"password": "hunter2"})
	require.NoError(t, err)
	require.JSONEq(t, `{"password":"***"}`, string(marshalled))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "password", c.Password)
	require.Contains(t, log.String(), "password=***")
}

// An error about the lines around a secret does not show it.
func TestErrorsDoNotQuoteSecrets(t *testing.T) {
	for _, file := range []string{
		"password = \"hunter2\"\nshards = = 3",
		"shards = 3\npassword = hunter2",
		"password = \"hunter2",
		"password = \"hunter2\\q\"",
		"password = 'hunter2' 'hunter2'",
		"password = [\"hunter2\"",
		"password = {hunter2 = 1}",
		"password = \"hunter2\"\npassword = \"hunter2\"",
		"password = \"hunter2\"\npassword-file = \"secret.txt\"",
		"password = \"hunter2\"\n\x00",
	} {
		_, err := load([]string{"--config", "torc.toml"}, nil, reading(file))
		require.Error(t, err, file)
		require.NotContains(t, err.Error(), "hunter2", file)
	}
	for _, number := range []string{"99887766554433221100", "0998877", "0b998877", "998877_", "998877.", "998877e", "998877-01-01", "0x998877zz", "+0x998877"} {
		_, err := load([]string{"--config", "torc.toml"}, nil, reading("password = "+number))
		require.Error(t, err, number)
		require.NotContains(t, err.Error(), "998877")
	}
}

// Wherever the secret stands, and whatever nonsense stands around it, no error shows it.
func TestNoErrorShowsASecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := "Qx" + rapid.StringMatching(`[A-Za-z0-9]{8,16}`).Draw(t, "secret")
		which := rapid.SampledFrom([]string{"password", "cluster-secret", "old-password", "old-cluster-secret"}).Draw(t, "which")
		args, environ, file := nonsense(t)
		switch rapid.SampledFrom([]string{"flag", "inline", "env", "file", "bare"}).Draw(t, "where") {
		case "flag":
			args = append([]string{"--" + which, secret}, args...)
		case "inline":
			args = append(args, "--"+which+"="+secret)
		case "env":
			environ = append(environ, envName(which)+"="+secret)
		case "file":
			file = which + " = \"" + secret + "\"\n" + file
		case "bare":
			file = which + " = " + secret + "\n" + file
		}
		_, err := load(args, environ, reading(file))
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Fatalf("the secret is in: %v", err)
		}
	})
}
