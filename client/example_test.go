package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"strconv"
	"strings"
	"time"

	"torc/client"
)

var ctx = context.Background()

func Example() {
	c, err := client.New(ctx, client.Options{Seeds: seeds()})
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
		fmt.Printf("%s\n", value.Bytes)
	}
	// Output: hello
}

func ExampleClient_Get() {
	c := connected()
	defer c.Close()
	_, err := c.Get(ctx, "nobody:home")
	fmt.Println(errors.Is(err, client.ErrNotFound), err)
	// Output: true torc: get "nobody:home": not found
}

// What to do with a write that failed depends on what is known about it.
// On a hot path the memory of one value serves for the next.
func ExampleClient_GetInto() {
	c := connected()
	defer c.Close()
	var buf []byte
	for _, key := range []string{"into:1", "into:2"} {
		if _, err := c.Set(ctx, key, []byte("value of "+key)); err != nil {
			log.Fatal(err)
		}
		value, err := c.GetInto(ctx, key, buf)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", value.Bytes)
		buf = value.Bytes[:0]
	}
	// Output:
	// value of into:1
	// value of into:2
}

// Keys that are read all the time and seldom change are kept in the client's own memory. A Get is never older than a write that was
// acknowledged before it.
func ExampleOptions_cache() {
	c, err := client.New(ctx, client.Options{Seeds: seeds(), Cache: client.Cache{On: true, MaxBytes: 16 << 20}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Set(ctx, "prices", []byte("old")); err != nil {
		log.Fatal(err)
	}
	for range 3 {
		if _, err := c.Get(ctx, "prices"); err != nil { // the later ones ask nobody, most likely
			log.Fatal(err)
		}
	}
	if _, err := c.Set(ctx, "prices", []byte("new")); err != nil { // by whomever, wherever
		log.Fatal(err)
	}
	value, err := c.Get(ctx, "prices")
	fmt.Printf("%s %v\n", value.Bytes, err)
	// Output: new <nil>
}

func ExampleClient_Set() {
	c := connected()
	defer c.Close()
	_, err := c.Set(ctx, "job", []byte("done"))
	switch {
	case err == nil:
		fmt.Println("stored")
	case errors.Is(err, client.ErrOverloaded):
		fmt.Println("not stored, there is too much to do: try again later, and less often")
	case errors.Is(err, client.ErrRefused):
		fmt.Println("not stored, and never will be: it is safe to try again")
	case client.MaybeApplied(err):
		fmt.Println("perhaps stored: setting the same again does no harm, incrementing would")
	}
	// Output: stored
}

func ExampleClient_SetMany() {
	c := connected()
	defer c.Close()
	for i, r := range c.SetMany(ctx,
		client.Entry{Key: "many:a", Value: []byte("1")},
		client.Entry{Key: "many:b", Value: []byte("2"), Options: []client.SetOption{client.IfPresent()}},
	) {
		fmt.Println(i, r.Err)
	}
	// Output:
	// 0 <nil>
	// 1 torc: set "many:b": condition does not hold
}

func ExampleClient_GetMany() {
	c := connected()
	defer c.Close()
	c.SetMany(ctx, client.Entry{Key: "color:1", Value: []byte("red")}, client.Entry{Key: "color:2", Value: []byte("green")})
	for _, r := range c.GetMany(ctx, "color:1", "color:2", "color:3") {
		fmt.Printf("%s %v\n", r.Bytes, r.Err)
	}
	// Output:
	// red <nil>
	// green <nil>
	//  torc: get "color:3": not found
}

func ExampleClient_Delete() {
	c := connected()
	defer c.Close()
	_, _ = c.Set(ctx, "old", nil)
	fmt.Println(c.Delete(ctx, "old"))
	fmt.Println(c.Delete(ctx, "old"))
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleClient_GetDelete() {
	c := connected()
	defer c.Close()
	_, _ = c.Set(ctx, "ticket", []byte("seat 12"))
	ticket, err := c.GetDelete(ctx, "ticket") // whoever comes second finds none
	fmt.Printf("%s %v\n", ticket.Bytes, err)
	_, err = c.GetDelete(ctx, "ticket")
	fmt.Println(err)
	// Output:
	// seat 12 <nil>
	// torc: getdelete "ticket": not found
}

func ExampleClient_DeleteMany() {
	c := connected()
	defer c.Close()
	_, _ = c.Set(ctx, "old:1", nil)
	for _, r := range c.DeleteMany(ctx, "old:1", "old:2") {
		fmt.Println(r.Deleted, r.Err)
	}
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleClient_Increment() {
	c := connected()
	defer c.Close()
	_, _ = c.Delete(ctx, "visits")
	fmt.Println(c.Increment(ctx, "visits", 1))
	fmt.Println(c.Increment(ctx, "visits", 41))
	// Output:
	// 1 <nil>
	// 42 <nil>
}

func ExampleClient_Append() {
	c := connected()
	defer c.Close()
	_, _ = c.Delete(ctx, "journal")
	_, _ = c.Append(ctx, "journal", []byte("up;"))
	length, err := c.Append(ctx, "journal", []byte("down;"))
	fmt.Println(length, err)
	// Output: 8 <nil>
}

// Read, change, write back only if nobody else did meanwhile.
func ExampleClient_CompareAndSwap() {
	c := connected()
	defer c.Close()
	_, _ = c.Set(ctx, "stock", []byte("21"))
	for {
		value, err := c.Get(ctx, "stock")
		if err != nil {
			log.Fatal(err)
		}
		n, _ := strconv.Atoi(string(value.Bytes))
		_, err = c.CompareAndSwap(ctx, "stock", value.Version, strconv.AppendInt(nil, int64(2*n), 10))
		if errors.Is(err, client.ErrConflict) {
			continue // somebody was faster
		}
		if err != nil {
			log.Fatal(err)
		}
		break
	}
	value, _ := c.Get(ctx, "stock")
	fmt.Printf("%s\n", value.Bytes)
	// Output: 42
}

// A lock is a key that whoever makes it removes, and that goes by itself if its maker does not come back. Its version tells makers apart: it is
// greater each time, and what is done under the condition that the lock still has it is not done by somebody who has lost the lock.
func ExampleClient_CompareAndDelete() {
	c := connected()
	defer c.Close()
	mine, err := c.Set(ctx, "{report}lock", []byte("worker 1"), client.IfAbsent(), client.WithTTL(30*time.Second))
	if err != nil {
		log.Fatal(err) // ErrConflict: somebody else has it
	}
	tx := client.NewTx()
	tx.IfVersion("{report}lock", mine) // ErrConflict: it took too long, and somebody else may have it
	tx.Set("{report}page", []byte("..."))
	fmt.Println(c.Commit(ctx, tx))

	fmt.Println(c.CompareAndDelete(ctx, "{report}lock", mine))
	fmt.Println(c.CompareAndDelete(ctx, "{report}lock", mine)) // it is not there, or not mine, any more
	// Output:
	// <nil>
	// <nil>
	// torc: compareanddelete "{report}lock": condition does not hold
}

// Several commands on keys that a {tag} puts together are done as one.
func ExampleClient_Commit() {
	c := connected()
	defer c.Close()
	c.DeleteMany(ctx, "{cart:7}items", "{cart:7}count")
	tx := client.NewTx()
	tx.IfAbsent("{cart:7}items")
	tx.Set("{cart:7}items", []byte("apples"), client.WithTTL(time.Hour))
	count := tx.Increment("{cart:7}count", 1)
	switch err := c.Commit(ctx, tx); {
	case errors.Is(err, client.ErrConflict):
		fmt.Println("there is a cart, and nothing was done")
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println(count.Result())
	// Output: 1 <nil>
}

// What is written depends on what is there, in several keys.
func ExampleClient_Update() {
	c := connected()
	defer c.Close()
	c.SetMany(ctx, client.Entry{Key: "{bank}ann", Value: []byte("10")}, client.Entry{Key: "{bank}bob", Value: []byte("0")})
	transfer := func(amount int) error {
		return c.Update(ctx, []string{"{bank}ann", "{bank}bob"}, func(tx *client.Tx, now *client.Snapshot) error {
			balance := func(key string) int {
				v, _ := now.Get(key)
				n, _ := strconv.Atoi(string(v.Bytes))
				return n
			}
			if balance("{bank}ann") < amount {
				return errors.New("not enough")
			}
			tx.Set("{bank}ann", strconv.AppendInt(nil, int64(balance("{bank}ann")-amount), 10))
			tx.Set("{bank}bob", strconv.AppendInt(nil, int64(balance("{bank}bob")+amount), 10))
			return nil
		})
	}
	fmt.Println(transfer(7))
	fmt.Println(transfer(7))
	for _, r := range c.GetMany(ctx, "{bank}ann", "{bank}bob") {
		fmt.Printf("%s\n", r.Bytes)
	}
	// Output:
	// <nil>
	// not enough
	// 3
	// 7
}

func ExampleClient_Touch() {
	c := connected()
	defer c.Close()
	_, _ = c.Set(ctx, "here", nil)
	fmt.Println(c.Touch(ctx, "here"))
	fmt.Println(c.Touch(ctx, "not:here"))
	// Output:
	// <nil>
	// torc: touch "not:here": not found
}

func ExampleClient_Expire() {
	c := connected()
	defer c.Close()
	_, _ = c.Set(ctx, "session", []byte("..."))
	_ = c.Expire(ctx, "session", time.Hour)
	left, err := c.TTL(ctx, "session")
	fmt.Println(left > 59*time.Minute, err)
	// Output: true <nil>
}

func ExampleClient_Persist() {
	c := connected()
	defer c.Close()
	_, _ = c.Set(ctx, "draft", nil, client.WithTTL(time.Hour))
	fmt.Println(c.Persist(ctx, "draft"))
	fmt.Println(c.Persist(ctx, "draft"))
	// Output:
	// true <nil>
	// false <nil>
}

// Many callers, in many processes, miss the key: one of them asks the database.
func ExampleClient_GetOrLoad() {
	c := connected()
	defer c.Close()
	database := func(context.Context) ([]byte, error) {
		fmt.Println("asking the database")
		return []byte("Ada"), nil
	}
	for range 2 {
		value, err := c.GetOrLoad(ctx, "user:1", time.Minute, database, client.Stale(10*time.Second), client.Absent(5*time.Second))
		fmt.Printf("%s %v\n", value.Bytes, err)
	}
	// When the database has changed, delete the key. What was read from the database before cannot come back.
	_, _ = c.Delete(ctx, "user:1")
	// Output:
	// asking the database
	// Ada <nil>
	// Ada <nil>
}

func ExampleClient_Scan() {
	c := connected()
	defer c.Close()
	c.SetMany(ctx, client.Entry{Key: "fruit:apple"}, client.Entry{Key: "fruit:pear"}, client.Entry{Key: "stone"})
	var found []string
	for key, err := range c.Scan(ctx, client.ScanMatch("fruit:*")) {
		if err != nil {
			log.Fatal(err)
		}
		found = append(found, key)
	}
	slices.Sort(found)
	fmt.Println(found)
	// Output: [fruit:apple fruit:pear]
}

// A value that the caller never changes again needs no copy.
func ExampleNoCopy() {
	c := connected()
	defer c.Close()
	page := make([]byte, 1<<20)
	_, err := c.Set(ctx, "page", page, client.NoCopy())
	fmt.Println(err)
	// Output: <nil>
}

func ExampleNewTyped() {
	type user struct {
		Name string
		Age  int
	}
	c := connected()
	defer c.Close()
	users := client.NewTyped(c, client.JSON[user]())
	_, _ = users.Set(ctx, "user:2", user{"Bob", 41})
	item, err := users.Update(ctx, "user:2", func(u user, found bool) (user, error) {
		u.Age++
		return u, nil
	})
	fmt.Println(item.Value, err)
	// Output: {Bob 42} <nil>
}

// Typed values in a transaction, which may have keys of several types.
func ExampleTyped_SetIn() {
	type account struct{ Balance int }
	c := connected()
	defer c.Close()
	accounts := client.NewTyped(c, client.JSON[account]())
	_, _ = accounts.Set(ctx, "{bank}eve", account{10})
	err := c.Update(ctx, []string{"{bank}eve", "{bank}fay"}, func(tx *client.Tx, now *client.Snapshot) error {
		eve, _, err := accounts.GetAt(now, "{bank}eve")
		if err != nil {
			return err
		}
		accounts.SetIn(tx, "{bank}eve", account{eve.Value.Balance - 7})
		accounts.SetIn(tx, "{bank}fay", account{7})
		return nil
	})
	eve, _ := accounts.Get(ctx, "{bank}eve")
	fmt.Println(eve.Value.Balance, err)
	// Output: 3 <nil>
}

func ExampleClient_Topology() {
	c := connected()
	defer c.Close()
	t := c.Topology()
	fmt.Println(len(t.Nodes), "nodes,", len(t.Shards), "shards, each on", len(t.Shards[0].Nodes))
	// Output: 3 nodes, 8 shards, each on 3
}

// What the client believes of the cluster, for somebody who looks for what is wrong.
func ExampleClient_Debug() {
	c := connected()
	defer c.Close()
	var text strings.Builder
	err := c.Debug(ctx, &text)
	fmt.Println(strings.Contains(text.String(), "shard 1"), err)
	// Output: true <nil>
}

func ExampleClient_Stats() {
	c := connected()
	defer c.Close()
	_, _ = c.Set(ctx, "counted", nil)
	s, err := c.Stats(ctx)
	fmt.Println(s.Sent > 0, err)
	// Output: true <nil>
}

func ExampleNew_noSeeds() {
	_, err := client.New(context.Background(), client.Options{})
	fmt.Println(err)
	// Output: client: no seeds: give the gRPC address (host:port) of at least one node
}
