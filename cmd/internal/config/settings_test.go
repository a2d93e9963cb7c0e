package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// example shows two values of a setting, as they are written and as they arrive.
type example struct {
	field      string // of Config
	one, other string
	is, then   any
	with       string // another setting that it needs: name=value
}

var examples = map[string]example{
	"resp":                    {field: "RESP", one: "127.0.0.1:1", is: "127.0.0.1:1", other: "[::1]:2", then: "[::1]:2"},
	"grpc":                    {field: "GRPC", one: "127.0.0.1:1", is: "127.0.0.1:1", other: "localhost:2", then: "localhost:2"},
	"peer":                    {field: "Peer", one: "127.0.0.1:1", is: "127.0.0.1:1", other: "127.9.9.9:2", then: "127.9.9.9:2"},
	"admin":                   {field: "Admin", one: "127.0.0.1:1", is: "127.0.0.1:1", other: "", then: ""},
	"advertise":               {field: "Advertise", one: "10.0.0.1", is: "10.0.0.1", other: "fe80::1", then: "fe80::1"},
	"name":                    {field: "Name", one: "ada", is: "ada", other: "zürich-1", then: "zürich-1"},
	"join":                    {field: "Join", one: "a:1", is: []string{"a:1"}, other: " a:1, b:2,", then: []string{"a:1", "b:2"}},
	"expect":                  {field: "Expect", one: "3", is: 3, other: "5", then: 5, with: "join=a:1"},
	"shards":                  {field: "Shards", one: "1", is: 1, other: "16384", then: 16384},
	"replicas":                {field: "Replicas", one: "1", is: 1, other: "9", then: 9},
	"weight":                  {field: "Weight", one: "0.07", is: 0.07, other: "2", then: 2.0},
	"grace":                   {field: "Grace", one: "90s", is: 90 * time.Second, other: "1h", then: time.Hour},
	"on-quorum-loss":          {field: "OnQuorumLoss", one: "refuse", is: "refuse", other: "RESET", then: "reset"},
	"reset-grace":             {field: "ResetGrace", one: "10s", is: 10 * time.Second, other: "1h", then: time.Hour},
	"lanes":                   {field: "Lanes", one: "7", is: 7, other: "256", then: 256},
	"rebalance-rate":          {field: "RebalanceRate", one: "8MiB", is: Size(8 << 20), other: "0", then: Size(0)},
	"when-drained":            {field: "WhenDrained", one: "exit", is: "exit", other: "STAY", then: "stay"},
	"when-slow":               {field: "WhenSlow", one: "stay", is: "stay", other: "YIELD", then: "yield"},
	"slow-request":            {field: "SlowRequest", one: "100ms", is: 100 * time.Millisecond, other: "0", then: time.Duration(0), with: "slow-dir=traces"},
	"slow-dir":                {field: "SlowDir", one: "traces", is: "traces", other: "", then: ""},
	"profiles":                {field: "Profiles", one: "true", is: true, other: "false", then: false},
	"redirect":                {field: "Redirect", one: "true", is: true, other: "false", then: false},
	"split-transactions":      {field: "SplitTransactions", one: "true", is: true, other: "false", then: false},
	"reads":                   {field: "Reads", one: "readindex", is: "readindex", other: "LEASE", then: "lease"},
	"clock-drift":             {field: "ClockDrift", one: "0", is: 0, other: "200", then: 200},
	"election-timeout":        {field: "ElectionTimeout", one: "100ms", is: 100 * time.Millisecond, other: "2s", then: 2 * time.Second},
	"timeout":                 {field: "Timeout", one: "250ms", is: 250 * time.Millisecond, other: "1m", then: time.Minute},
	"session-ttl":             {field: "SessionTTL", one: "1s", is: time.Second, other: "24h", then: 24 * time.Hour},
	"max-key":                 {field: "MaxKey", one: "100", is: Size(100), other: "1 kb", then: Size(1000)},
	"max-value":               {field: "MaxValue", one: "1MiB", is: Size(1 << 20), other: "1.5m", then: Size(3 << 19)},
	"max-memory":              {field: "MaxMemory", one: "4GiB", is: Size(4 << 30), other: "0", then: Size(0)},
	"maxmemory-policy":        {field: "Policy", one: "allkeys-lru", is: "allkeys-lru", other: "NoEviction", then: "noeviction"},
	"password":                {field: "Password", one: "open sesame", is: Secret("open sesame"), other: "=1", then: Secret("=1")},
	"password-file":           {field: "Password", one: "secret.txt", is: Secret("from a file"), other: "other.txt", then: Secret(" blanks stay ")},
	"cluster-secret":          {field: "ClusterSecret", one: "x", is: Secret("x"), other: "-y", then: Secret("-y")},
	"cluster-secret-file":     {field: "ClusterSecret", one: "secret.txt", is: Secret("from a file"), other: "other.txt", then: Secret(" blanks stay ")},
	"old-password":            {field: "OldPassword", one: "open sesame", is: Secret("open sesame"), other: "=1", then: Secret("=1"), with: "password=new"},
	"old-password-file":       {field: "OldPassword", one: "secret.txt", is: Secret("from a file"), other: "other.txt", then: Secret(" blanks stay "), with: "password=new"},
	"old-cluster-secret":      {field: "OldClusterSecret", one: "x", is: Secret("x"), other: "-y", then: Secret("-y"), with: "cluster-secret=new"},
	"old-cluster-secret-file": {field: "OldClusterSecret", one: "secret.txt", is: Secret("from a file"), other: "other.txt", then: Secret(" blanks stay "), with: "cluster-secret=new"},
	"tls-cert":                {field: "TLSCert", one: "a.pem", is: "a.pem", other: "b.pem", then: "b.pem", with: "tls-key=k.pem"},
	"tls-key":                 {field: "TLSKey", one: "a.pem", is: "a.pem", other: "b.pem", then: "b.pem", with: "tls-cert=c.pem"},
	"tls-ca":                  {field: "TLSCA", one: "a.pem", is: "a.pem", other: "b.pem", then: "b.pem", with: "tls-cert=c.pem tls-key=k.pem"},
	"insecure":                {field: "Insecure", one: "true", is: true, other: "false", then: false},
	"log-level":               {field: "LogLevel", one: "debug", is: "debug", other: "WARN", then: "warn"},
	"log-format":              {field: "LogFormat", one: "json", is: "json", other: "text", then: "text"},
	"hot-keys":                {field: "HotKeys", one: "off", is: "off", other: "ON", then: "on"},
}

// files are what the tests' file system holds.
var files = map[string]string{"secret.txt": "from a file\r\n", "other.txt": " blanks stay \n", "empty.txt": "\n"}

// reading gives files, and torc.toml as told.
func reading(tomlFile string) reader {
	return func(path string) ([]byte, error) {
		if path == "torc.toml" {
			return []byte(tomlFile), nil
		}
		if content, ok := files[path]; ok {
			return []byte(content), nil
		}
		return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
	}
}

// needs are the flags that go with an example.
func (e example) needs() (args []string) {
	for with := range strings.FieldsSeq(e.with) {
		args = append(args, "--"+with)
	}
	return args
}

// base is the configuration without the example. It need not work: a key waits for its certificate.
func (e example) base(t *testing.T) *Config {
	flags, err := readFlags(e.needs())
	require.NoError(t, err)
	c := defaults()
	require.NoError(t, c.fill([]source{flags}, reading("")))
	c.fitMachine()
	return c
}

func underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

// Every setting arrives through every source, and touches its own field only.
func TestEverySettingThroughEverySource(t *testing.T) {
	for _, s := range settings {
		e, ok := examples[s.name]
		require.True(t, ok, "give --%s an example", s.name)
		base := e.base(t)
		for _, v := range []struct {
			text string
			want any
		}{{e.one, e.is}, {e.other, e.then}} {
			for source, given := range map[string]func() (*Config, error){
				"--flag=value": func() (*Config, error) { return load(append(e.needs(), "--"+s.name+"="+v.text), nil, reading("")) },
				"-flag=value":  func() (*Config, error) { return load(append(e.needs(), "-"+s.name+"="+v.text), nil, reading("")) },
				"--flag value": func() (*Config, error) {
					if s.value == "" && v.want == true {
						return load(append(e.needs(), "--"+s.name), nil, reading(""))
					} else if s.value == "" {
						return load(append(e.needs(), "--"+s.name+"=false"), nil, reading(""))
					}
					return load(append(e.needs(), "--"+s.name, v.text), nil, reading(""))
				},
				"variable": func() (*Config, error) { return load(e.needs(), []string{envName(s.name) + "=" + v.text}, reading("")) },
				"file": func() (*Config, error) {
					return load(append(e.needs(), "--config=torc.toml"), nil, reading(fmt.Sprintf("%s = %q", s.name, v.text)))
				},
				"file_": func() (*Config, error) {
					return load(e.needs(), []string{"TORC_CONFIG=torc.toml"}, reading(fmt.Sprintf("%s = '%s'", underscored(s.name), v.text)))
				},
			} {
				got, err := given()
				require.NoError(t, err, "--%s %q by %s", s.name, v.text, source)
				want := *base
				reflect.ValueOf(&want).Elem().FieldByName(e.field).Set(reflect.ValueOf(v.want))
				require.Equal(t, &want, got, "--%s %q by %s", s.name, v.text, source)
			}
		}
	}
}

// The table forgets no field of Config, and the examples no setting.
func TestTableIsComplete(t *testing.T) {
	reached := map[string]bool{}
	for _, e := range examples {
		reached[e.field] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		require.True(t, reached[field.Name], "no setting reaches Config.%s", field.Name)
	}
	require.Len(t, examples, len(settings))
	names := settingNames()
	slices.Sort(names)
	require.Len(t, slices.Compact(names), len(settings), "a name stands twice")
}

// A setting's default is one of its values: shown and read back it stays.
func TestDefaultsAreValid(t *testing.T) {
	for _, s := range settings {
		c, shown := defaults(), s.show(defaults())
		if shown == "" {
			continue
		}
		require.NoError(t, s.set(c, shown), s.name)
		require.Equal(t, defaults(), c, s.name)
	}
}

// For every setting: the flag wins over the variable, the variable over the file. That each wins
// over the default is told above.
func TestPrecedence(t *testing.T) {
	for _, s := range settings {
		e := examples[s.name]
		for _, c := range []struct {
			flag, env, file string
			want            any
		}{
			{"", "", "one", e.is},
			{"", "other", "one", e.then},
			{"", "one", "other", e.is},
			{"other", "one", "one", e.then},
			{"one", "other", "other", e.is},
			{"other", "", "one", e.then},
			{"other", "one", "", e.then},
		} {
			text := map[string]string{"one": e.one, "other": e.other}
			args, content := append(e.needs(), "--config", "torc.toml"), ""
			var environ []string
			if c.flag != "" {
				args = append(args, "--"+s.name+"="+text[c.flag])
			}
			if c.env != "" {
				environ = append(environ, envName(s.name)+"="+text[c.env])
			}
			if c.file != "" {
				content = fmt.Sprintf("%s = %q", s.name, text[c.file])
			}
			got, err := load(args, environ, reading(content))
			require.NoError(t, err, "%s %+v", s.name, c)
			require.Equal(t, c.want, reflect.ValueOf(got).Elem().FieldByName(e.field).Interface(), "%s %+v", s.name, c)
		}
	}
}

// What is overridden is not looked at: a missing file or a bad value elsewhere stops nobody.
func TestOverriddenIsNotRead(t *testing.T) {
	c, err := load([]string{"--password-file", "secret.txt", "--shards", "4"}, []string{"TORC_PASSWORD_FILE=missing.txt", "TORC_SHARDS=many"}, reading(""))
	require.NoError(t, err)
	require.Equal(t, "from a file", c.Password.Reveal())
	require.Equal(t, 4, c.Shards)
}

// TOML's own types do as well as texts.
func TestFileTypes(t *testing.T) {
	c, err := load([]string{"--config", "torc.toml"}, nil, reading(`
# a node of three
name = "a"
join = ["a:7400", "b:7400",
        "c:7400"]
expect = 3
weight = 2.5
redirect = true
max_key = 1024
max-memory = 4e9   # a float
grace = "2m"
`))
	require.NoError(t, err)
	want := &Config{}
	*want = *defaults()
	want.Name, want.Join, want.Expect, want.Weight = "a", []string{"a:7400", "b:7400", "c:7400"}, 3, 2.5
	want.Redirect, want.MaxKey, want.MaxMemory, want.Grace = true, 1024, 4e9, 2*time.Minute
	want.fitMachine()
	require.Equal(t, want, c)
}

// Load reads real files.
func TestLoadFromDisk(t *testing.T) {
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "secret"), filepath.Join(dir, "torc.toml")
	require.NoError(t, os.WriteFile(secret, []byte("hunter2\n"), 0o600))
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "password-file = %q\n", secret), 0o600))
	c, err := Load([]string{"--config", file}, nil)
	require.NoError(t, err)
	require.Equal(t, "hunter2", c.Password.Reveal())

	_, err = Load([]string{"--config", filepath.Join(dir, "none.toml")}, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "--config: read the configuration")
	_, err = Load(nil, []string{"TORC_CONFIG=" + dir})
	require.ErrorContains(t, err, "TORC_CONFIG: read the configuration")
	require.NoError(t, os.WriteFile(file, make([]byte, fileMax+1), 0o600))
	_, err = Load([]string{"--password-file", file}, nil)
	require.ErrorContains(t, err, "is longer than 1MiB: is it the right file?")
	_, err = Load([]string{"--config="}, []string{"TORC_CONFIG=/nowhere"})
	require.NoError(t, err, "the flag says that there is no file")
}

// Lanes follow the machine unless they are told.
func TestLanesFollowTheMachine(t *testing.T) {
	c, err := Load([]string{"--lanes", "0"}, nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, c.Lanes, 1)
	require.LessOrEqual(t, c.Lanes, lanesMost)
	again, err := Load(nil, nil)
	require.NoError(t, err)
	require.Equal(t, c.Lanes, again.Lanes)
}

func TestWeightHundredths(t *testing.T) {
	for text, want := range map[string]uint32{"1": 100, "0.01": 1, "0.29": 29, "1.15": 115, "2.5": 250, "99.99": 9999, "100": 10000} {
		c, err := Load([]string{"--weight", text}, nil)
		require.NoError(t, err, text)
		require.Equal(t, want, c.WeightHundredths(), text)
	}
}

func TestHelpAndVersion(t *testing.T) {
	for arg, want := range map[string]error{"--help": ErrHelp, "-h": ErrHelp, "-help": ErrHelp, "--version": ErrVersion} {
		c, err := Load([]string{"--resp", "nonsense", arg}, nil)
		require.ErrorIs(t, err, want)
		require.Nil(t, c)
	}
}

// The last of a flag given twice wins: torc dev puts the user's behind its own.
func TestLastFlagWins(t *testing.T) {
	c, err := Load([]string{"--join", "a:1", "--shards=4", "--join", "b:2"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"b:2"}, c.Join)
}
