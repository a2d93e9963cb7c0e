package load

import (
	"context"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// connectionsPerNode is how many gRPC connections all callers together have to each node, of etcd as of Torc.
const connectionsPerNode = 2

// Etcd speaks to etcd through its own client, whose reads are linearizable unless asked for otherwise. A batch is its requests
// all at the same time: etcd has no pipeline, and a transaction would promise more than was asked for.
type Etcd struct{ Addrs []string }

// Open connects; callers take turns in which connections they share.
func (t Etcd) Open(callers int) ([]Caller, error) {
	shared := &etcdClients{users: callers}
	for range min(connectionsPerNode, callers) {
		c, err := clientv3.New(clientv3.Config{Endpoints: t.Addrs, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
		if err != nil {
			shared.close()
			return nil, err
		}
		shared.clients = append(shared.clients, c)
	}
	return openEach(callers, func(i int) (Caller, error) {
		return &etcdCaller{shared: shared, client: shared.clients[i%len(shared.clients)]}, nil
	})
}

// etcdClients are closed by the last of their users.
type etcdClients struct {
	mu      sync.Mutex
	users   int
	clients []*clientv3.Client
}

func (s *etcdClients) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.close()
	}
}

func (s *etcdClients) close() {
	for _, c := range s.clients {
		_ = c.Close()
	}
}

type etcdCaller struct {
	shared *etcdClients
	client *clientv3.Client
}

func (c *etcdCaller) Close() { c.shared.done() }

func (c *etcdCaller) Do(batch []Op) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if len(batch) == 1 {
		batch[0].Err = c.do(ctx, &batch[0])
		return
	}
	var all sync.WaitGroup
	for i := range batch {
		all.Go(func() { batch[i].Err = c.do(ctx, &batch[i]) })
	}
	all.Wait()
}

func (c *etcdCaller) do(ctx context.Context, op *Op) error {
	if !op.Read {
		_, err := c.client.Put(ctx, op.Key, string(op.Value))
		return err
	}
	r, err := c.client.Get(ctx, op.Key)
	switch {
	case err != nil:
		return err
	case len(r.Kvs) == 0:
		return ErrMiss
	case len(r.Kvs[0].Value) != len(op.Value):
		return ErrLength
	}
	return nil
}
