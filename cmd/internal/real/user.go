package real

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"

	"torc/client"
	"torc/linearizability"
	"torc/sim"
)

// user is a client: with a session (Torc's own client, which finds its way and retries), or plain, as
// Redis users are: one node at a time, no retry.
type user struct {
	r     *run
	index int // among clients; the prober's is the last
	torc  *client.Client
	redis []*redis.Client // by node; plain clients only
}

// reply is what came of an operation.
type reply struct {
	outcome linearizability.Outcome
	out     linearizability.Output
	why     string // in full, when it is not OK
	reason  string // in a few words, to be counted
}

// patience is how much longer than the node a plain client waits: the node's own word says more than
// silence does.
const patience = 250 * time.Millisecond

// connect readies a client. Its sockets have an address of their own, where there is one; the
// prober's, which no trouble of the network concerns, have not.
func (r *run) connect(ctx context.Context, index int, session bool) (*user, error) {
	u := &user{r: r, index: index}
	if !session {
		for i, p := range r.nodes {
			u.redis = append(u.redis, redis.NewClient(&redis.Options{
				Addr: p.at.resp, MaxRetries: -1, DialerRetries: 1, DialTimeout: r.settings.Timeout, ReadTimeout: r.settings.Timeout + patience,
				WriteTimeout: r.settings.Timeout, PoolSize: 64, Protocol: 2, DisableIdentity: true,
				Dialer: func(ctx context.Context, _, addr string) (net.Conn, error) { return u.dial(ctx, i, addr) },
			}))
		}
		return u, nil
	}
	var seeds []string
	for _, p := range r.nodes {
		seeds = append(seeds, p.at.grpc)
	}
	c, err := client.New(ctx, client.Options{Seeds: seeds, AwaitNodes: true, Timeout: r.settings.Timeout, Logger: slog.New(slog.DiscardHandler),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return u.dial(ctx, slices.Index(seeds, addr), addr)
		})}})
	if err != nil {
		return nil, fmt.Errorf("client c%d: %w", index+1, err)
	}
	u.torc = c
	return u, nil
}

// dial connects to a node over this client's links.
func (u *user) dial(ctx context.Context, node int, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: u.r.settings.Timeout}
	outside := u.index >= u.r.settings.Clients+u.r.settings.Plain || node < 0
	if !outside {
		d.LocalAddr = u.r.fabric.from(u.index)
	}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil || outside {
		return c, err
	}
	return u.r.fabric.through(u.index, node, c), nil
}

func (u *user) close() {
	if u.torc != nil {
		_ = u.torc.Close()
	}
	for _, db := range u.redis {
		_ = db.Close()
	}
}

func (u *user) String() string { return fmt.Sprintf("c%d", u.index+1) }

// cannot says why a client cannot do an operation at all, or "".
func (u *user) cannot(op *sim.Op) string {
	if u.torc == nil && op.Kind == linearizability.CAS {
		return "the Redis protocol knows no versions"
	}
	if op.Kind == linearizability.Lease || op.Kind == linearizability.Fill {
		return "leases and fills are steps of GetOrLoad, which no client does one by one"
	}
	return ""
}

// do does one operation, records it, and waits for what comes of it. A plain client asks the node.
func (u *user) do(ctx context.Context, op sim.Op, node int) reply {
	if op.Seen {
		op.In.Version = u.r.versions.of(op.Key)
	}
	id := u.r.record.Invoke(u.index, int64(u.r.now()), op.Kind, op.Key, op.In)
	var a reply
	if u.torc != nil {
		a = u.ask(ctx, &op)
	} else {
		a = askRedis(ctx, u.redis[node], &op)
	}
	u.r.record.Return(id, int64(u.r.now()), a.outcome, a.out)
	u.r.versions.saw(op.Key, a.out.Version)
	return a
}

// ask asks by Torc's own client.
func (u *user) ask(ctx context.Context, op *sim.Op) (a reply) {
	var err error
	switch op.Kind {
	case linearizability.Read, linearizability.GetDel:
		get := u.torc.Get
		if op.Kind == linearizability.GetDel {
			get = u.torc.GetDelete
		}
		var v client.Value
		if v, err = get(ctx, op.Key); err == nil {
			a.out.Value, a.out.Version = linearizability.Some(string(v.Bytes)), v.Version
		}
	case linearizability.Write, linearizability.CAS, linearizability.SetNX:
		a.out.Version, err = u.torc.Set(ctx, op.Key, []byte(op.In.Value), setOptions(op)...)
		a.out.Applied = err == nil && op.Kind != linearizability.Write
	case linearizability.Delete:
		a.out.Applied, err = u.torc.Delete(ctx, op.Key)
	case linearizability.Increment:
		a.out.Number, err = u.torc.Increment(ctx, op.Key, op.In.Delta)
	case linearizability.Append:
		a.out.Number, err = u.torc.Append(ctx, op.Key, []byte(op.In.Value))
	case linearizability.Touch:
		if op.In.TTL == 0 {
			a.out.Applied, err = u.torc.Persist(ctx, op.Key)
		} else {
			err = u.torc.Expire(ctx, op.Key, op.In.TTL)
			a.out.Applied = err == nil
		}
	}
	if a.outcome = outcomeOf(err); a.outcome != linearizability.OK {
		a.out, a.why, a.reason = linearizability.Output{}, err.Error(), reasonOf(err)
	}
	return a
}

func setOptions(op *sim.Op) (options []client.SetOption) {
	switch op.Kind {
	case linearizability.CAS:
		options = append(options, client.IfVersion(op.In.Version))
	case linearizability.SetNX:
		options = append(options, client.IfAbsent())
	}
	if op.In.TTL != 0 {
		options = append(options, client.WithTTL(op.In.TTL))
	}
	return options
}

// outcomeOf reads an error of Torc's client as its documentation says.
func outcomeOf(err error) linearizability.Outcome {
	switch {
	case err == nil, errors.Is(err, client.ErrNotFound), errors.Is(err, client.ErrConflict):
		return linearizability.OK
	case errors.Is(err, client.ErrRefused):
		return linearizability.Failed
	}
	return linearizability.Unknown
}

// askRedis asks a node over the Redis protocol.
func askRedis(ctx context.Context, db *redis.Client, op *sim.Op) (a reply) {
	var err error
	switch op.Kind {
	case linearizability.Read, linearizability.GetDel:
		get := db.Get
		if op.Kind == linearizability.GetDel {
			get = db.GetDel
		}
		var text string
		if text, err = get(ctx, op.Key).Result(); err == nil {
			a.out.Value = linearizability.Some(text)
		}
	case linearizability.Write:
		err = db.Set(ctx, op.Key, op.In.Value, op.In.TTL).Err()
	case linearizability.SetNX:
		err = db.SetArgs(ctx, op.Key, op.In.Value, redis.SetArgs{Mode: "NX"}).Err()
		a.out.Applied = err == nil
	case linearizability.Delete:
		var n int64
		n, err = db.Del(ctx, op.Key).Result()
		a.out.Applied = n > 0
	case linearizability.Increment:
		a.out.Number, err = db.IncrBy(ctx, op.Key, op.In.Delta).Result()
	case linearizability.Append:
		a.out.Number, err = db.Append(ctx, op.Key, op.In.Value).Result()
	case linearizability.Touch:
		if op.In.TTL == 0 {
			a.out.Applied, err = db.Persist(ctx, op.Key).Result()
		} else {
			a.out.Applied, err = db.PExpire(ctx, op.Key, op.In.TTL).Result()
		}
	}
	if a.outcome = outcomeOfRedis(err); a.outcome != linearizability.OK {
		a.out, a.why, a.reason = linearizability.Output{}, err.Error(), reasonOf(err)
	}
	return a
}

// outcomeOfRedis reads an error of a plain client. A node's answer is definite unless it begins with
// the words that net/resp keeps for the other case; without an answer only a connection that was
// never made is.
func outcomeOfRedis(err error) linearizability.Outcome {
	var answer redis.Error
	var network *net.OpError
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return linearizability.OK
	case errors.As(err, &answer):
		if strings.HasPrefix(answer.Error(), "UNKNOWN") || strings.HasPrefix(answer.Error(), "TIMEOUT") {
			return linearizability.Unknown
		}
		return linearizability.Failed
	case errors.As(err, &network) && network.Op == "dial":
		return linearizability.Failed
	}
	return linearizability.Unknown
}

// reasonOf is an error in a few words: a node's without the advice, a connection's without the
// addresses.
func reasonOf(err error) string {
	var own *client.Error
	var answer redis.Error
	switch {
	case errors.As(err, &own) && own.Reason != "":
		return own.Reason
	case errors.As(err, &answer):
		text, _, _ := strings.Cut(answer.Error(), ":")
		return text
	}
	text := err.Error()
	return strings.TrimSpace(text[strings.LastIndex(text, ": ")+1:])
}

// silence is a logger for go-redis.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// versions are the keys' versions that any client saw last.
type versions struct {
	mu   sync.Mutex
	last map[string]uint64
}

func (v *versions) of(key string) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last[key]
}

func (v *versions) saw(key string, version uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if version != 0 {
		v.last[key] = version
	}
}
