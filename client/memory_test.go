package client

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// sized is a value that tells which key it is of, all over.
func sized(key string, size int) string { return strings.Repeat(key+".", size/(len(key)+1)+1)[:size] }

// Messages are received in memory that is used again and again. What a caller has got is not: it stays as it was,
// whatever its size, alone and among many, while others read.
func TestValuesAreTheCallersOwn(t *testing.T) {
	f := newFake(t, 3)
	c := f.client()
	var keys []string
	want := map[string]string{}
	for i, size := range []int{0, 1, 50, 1000, 1025, 5000, 20_000, 300_000} {
		for j := range 5 {
			key := fmt.Sprintf("k%d-%d", i, j)
			keys = append(keys, key)
			want[key] = sized(key, size)
			_, err := c.Set(ctx, key, []byte(want[key]))
			require.NoError(t, err)
		}
	}
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			got := map[string][]byte{}
			for round := range 10 {
				for i, r := range c.GetMany(ctx, keys...) {
					if r.Err != nil {
						t.Error(r.Err)
					}
					got[fmt.Sprint(round, "/", keys[i])] = r.Bytes
				}
				for _, key := range keys {
					v, err := c.Get(ctx, key)
					if err != nil {
						t.Error(err)
					}
					got[fmt.Sprint(round, "-", key)] = v.Bytes
				}
			}
			for name, b := range got {
				key := name[strings.IndexAny(name, "/-")+1:]
				if string(b) != want[key] {
					t.Errorf("%s is %.20q", name, b)
				}
			}
		})
	}
	callers.Wait()
}

// What a caller sets is its own again when the call has returned.
func TestSetTakesACopy(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	value := make([]byte, 100)
	for i := range 200 {
		for j := range value {
			value[j] = byte(i)
		}
		_, err := c.Set(ctx, fmt.Sprint("k", i), value)
		require.NoError(t, err)
		require.Equal(t, []SetResult{{Version: uint64(2*i + 2)}}, c.SetMany(ctx, Entry{Key: fmt.Sprint("m", i), Value: value}))
	}
	for i := range 200 {
		for _, key := range []string{fmt.Sprint("k", i), fmt.Sprint("m", i)} {
			v, err := c.Get(ctx, key)
			require.NoError(t, err)
			require.Equal(t, strings.Repeat(string([]byte{byte(i)}), 100), string(v.Bytes))
		}
	}
}

func TestGetInto(t *testing.T) {
	f := newFake(t, 1)
	c := f.client()
	_, err := c.Set(ctx, "k", []byte("value"))
	require.NoError(t, err)
	_, err = c.Set(ctx, "empty", nil)
	require.NoError(t, err)
	buf := make([]byte, 3, 64)
	v, err := c.GetInto(ctx, "k", buf)
	require.NoError(t, err)
	require.Equal(t, "value", string(v.Bytes))
	require.Same(t, &buf[0], &v.Bytes[0])
	v, err = c.GetInto(ctx, "k", buf[:0:2])
	require.NoError(t, err)
	require.Equal(t, "value", string(v.Bytes))
	require.NotSame(t, &buf[0], &v.Bytes[0])
	v, err = c.GetInto(ctx, "empty", buf)
	require.NoError(t, err)
	require.Empty(t, v.Bytes)
	require.Equal(t, 64, cap(v.Bytes), "the memory is the next call's")
	_, err = c.GetInto(ctx, "absent", buf)
	require.ErrorIs(t, err, ErrNotFound)
}
