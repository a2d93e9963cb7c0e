package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// story is what somebody wrote, and the whole of what they are told.
type story struct {
	args string // words, with _ for a blank inside one
	env  string // words
	file string
	want string // empty: it works
}

func (s story) run(t *testing.T) {
	t.Helper()
	args, environ := strings.Fields(s.args), strings.Fields(s.env)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "_", " ")
	}
	if s.file != "" {
		args = append(args, "--config", "torc.toml")
	}
	c, err := load(args, environ, reading(s.file))
	if s.want == "" {
		require.NoError(t, err, "%+v", s)
		return
	}
	require.EqualError(t, err, s.want, "%+v", s)
	require.Nil(t, c)
}

func TestUnknownKeys(t *testing.T) {
	for _, s := range []story{
		{args: "--shard 3", want: "there is no flag --shard; did you mean --shards?"},
		{args: "--rsep 127.0.0.1:1", want: "there is no flag --rsep; did you mean --resp?"},
		{args: "--pasword=hunter2", want: "there is no flag --pasword; did you mean --password?"},
		{args: "--confg x", want: "there is no flag --confg; did you mean --config?"},
		{args: "--memory 1GiB", want: "there is no flag --memory; did you mean --max-memory?"},
		{args: "--max-memory-size 1GiB", want: "there is no flag --max-memory-size; did you mean --max-memory?"},
		{args: "--tls x", want: "there is no flag --tls; did you mean --tls-cert?"},
		{args: "--max-keys=5", want: "there is no flag --max-keys; did you mean --max-key?"},
		{args: "--x", want: "there is no flag --x; torcd --help lists them"},
		{args: "--zookeeper=1", want: "there is no flag --zookeeper; torcd --help lists them"},
		{env: "TORC_JOINS=a:1", want: "there is no variable TORC_JOINS; did you mean TORC_JOIN?"},
		{env: "TORC_max_key=1", want: "there is no variable TORC_max_key; did you mean TORC_MAX_KEY?"},
		{env: "TORC_MAX-KEY=1", want: "there is no variable TORC_MAX-KEY; did you mean TORC_MAX_KEY?"},
		{env: "TORC_CONFIGS=x", want: "there is no variable TORC_CONFIGS; did you mean TORC_CONFIG?"},
		{env: "TORC_=x", want: "there is no variable TORC_; torcd --help lists them"},
		{env: "TORC_PROC_KILL=1", want: "there is no variable TORC_PROC_KILL; torcd --help lists them"},
		{env: "TORC_PROC_KILLS=9 TORC_NEED_REDIS_TOOLS=1 TORC_NEED_NETNS=1 TORC_TEST_ANYTHING=1 TORCH=1 HOME=/"},
		{env: "TORC_PORT=6379", want: "there is no variable TORC_PORT; torcd --help lists them"},
		{env: "TORC_SERVICE_HOST=cache", want: "there is no variable TORC_SERVICE_HOST; torcd --help lists them"},
		{env: "TORC_PORT_6379_TCPS=tcp://10.0.0.1:6379", want: "there is no variable TORC_PORT_6379_TCPS; torcd --help lists them"},
		{file: "max_keys = 5", want: "torc.toml: there is no key max_keys; did you mean max-key?"},
		{file: "zebra = 1\napple = 2", want: "torc.toml: there is no key apple; torcd --help lists them"},
		{file: "[limits]\nmax-key = 5", want: "torc.toml: there is no key limits; torcd --help lists them"},
		{file: "Shards = 5", want: "torc.toml: there is no key Shards; did you mean shards?"},
	} {
		s.run(t)
	}
}

// What Kubernetes tells of services named torc and torc-resp stops no node, whatever their ports are called; what only looks like it
// in its name is a misspelt setting as ever (above).
func TestVariablesOfKubernetes(t *testing.T) {
	theirs := strings.Fields(`TORC_PEER_PORT=udp://[fd00::1]:7400 TORC_PORT=tcp://10.0.0.1:6379 TORC_PORT_6379_TCP=tcp://10.0.0.1:6379
		TORC_PORT_6379_TCP_ADDR=10.0.0.1 TORC_PORT_6379_TCP_PORT=6379 TORC_PORT_6379_TCP_PROTO=tcp TORC_RESP_SERVICE_HOST=fd00::1
		TORC_RESP_SERVICE_PORT=6379 TORC_RESP_SERVICE_PORT_REDIS_TLS=6380 TORC_SERVICE_HOST=10.0.0.1`)
	c, err := load(nil, append([]string{"TORC_SHARDS=4", "PATH=/", "REDIS_PORT=tcp://10.0.0.1:6379"}, theirs...), reading(""))
	require.NoError(t, err)
	require.Equal(t, 4, c.Shards)
	var names []string
	for _, variable := range theirs {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, name)
	}
	require.Equal(t, names, Ignored(append([]string{"TORC_SHARDS=4", "REDIS_PORT=tcp://10.0.0.1:6379", "TORC_PORTS=tcp://10.0.0.1:1"}, theirs...)))

	for _, s := range settings { // a setting of such a name would be said in vain beside a service
		for _, value := range []string{"10.0.0.1", "1", "tcp", "tcp://10.0.0.1:1"} {
			require.False(t, ofKubernetes(envName(s.name), value), "%s=%s", envName(s.name), value)
		}
	}
}

func TestSecretsThatDoNotWork(t *testing.T) {
	for _, s := range []story{
		{args: "--old-password x", want: "--old-password-file without --password-file: the old password is taken beside the new one; give both"},
		{args: "--old-cluster-secret-file secret.txt", want: "--old-cluster-secret-file without --cluster-secret-file: the old secret is taken beside the new one; give both"},
		{args: "--password new --old-password old --cluster-secret new --old-cluster-secret old"},
		{args: "--password zürich --old-password älter"},
		{args: "--cluster-secret zürich", want: "--cluster-secret (or its file, or the old one's): want printable ASCII characters, for nodes show it to each other in a header, which takes no others"},
		{args: "--old-password x --old-password-file secret.txt --password y", want: "--old-password and --old-password-file are both given: keep one"},
	} {
		s.run(t)
	}
}

func TestBadValues(t *testing.T) {
	const wantPort = "want a port from 1 to 65535 after the host"
	for _, s := range []story{
		{args: "--resp 6379", want: `--resp "6379": want host:port, such as 127.0.0.1:7400`},
		{args: "--resp=", want: `--resp "": want host:port, such as 127.0.0.1:7400`},
		{args: "--grpc 127.0.0.1:0", want: `--grpc "127.0.0.1:0": ` + wantPort},
		{args: "--peer 127.0.0.1:65536", want: `--peer "127.0.0.1:65536": ` + wantPort},
		{args: "--peer 127.0.0.1:+7400", want: `--peer "127.0.0.1:+7400": ` + wantPort},
		{args: "--admin 127.0.0.1:http", want: `--admin "127.0.0.1:http": ` + wantPort},
		{args: "--peer ::1:7400", want: `--peer "::1:7400": want host:port, such as 127.0.0.1:7400`},
		{args: "--peer a_b:7400", want: `--peer "a b:7400": want host:port, such as 127.0.0.1:7400`},
		{args: "--resp 127.0.0.1:7400", want: "--resp and --peer are both 127.0.0.1:7400: give each a port of its own"},
		{args: "--join a:1,b", want: `--join "a:1,b": "b": want host:port, such as 127.0.0.1:7400`},
		{args: "--join :7400", want: `--join ":7400": ":7400": want a host before the port, such as 10.0.0.1:7400`},
		{args: "--advertise 10.0.0.1:7400", want: `--advertise "10.0.0.1:7400": want a host without a port, such as 10.0.0.1 or node-1.example`},
		{args: "--advertise [::1]", want: `--advertise "[::1]": want a host without a port, such as 10.0.0.1 or node-1.example`},
		{args: "--advertise 0.0.0.0", want: `--advertise "0.0.0.0": want an address of this machine that others can call`},
		{args: "--name node_1", want: `--name "node 1": want at most 255 bytes of printable text without blanks`},
		{args: "--join a:7301,b:7301,c:7301,d:7301,b:7301 --expect 3", want: "--join names 4 nodes and --expect says 3: different 3 of them could each found a cluster; expect all that are named, or name fewer"},
		{args: "--expect 3", want: "--expect 3 without --join: say where the other nodes are"},
		{args: "--expect 0", want: `--expect "0": want a whole number from 1 to 64`},
		{env: "TORC_SHARDS=16385", want: `TORC_SHARDS "16385": want a whole number from 1 to 16384`},
		{file: "shards = 0", want: `torc.toml: shards "0": want a whole number from 1 to 16384`},
		{file: "shards = 1.5", want: `torc.toml: shards "1.5": want a whole number from 1 to 16384`},
		{args: "--replicas ten", want: `--replicas "ten": want a whole number from 1 to 9`},
		{args: "--max-memory 4", want: `--max-memory "4": want at least 64KiB, such as 4GiB, or 0 for no bound`},
		{args: "--lanes -1", want: `--lanes "-1": want a whole number from 0 to 256`},
		{args: "--clock-drift 201", want: `--clock-drift "201": want a whole number from 0 to 200`},
		{args: "--weight 0", want: `--weight "0": want a number from 0.01 to 100 with two decimals at most`},
		{args: "--weight 1.005", want: `--weight "1.005": want a number from 0.01 to 100 with two decimals at most`},
		{file: "weight = nan", want: `torc.toml: weight "NaN": want a number from 0.01 to 100 with two decimals at most`},
		{args: "--redirect=yes", want: `--redirect "yes": want true or false`},
		{args: "--reads fast", want: `--reads "fast": want lease or readindex`},
		{args: "--log-level loud", want: `--log-level "loud": want debug, info, warn or error`},
		{args: "--log-format xml", want: `--log-format "xml": want text or json`},
		{args: "--election-timeout 99ms", want: `--election-timeout "99ms": want a time from 100ms to 24h, such as 1500ms, 10s or 5m`},
		{args: "--slow-request 100ms", want: "--slow-request 100ms without --slow-dir: say where the traces go"},
		{args: "--slow-request 1us --slow-dir x", want: `--slow-request "1us": want a time from 1ms to 24h, such as 1500ms, 10s or 5m, or 0`},
		{args: "--when-slow panic", want: `--when-slow "panic": want yield or stay`},
		{args: "--timeout 25h", want: `--timeout "25h": want a time from 10ms to 24h, such as 1500ms, 10s or 5m`},
		{args: "--timeout 5", want: `--timeout "5": want a time from 10ms to 24h, such as 1500ms, 10s or 5m`},
		{file: "session_ttl = 600", want: `torc.toml: session_ttl "600": want a time from 1s to 24h, such as 1500ms, 10s or 5m`},
		{args: "--grace 1s", want: "--grace 1s: want at least 2s, four times --election-timeout, or replicas are moved while a leader is elected"},
		{args: "--max-key 0", want: `--max-key "0": want a size from 1 to 64MiB`},
		{args: "--max-value 1GiB", want: `--max-value "1GiB": want a size from 1 to 128MiB`},
		{args: "--max-memory lots", want: `--max-memory "lots": want a size such as 65536, 64KiB or 1.5GiB`},
		{args: "--max-memory=-1", want: `--max-memory "-1": want a size such as 65536, 64KiB or 1.5GiB`},

		{args: "--tls-cert a", want: "--tls-cert and --tls-key go together: give both"},
		{env: "TORC_TLS_KEY=a", want: "--tls-cert and --tls-key go together: give both"},
		{args: "--tls-ca a", want: "--tls-ca needs --tls-cert and --tls-key"},
		{args: "--password=", want: `--password "***": is empty: leave the setting out if there is none`},
		{env: "TORC_CLUSTER_SECRET=", want: `TORC_CLUSTER_SECRET "***": is empty: leave the setting out if there is none`},
		{args: "--password-file empty.txt", want: `--password-file "empty.txt": the file is empty`},
		{args: "--password-file none.txt", want: "--password-file: read the secret: open none.txt: file does not exist"},

		{args: "--password x --password-file secret.txt", want: "--password and --password-file are both given: keep one"},
		{args: "--password-file secret.txt", env: "TORC_PASSWORD=x", want: "TORC_PASSWORD and --password-file are both given: keep one"},
		{file: "cluster_secret = 'x'", env: "TORC_CLUSTER_SECRET_FILE=none.txt", want: "torc.toml: cluster_secret and TORC_CLUSTER_SECRET_FILE are both given: keep one"},

		{args: "--name", want: "--name needs a value (one that begins with -- is written --name=VALUE)"},
		{args: "--name --redirect", want: "--name needs a value (one that begins with -- is written --name=VALUE)"},
		{args: "start", want: `"start": torcd takes flags only, such as --join; see torcd --help`},
		{args: "--redirect false", want: `"false": write --redirect=false`},
		{args: "--password open sesame", want: "--password has more than one word: put it in quotes"},
		{args: "--", want: `"--": torcd takes flags only, such as --join; see torcd --help`},

		{file: "max-key = 1\nmax_key = 1", want: "torc.toml: max-key and max_key are the same setting: keep one"},
		{file: "name = 'a'\nname = 'b'", want: "torc.toml: line 2 is not TOML, at or after the key name: the key is given twice"},
		{file: "name = a", want: "torc.toml: line 1 is not TOML, at or after the key name: expected value but found ... (texts stand in double quotes)"},
		{file: "name", want: "torc.toml: line 1 is not TOML: unexpected EOF; expected key separator ..."},
		{file: "password = ['a', 'b']", want: "torc.toml: password: want a text in double quotes, a number, true or false"},
		{file: "join = [1, 2]", want: "torc.toml: join: want a list of texts"},
		{file: "join = {}", want: "torc.toml: join: want a text or a list of texts"},
		{file: "grace = 2020-01-01", want: "torc.toml: grace: want a text in double quotes, a number, true or false"},
	} {
		s.run(t)
	}
}

// A node that other machines can reach is protected, or says that it need not be.
func TestReach(t *testing.T) {
	const (
		resp    = "--resp 10.0.0.1:6379 can be reached from other machines: "
		peer    = "--peer 10.0.0.1:7400 can be reached from other machines: "
		unless  = "; or say --insecure if the network is protected"
		withTLS = " --tls-cert c --tls-key k"
	)
	for _, s := range []story{
		{args: "--resp localhost:6379 --grpc [::1]:7401 --peer 127.1.2.3:7400 --admin [::ffff:127.0.0.1]:7402"},
		{args: "--resp 10.0.0.1:6379", want: resp + "set --tls-cert and --tls-key, and --password-file" + unless},
		{args: "--resp 10.0.0.1:6379 --password x", want: resp + "set --tls-cert and --tls-key" + unless},
		{args: "--resp 10.0.0.1:6379" + withTLS, want: resp + "set --password-file" + unless},
		{args: "--resp 10.0.0.1:6379 --cluster-secret x" + withTLS, want: resp + "set --password-file" + unless},
		{args: "--resp 10.0.0.1:6379 --password x" + withTLS},
		{args: "--resp 10.0.0.1:6379 --insecure"},
		{args: "--resp 10.0.0.1:6379 --insecure=false", want: resp + "set --tls-cert and --tls-key, and --password-file" + unless},
		{args: "--resp 10.0.0.1:6379", env: "TORC_INSECURE=true"},
		{args: "--grpc node-1:7401", want: "--grpc node-1:7401 can be reached from other machines: set --tls-cert and --tls-key, and --password-file" + unless},

		{args: "--peer 10.0.0.1:7400", want: peer + "set --tls-cert and --tls-key, and --cluster-secret-file (or --tls-ca)" + unless},
		{args: "--peer 10.0.0.1:7400 --password x" + withTLS, want: peer + "set --cluster-secret-file (or --tls-ca)" + unless},
		{args: "--peer 10.0.0.1:7400 --cluster-secret x" + withTLS},
		{args: "--peer 10.0.0.1:7400 --tls-ca a" + withTLS},
		{args: "--peer 10.0.0.1:7400 --cluster-secret x", want: peer + "set --tls-cert and --tls-key" + unless},

		{args: "--admin 0.0.0.0:7402 --password x" + withTLS, want: "--admin 0.0.0.0:7402 can be reached from other machines: it has neither TLS nor a password: listen on 127.0.0.1 and reach it by a proxy of yours" + unless},
		{args: "--admin 0.0.0.0:7402 --insecure"},
		{args: "--admin="},

		{args: "--peer :7400 --insecure", want: "--peer :7400 listens on every address: say with --advertise by which host others reach this node"},
		{args: "--resp [::]:6379 --insecure", want: "--resp [::]:6379 listens on every address: say with --advertise by which host others reach this node"},
		{args: "--peer :7400 --advertise 10.0.0.1 --insecure"},
		{args: "--resp 0.0.0.0:6379 --grpc 0.0.0.0:7401 --peer 0.0.0.0:7400 --advertise node-1 --password x --cluster-secret y" + withTLS},
		{args: "--peer 0.0.0.0:7400 --advertise 127.0.0.1", want: "--peer 0.0.0.0:7400 can be reached from other machines: set --tls-cert and --tls-key, and --cluster-secret-file (or --tls-ca)" + unless},
	} {
		s.run(t)
	}
}
