package config

import (
	"fmt"
	"net"
	"strconv"
)

// Tool is what the tool (torc) is told of a cluster.
type Tool struct {
	Addr     string // gRPC addresses of some nodes, comma separated; empty: nobody has said
	Password Secret
	TLS      bool
	TLSCA    string // file; empty: the system's authorities
}

// toolNames are settings of the tool's alone. torcd passes over them, so that one environment, and one file, serve both.
var toolNames = []string{"addr", "tls"}

// ToolFlags are the tool's flags that were given, by name: addr, password-file, tls, tls-ca, config.
type ToolFlags map[string]string

// LoadTool reads what the tool is told: its flags win over TORC_* variables, those over the file (config), which is torcd's: a node's own
// address, password and authority are what the tool needs on its machine. Errors are made for the terminal, as Load's are.
func LoadTool(flags ToolFlags, environ []string) (Tool, error) {
	return loadTool(flags, environ, readLimited)
}

func loadTool(flags ToolFlags, environ []string, read reader) (t Tool, err error) {
	first := source{}
	for name, text := range flags { // map order: into a map
		if name == "password-file" && text == "" {
			continue // says nothing, as the other flags do without a text
		}
		first[name] = given{text, "--" + name}
	}
	env, err := readEnviron(environ)
	if err != nil {
		return t, err
	}
	sources := []source{first, env}
	if file, ok := winner(sources, configName); ok && file.text != "" {
		content, err := read(file.text)
		if err != nil {
			return t, fmt.Errorf("%s: read the configuration: %w", file.where, err)
		}
		of, err := readFile(file.text, content)
		if err != nil {
			return t, err
		}
		sources = append(sources, of)
	}
	if t.Addr, err = toolAddr(sources); err != nil {
		return t, err
	}
	if t.Password, err = toolPassword(sources, read); err != nil {
		return t, err
	}
	return t, t.secure(sources)
}

// toolAddr is where nodes are: addr, or the node's own grpc, at the host by which others reach it.
func toolAddr(sources []source) (string, error) {
	if g, ok := winner(sources, "addr"); ok {
		return g.text, nil
	}
	g, ok := winner(sources, "grpc")
	if !ok {
		return "", nil
	}
	host, port, err := net.SplitHostPort(g.text)
	if err != nil {
		return "", fmt.Errorf("%s %q: want HOST:PORT", g.where, g.text)
	}
	if at, ok := winner(sources, "advertise"); ok && everywhere(host) {
		return net.JoinHostPort(at.text, port), nil
	}
	return g.text, nil
}

// toolPassword is that of the first place that has one, itself or its file.
func toolPassword(sources []source, read reader) (Secret, error) {
	for _, s := range sources {
		own, hasOwn := s["password"]
		file, hasFile := s["password-file"]
		switch {
		case hasOwn && hasFile:
			return "", fmt.Errorf("%s and %s are both given: keep one", own.where, file.where)
		case hasOwn:
			return Secret(own.text), nil
		case hasFile:
			var c Config
			err := find("password-file").apply(&c, file, read)
			return c.Password, err
		}
	}
	return "", nil
}

// checkTool refuses what a node would pass over, though somebody meant it to speak TLS.
func (c *Config) checkTool(sources []source) error {
	g, ok := winner(sources, "tls")
	if on, err := strconv.ParseBool(g.text); ok && c.TLSCert == "" && (on || err != nil) {
		return fmt.Errorf("%s %q is torc's: a node speaks TLS when it has a certificate: give it --tls-cert and --tls-key, or take %s away", g.where, g.text, g.where)
	}
	return nil
}

// secure settles TLS: an authority implies it, and a node's certificate says that it speaks it. A flag --tls=false turns off what the other places say.
func (t *Tool) secure(sources []source) error {
	if g, ok := winner(sources, "tls"); ok {
		on, err := strconv.ParseBool(g.text)
		if err != nil {
			return fmt.Errorf("%s %q: want true or false", g.where, g.text)
		}
		if _, own := sources[0]["tls"]; own && !on {
			sources = sources[:1]
		}
		t.TLS = on
	}
	ca, hasCA := winner(sources, "tls-ca")
	cert, hasCert := winner(sources, "tls-cert")
	t.TLSCA = ca.text
	t.TLS = t.TLS || hasCA && ca.text != "" || hasCert && cert.text != ""
	return nil
}
