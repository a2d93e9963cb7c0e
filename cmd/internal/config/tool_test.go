package config

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTool(t *testing.T) {
	files := map[string]string{
		"torc.toml": "grpc = \"10.0.0.1:7401\"\npassword-file = \"pw\"\ntls-cert = \"n.pem\"\ntls-key = \"n.key\"\ntls-ca = \"ca.pem\"\nexpect = 3\n",
		"wide.toml": "grpc = \"0.0.0.0:7401\"\nadvertise = \"cache-1\"\n",
		"mine.toml": "addr = [\"a:1\", \"b:1\"]\ntls = true\n",
		"odd.toml":  "adr = \"a:1\"\n",
		"pw":        "sesame\n", "pw2": "other", "none": "\n",
	}
	read := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("no such file")
	}
	type env = []string
	for name, c := range map[string]struct {
		flags ToolFlags
		env   env
		want  Tool
		err   string
	}{
		"nothing":                     {nil, nil, Tool{}, ""},
		"variables":                   {nil, env{"TORC_ADDR=a:1,b:1", "TORC_PASSWORD_FILE=pw", "TORC_TLS_CA=ca.pem"}, Tool{"a:1,b:1", "sesame", true, "ca.pem"}, ""},
		"flags win":                   {ToolFlags{"addr": "c:1", "password-file": "pw2", "tls-ca": "mine.pem"}, env{"TORC_ADDR=a:1", "TORC_PASSWORD=sesame", "TORC_TLS_CA=ca.pem"}, Tool{"c:1", "other", true, "mine.pem"}, ""},
		"a node's own file":           {nil, env{"TORC_CONFIG=torc.toml"}, Tool{"10.0.0.1:7401", "sesame", true, "ca.pem"}, ""},
		"the same, by a flag":         {ToolFlags{"config": "torc.toml"}, nil, Tool{"10.0.0.1:7401", "sesame", true, "ca.pem"}, ""},
		"a variable wins over a file": {ToolFlags{"config": "torc.toml"}, env{"TORC_PASSWORD=x", "TORC_ADDR=z:1"}, Tool{"z:1", "x", true, "ca.pem"}, ""},
		"every address":               {ToolFlags{"config": "wide.toml"}, nil, Tool{"cache-1:7401", "", false, ""}, ""},
		"an operator's own file":      {ToolFlags{"config": "mine.toml"}, nil, Tool{"a:1,b:1", "", true, ""}, ""},
		"an empty flag is none":       {ToolFlags{"password-file": "", "addr": "", "tls-ca": ""}, env{"TORC_PASSWORD=sesame"}, Tool{"", "sesame", false, ""}, ""},
		"no TLS, by a flag":           {ToolFlags{"tls": "false"}, env{"TORC_TLS_CA=ca.pem"}, Tool{}, ""},
		"both":                        {nil, env{"TORC_PASSWORD=x", "TORC_PASSWORD_FILE=pw"}, Tool{}, "TORC_PASSWORD and TORC_PASSWORD_FILE are both given: keep one"},
		"misspelt":                    {nil, env{"TORC_ADDRS=a:1"}, Tool{}, "there is no variable TORC_ADDRS; did you mean TORC_ADDR?"},
		"misspelt in the file":        {ToolFlags{"config": "odd.toml"}, nil, Tool{}, "odd.toml: there is no key adr; did you mean addr?"},
		"no file":                     {nil, env{"TORC_PASSWORD_FILE=gone"}, Tool{}, "TORC_PASSWORD_FILE: read the secret: no such file"},
		"an empty file":               {ToolFlags{"password-file": "none"}, nil, Tool{}, "--password-file \"none\": the file is empty"},
		"no yes or no":                {nil, env{"TORC_TLS=perhaps"}, Tool{}, "TORC_TLS \"perhaps\": want true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := loadTool(c.flags, c.env, read)
			if c.err != "" {
				require.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want.Password.Reveal(), got.Password.Reveal())
		})
	}
}

// One environment and one file serve both programs.
func TestTorcdPassesOverTheToolsSettings(t *testing.T) {
	read := func(string) ([]byte, error) { return []byte("addr = \"a:1\"\ntls = true\nexpect = 1\n"), nil }
	_, err := load([]string{"--tls-cert", "n.pem", "--tls-key", "n.key"}, []string{"TORC_ADDR=a:1", "TORC_TLS=true", "TORC_CONFIG=f"}, read)
	require.NoError(t, err)
	_, err = load(nil, []string{"TORC_TLS=false", "TORC_CONFIG=f"}, read)
	require.NoError(t, err)
}

// But whoever writes "tls = true" for a node is not to find that it speaks in the clear.
func TestTorcdThatIsToSpeakTLSHasACertificate(t *testing.T) {
	read := func(string) ([]byte, error) { return []byte("tls = true\ninsecure = true\nresp = \":6379\"\n"), nil }
	_, err := load([]string{"--config", "f"}, nil, read)
	require.EqualError(t, err, "f: tls \"true\" is torc's: a node speaks TLS when it has a certificate: give it --tls-cert and --tls-key, or take f: tls away")
	_, err = load(nil, []string{"TORC_TLS=true"}, read)
	require.EqualError(t, err, "TORC_TLS \"true\" is torc's: a node speaks TLS when it has a certificate: give it --tls-cert and --tls-key, or take TORC_TLS away")
}
