package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"torc/client"
)

// Exit codes of the data commands.
const (
	exitOK     = 0
	exitError  = 1
	exitAbsent = 3 // the key is not there, or the condition does not hold
)

// data runs a command that needs the client: flags, then its arguments.
func data(name, usage string, does doing, args []string, least, most int, own func(*flag.FlagSet), run func(context.Context, *client.Client, []string) error) int {
	flags := newFlags("torc "+name, usage)
	var c connection
	c.flags(flags)
	if own != nil {
		own(flags)
	}
	rest, err := parseMixed(flags, args)
	if err != nil {
		return flagsExit(err)
	}
	if len(rest) < least || len(rest) > most {
		fmt.Fprintf(os.Stderr, "torc %s: usage: torc %s [flags] %s\ntorc %s --help tells the flags\n", name, name, usage, name)
		return exitError
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	db, err := c.client(ctx)
	if err != nil {
		err = c.whyNot(err)
	} else {
		defer func() { _ = db.Close() }()
		err = run(ctx, db, rest)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, client.ErrNotFound), errors.Is(err, client.ErrConflict):
		fmt.Fprintln(os.Stderr, err)
		return exitAbsent
	}
	fmt.Fprintf(os.Stderr, "torc %s: %s\n", name, does.failure(err, c.timeout))
	return exitError
}

func get(args []string) int {
	return data("get", "KEY", doing{"read", true}, args, 1, 1, nil, func(ctx context.Context, db *client.Client, args []string) error {
		v, err := db.Get(ctx, args[0])
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(append(v.Bytes, '\n'))
		return err
	})
}

func set(args []string) int {
	var ttl time.Duration
	var nx, xx bool
	own := func(f *flag.FlagSet) {
		f.DurationVar(&ttl, "ttl", 0, "the key expires after this `time`; 0 means never")
		f.BoolVar(&nx, "nx", false, "only if the key is absent")
		f.BoolVar(&xx, "xx", false, "only if the key is present")
	}
	return data("set", "KEY VALUE|-", doing{"written", false}, args, 2, 2, own, func(ctx context.Context, db *client.Client, args []string) (err error) {
		value := []byte(args[1])
		if args[1] == "-" {
			if value, err = io.ReadAll(os.Stdin); err != nil {
				return fmt.Errorf("read the value: %w", err)
			}
		}
		var options []client.SetOption
		if ttl != 0 { // the client refuses what is too short, or negative
			options = append(options, client.WithTTL(ttl))
		}
		if nx {
			options = append(options, client.IfAbsent())
		}
		if xx {
			options = append(options, client.IfPresent())
		}
		if _, err = db.Set(ctx, args[0], value, options...); err == nil {
			fmt.Println("OK")
		}
		return err
	})
}

func del(args []string) int {
	return data("del", "KEY...", doing{"removed", false}, args, 1, 1<<20, nil, func(ctx context.Context, db *client.Client, keys []string) error {
		removed := 0
		for i, key := range keys {
			was, err := db.Delete(ctx, key)
			if err != nil && !errors.Is(err, client.ErrNotFound) {
				if i > 0 {
					fmt.Fprintf(os.Stderr, "torc del: the %d keys before %q are done: %d of them were there\n", i, key, removed)
				}
				return err
			}
			if was {
				removed++
			}
		}
		fmt.Println(removed)
		return nil
	})
}
