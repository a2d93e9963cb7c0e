package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"torc/client"
)

// cache is what is compared.
type cache interface {
	get(ctx context.Context, key string) error
	set(ctx context.Context, key string, value []byte) error
	getMany(ctx context.Context, keys []string) error
	close()
}

// names are the clients, in the order in which they are measured.
var names = []string{"torc", "go-redis", "rueidis"}

func connect(ctx context.Context, name, grpc, resp string) (cache, error) {
	switch name {
	case "torc":
		c, err := client.New(ctx, client.Options{Seeds: strings.Split(grpc, ","), Logger: slog.New(slog.DiscardHandler)})
		return torcCache{c}, err
	case "go-redis":
		c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: strings.Split(resp, ",")})
		return goRedis{c}, c.Ping(ctx).Err()
	case "rueidis":
		c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: strings.Split(resp, ","), DisableCache: true})
		return rueidisCache{c}, err
	}
	return nil, fmt.Errorf("there is no client %q; there are %s", name, strings.Join(names, ", "))
}

type torcCache struct{ c *client.Client }

func (t torcCache) get(ctx context.Context, key string) error {
	_, err := t.c.Get(ctx, key)
	if errors.Is(err, client.ErrNotFound) {
		return nil
	}
	return err
}

func (t torcCache) set(ctx context.Context, key string, value []byte) error {
	_, err := t.c.Set(ctx, key, value, client.NoCopy())
	return err
}

func (t torcCache) getMany(ctx context.Context, keys []string) error {
	for _, r := range t.c.GetMany(ctx, keys...) {
		if r.Err != nil && !errors.Is(r.Err, client.ErrNotFound) {
			return r.Err
		}
	}
	return nil
}

func (t torcCache) close() { _ = t.c.Close() }

type goRedis struct{ c *redis.ClusterClient }

func (r goRedis) get(ctx context.Context, key string) error {
	err := r.c.Get(ctx, key).Err()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func (r goRedis) set(ctx context.Context, key string, value []byte) error {
	return r.c.Set(ctx, key, value, 0).Err()
}

// getMany is a pipeline: MGET on keys of many slots is an error in Redis Cluster.
func (r goRedis) getMany(ctx context.Context, keys []string) error {
	_, err := r.c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Get(ctx, key)
		}
		return nil
	})
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func (r goRedis) close() { _ = r.c.Close() }

type rueidisCache struct{ c rueidis.Client }

func (r rueidisCache) get(ctx context.Context, key string) error {
	err := r.c.Do(ctx, r.c.B().Get().Key(key).Build()).Error()
	if rueidis.IsRedisNil(err) {
		return nil
	}
	return err
}

func (r rueidisCache) set(ctx context.Context, key string, value []byte) error {
	return r.c.Do(ctx, r.c.B().Set().Key(key).Value(rueidis.BinaryString(value)).Build()).Error()
}

func (r rueidisCache) getMany(ctx context.Context, keys []string) error {
	_, err := rueidis.MGet(r.c, ctx, keys)
	return err
}

func (r rueidisCache) close() { r.c.Close() }
