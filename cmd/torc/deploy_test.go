package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"

	"torc/cmd/internal/config"
)

// deployFile is a file of deploy/, with the places where its secrets are mounted moved to a folder of the test's, in which they are.
func deployFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	require.NoError(t, err)
	dir := t.TempDir()
	for _, file := range regexp.MustCompile(`/etc/torc/[\w./-]*\w`).FindAllString(string(text), -1) {
		path := filepath.Join(dir, strings.TrimPrefix(file, "/etc/torc"))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			require.NoError(t, os.WriteFile(path, []byte("a secret\n"), 0o600))
		}
	}
	return strings.ReplaceAll(string(text), "/etc/torc", dir)
}

// object is a Kubernetes object, as far as it is looked at here.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		ClusterIP                string `yaml:"clusterIP"`
		PublishNotReadyAddresses bool   `yaml:"publishNotReadyAddresses"`
		ServiceName              string `yaml:"serviceName"`
		Replicas                 int
		MaxUnavailable           int `yaml:"maxUnavailable"`
		Ports                    []struct {
			Name string
			Port int
		}
		Template struct {
			Spec struct {
				EnableServiceLinks            *bool `yaml:"enableServiceLinks"`
				TerminationGracePeriodSeconds int   `yaml:"terminationGracePeriodSeconds"`
				SecurityContext               struct {
					RunAsNonRoot bool `yaml:"runAsNonRoot"`
				} `yaml:"securityContext"`
				Affinity   map[string]any
				Containers []container
			}
		}
	}
}

type container struct {
	Command []string
	Env     []struct{ Name, Value string }
	Ports   []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	Startup   probe `yaml:"startupProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Resources struct{ Limits struct{ Memory string } }
}

type probe struct{ Exec struct{ Command []string } }

func kubernetes(t *testing.T) map[string]object {
	objects := map[string]object{}
	for _, text := range strings.Split(deployFile(t, "kubernetes.yaml"), "\n---\n") {
		var o object
		require.NoError(t, yaml.Unmarshal([]byte(text), &o))
		objects[o.Kind+" "+o.Metadata.Name] = o
	}
	return objects
}

// environ is what torcd finds in the environment of a pod: variables may name earlier ones, and the container's command may change them.
func (c *container) environ(t *testing.T, pod string) []string {
	t.Helper()
	values := map[string]string{"POD_NAME": pod, "POD_NAMESPACE": "caches"}
	var environ []string
	for _, e := range c.Env {
		if values[e.Name] == "" {
			values[e.Name] = regexp.MustCompile(`\$\(\w+\)`).ReplaceAllStringFunc(e.Value, func(ref string) string {
				value, ok := values[ref[2:len(ref)-1]]
				require.True(t, ok, "%s names %s, which is not before it", e.Name, ref)
				return value
			})
		}
		environ = append(environ, e.Name+"="+values[e.Name])
	}
	require.Equal(t, []string{"/bin/sh", "-c"}, c.Command[:2])
	script, runs := strings.CutSuffix(c.Command[2], "exec torcd")
	require.True(t, runs)
	cmd := exec.Command("/bin/sh", "-c", script+"exec env")
	cmd.Env = append(slices.Clone(environ), "PATH="+os.Getenv("PATH"))
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// Every pod's configuration is one that torcd takes, without --insecure, and says the same of ports, names and numbers as what stands
// around it.
func TestDeployKubernetes(t *testing.T) {
	objects := kubernetes(t)
	set, peers, clients := objects["StatefulSet torc"], objects["Service torc-peers"], objects["Service torc"]
	require.Equal(t, "None", peers.Spec.ClusterIP)
	require.True(t, peers.Spec.PublishNotReadyAddresses)
	require.Equal(t, peers.Metadata.Name, set.Spec.ServiceName)
	require.Equal(t, 1, objects["PodDisruptionBudget torc"].Spec.MaxUnavailable)
	pod := set.Spec.Template.Spec
	require.False(t, *pod.EnableServiceLinks)
	require.True(t, pod.SecurityContext.RunAsNonRoot)
	require.Contains(t, pod.Affinity, "podAntiAffinity")
	require.GreaterOrEqual(t, pod.TerminationGracePeriodSeconds, 10, "torcd stops within 4 s")

	c := pod.Containers[0]
	ports := map[string]int{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	for _, p := range append(peers.Spec.Ports, clients.Spec.Ports...) {
		require.Equal(t, ports[p.Name], p.Port, p.Name)
	}
	for i := range set.Spec.Replicas + 1 { // and the first that is added
		cfg, err := config.Load(nil, c.environ(t, fmt.Sprintf("torc-%d", i)))
		require.NoError(t, err)
		require.False(t, cfg.Insecure)
		require.Equal(t, fmt.Sprintf("torc-%d", i), cfg.Name)
		for name, addr := range map[string]string{"resp": cfg.RESP, "grpc": cfg.GRPC, "peer": cfg.Peer} {
			require.Equal(t, fmt.Sprintf(":%d", ports[name]), addr)
		}
		require.Len(t, cfg.Join, set.Spec.Replicas)
		if i < set.Spec.Replicas {
			require.Equal(t, net.JoinHostPort(cfg.Advertise, fmt.Sprint(ports["peer"])), cfg.Join[i])
			require.Equal(t, set.Spec.Replicas, cfg.Expect)
		} else {
			require.Equal(t, 1, cfg.Expect, "it joins, and founds nothing")
		}
		var gib int
		_, err = fmt.Sscanf(c.Resources.Limits.Memory, "%dGi", &gib)
		require.NoError(t, err)
		require.LessOrEqual(t, int(cfg.MaxMemory)/8*9+192<<20, gib<<30, "the process needs an eighth and 192 MiB more than --max-memory")

		for _, p := range []probe{c.Startup, c.Readiness, c.Liveness} {
			require.Regexp(t, "http://"+cfg.Admin+"/(readyz|healthz)( |$)", strings.Join(p.Exec.Command, " "))
		}
	}
}

// The command that the startup probe runs is one of torc's: with nobody there it gets no answer, rather than an error about its flags.
func TestDeployProbe(t *testing.T) {
	c := kubernetes(t)["StatefulSet torc"].Spec.Template.Spec.Containers[0]
	_, command, found := strings.Cut(c.Startup.Exec.Command[2], "&& torc ")
	require.True(t, found)
	args := []string{"TORC_ADVERTISE=127.0.0.1"}
	for _, variable := range c.environ(t, "torc-0") {
		if !strings.HasPrefix(variable, "TORC_ADVERTISE=") {
			args = append(args, variable)
		}
	}
	cmd := exec.Command("/bin/sh", "-c", os.Args[0]+" "+strings.ReplaceAll(command, ":7401", ":1"))
	cmd.Env = append(args, asTorc+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.Error(t, cmd.Run())
	require.Equal(t, exitError, cmd.ProcessState.ExitCode())
	require.Contains(t, out.String(), "holds no PEM certificate", "it has understood its flags, and read the authority of this test")
}

// service is one of a compose file's, as far as it is looked at here.
type service struct {
	Image, User string
	Build       struct{ Context, Dockerfile string }
	Environment map[string]string
	Ports       []string
	MemLimit    string `yaml:"mem_limit"`
	Healthcheck struct{ Test []string }
}

// Each service of the compose file is a node that torcd takes, of one cluster of all of them, which calls itself as the others call it.
func TestDeployCompose(t *testing.T) {
	var file struct{ Services map[string]service }
	require.NoError(t, yaml.Unmarshal([]byte(deployFile(t, "compose.yaml")), &file))
	require.Len(t, file.Services, 3)
	published := map[string]bool{}
	for name, s := range file.Services {
		require.FileExists(t, filepath.Join("..", "..", "deploy", s.Build.Context, s.Build.Dockerfile))
		require.Equal(t, "torc:dev", s.Image)
		var environ []string
		for key, value := range s.Environment {
			environ = append(environ, key+"="+value)
		}
		cfg, err := config.Load(nil, environ)
		require.NoError(t, err)
		require.Equal(t, []string{name, name}, []string{cfg.Name, cfg.Advertise}, "a container is called by its service's name")
		require.Equal(t, len(file.Services), cfg.Expect)
		require.Len(t, cfg.Join, cfg.Expect)
		require.Contains(t, cfg.Join, cfg.Advertise+cfg.Peer)
		require.Equal(t, "http://"+cfg.Admin+"/readyz", s.Healthcheck.Test[len(s.Healthcheck.Test)-1])
		var mib int
		_, err = fmt.Sscanf(s.MemLimit, "%dm", &mib)
		require.NoError(t, err)
		require.LessOrEqual(t, int(cfg.MaxMemory)/8*9+192<<20, mib<<20, "the process needs an eighth and 192 MiB more than --max-memory")
		require.Len(t, s.Ports, 1)
		host, inside, _ := strings.Cut(strings.TrimPrefix(s.Ports[0], "127.0.0.1:"), ":")
		require.Equal(t, cfg.RESP, ":"+inside)
		require.True(t, strings.HasPrefix(s.Ports[0], "127.0.0.1:"), "nodes without secrets are for this machine alone")
		require.False(t, published[host], "port %s twice", host)
		published[host] = true
	}
}

// The unit starts torcd with a file that it takes.
func TestDeploySystemd(t *testing.T) {
	unit := deployFile(t, "torcd.service")
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/torcd (.*)$`).FindStringSubmatch(unit)
	require.NotNil(t, start)
	args := strings.Fields(start[1])
	require.Equal(t, "torc.toml", filepath.Base(args[len(args)-1]))
	require.NoError(t, os.WriteFile(args[len(args)-1], []byte(deployFile(t, "torc.toml")), 0o600))
	cfg, err := config.Load(args, nil)
	require.NoError(t, err)
	require.False(t, cfg.Insecure)
	require.Len(t, cfg.Join, cfg.Expect)
	require.Contains(t, cfg.Join, cfg.Advertise+cfg.Peer)
	for _, line := range []string{"User=torc", "KillSignal=SIGTERM", "Restart=on-failure"} {
		require.Contains(t, unit, "\n"+line+"\n")
	}
}

// The image is made of what is there, by the Go that go.mod asks for.
func TestDeployDockerfile(t *testing.T) {
	docker := deployFile(t, "Dockerfile")
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))
	require.Contains(t, docker, "FROM golang:"+version[1]+" AS build\n")
	require.Contains(t, docker, "CGO_ENABLED=0 ")
	require.Regexp(t, `(?m)^USER [1-9]\d*:`, docker)
	for _, folder := range regexp.MustCompile(`\./(cmd/\w+)`).FindAllStringSubmatch(docker, -1) {
		require.FileExists(t, filepath.Join("..", "..", folder[1], "main.go"))
	}
}
