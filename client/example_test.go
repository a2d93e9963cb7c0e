package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strconv"
	"time"

	"torc/client"
)

func Example() {
	ctx := context.Background()
	c, err := client.New(ctx, client.Options{Seeds: []string{"127.0.0.1:7001", "127.0.0.1:7002"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	if _, err := c.Set(ctx, "greeting", []byte("hello"), client.WithTTL(time.Minute)); err != nil {
		log.Fatal(err)
	}
	value, err := c.Get(ctx, "greeting")
	switch {
	case errors.Is(err, client.ErrNotFound):
		fmt.Println("it has expired already")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Printf("%s (version %d)\n", value.Bytes, value.Version)
	}
}

// Read, change, write back only if nobody else did meanwhile.
func ExampleIfVersion() {
	double := func(ctx context.Context, c *client.Client, key string) error {
		for {
			value, err := c.Get(ctx, key)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(value.Bytes))
			if err != nil {
				return err
			}
			_, err = c.Set(ctx, key, strconv.AppendInt(nil, int64(2*n), 10), client.IfVersion(value.Version))
			if !errors.Is(err, client.ErrConflict) {
				return err
			}
		}
	}
	_ = double
}

// What to do with a write that failed depends on what is known about it.
func ExampleClient_Set() {
	store := func(ctx context.Context, c *client.Client) error {
		_, err := c.Set(ctx, "job", []byte("done"))
		switch {
		case err == nil:
			return nil
		case errors.Is(err, client.ErrRefused):
			return fmt.Errorf("not stored, try again later: %w", err)
		case errors.Is(err, client.ErrUnknown):
			// Perhaps stored. Setting the same value again does no harm; incrementing would.
			_, err = c.Set(ctx, "job", []byte("done"))
			return err
		}
		return err
	}
	_ = store
}

func ExampleClient_SetMany() {
	load := func(ctx context.Context, c *client.Client) {
		for i, r := range c.SetMany(ctx,
			client.Entry{Key: "a", Value: []byte("1")},
			client.Entry{Key: "b", Value: []byte("2"), Options: []client.SetOption{client.IfAbsent()}},
		) {
			fmt.Println(i, r.Version, r.Err)
		}
	}
	_ = load
}

func ExampleNew_noSeeds() {
	_, err := client.New(context.Background(), client.Options{})
	fmt.Println(err)
	// Output: client: no seeds: give the gRPC address (host:port) of at least one node
}
