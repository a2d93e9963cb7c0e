package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"torc/bench/peers/load"
)

// etcdFlags keep etcd from refusing writes when its history grows; everything else is as it comes.
var etcdFlags = []string{"--quota-backend-bytes=8589934592", "--log-level=warn"}

func startEtcd(ctx context.Context, o Options, dir string) (*Server, []Peer, error) {
	const nodes = 3
	addrs, err := freeAddrs(2 * nodes)
	if err != nil {
		return nil, nil, err
	}
	clients, members := addrs[:nodes], addrs[nodes:]
	s := &Server{}
	data := dir
	if o.Etcd != "" {
		if data, err = os.MkdirTemp(o.Etcd, "torc-bench-etcd-*"); err != nil {
			return nil, nil, err
		}
		s.data = data
	}
	var cluster []string
	for i, addr := range members {
		cluster = append(cluster, fmt.Sprintf("etcd-%d=http://%s", i, addr))
	}
	for i := range nodes {
		name := fmt.Sprintf("etcd-%d", i)
		args := append([]string{
			"--name=" + name, "--data-dir=" + filepath.Join(data, name),
			"--listen-client-urls=http://" + clients[i], "--advertise-client-urls=http://" + clients[i],
			"--listen-peer-urls=http://" + members[i], "--initial-advertise-peer-urls=http://" + members[i],
			"--initial-cluster=" + strings.Join(cluster, ","), "--initial-cluster-state=new",
		}, etcdFlags...)
		if _, err := s.add(dir, name, "etcd", args...); err != nil {
			return s, nil, err
		}
	}
	for i, p := range s.processes {
		if err := p.waitFor(ctx, "etcd", func() error { return healthy(ctx, "http://"+clients[i]+"/health") }); err != nil {
			return s, nil, err
		}
	}
	return s, []Peer{{Name: "etcd", Target: load.Etcd{Addrs: clients}, Facts: Facts{
		What: "etcd, three nodes, its own gRPC client", Version: strings.TrimPrefix(firstLine("etcd", "--version"), "etcd Version: "),
		Flags:  flags(etcdFlags...) + " --data-dir on " + fileSystem(data),
		Copies: "2 of 3, each fsynced", Durable: "survives the end of all processes: every write is fsynced to a log on disk (it does more than the others here)",
		Consistent: "linearizable, whoever leads", Pipeline: "none: as many requests at the same time",
	}}}, nil
}

func healthy(ctx context.Context, url string) error {
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return err
}
