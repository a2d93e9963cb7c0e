package load

import (
	"fmt"
	"math/rand/v2"
)

// Keyspace is the keys of one value size, and a value. Sizes have keys of their own, so that each key always holds a value of
// its size, whoever wrote it last.
type Keyspace struct {
	Keys  []string
	Value []byte
}

// NewKeyspace makes one. The value does not compress, in case a peer tries.
func NewKeyspace(keys, size int) *Keyspace {
	s := &Keyspace{Value: make([]byte, size)}
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(s.Value) // never fails
	for i := range keys {
		s.Keys = append(s.Keys, fmt.Sprintf("bench:%d:%07d", size, i))
	}
	return s
}

// zipfExponent: YCSB's 0.99 is out of reach of rand.Zipf, which wants more than 1. The most popular of 10,000 keys gets about a tenth
// of all requests either way.
const zipfExponent = 1.01

// Mix is what callers ask for.
type Mix struct {
	Space *Keyspace
	Reads float64 // the share of GETs; the others are SETs
	Zipf  bool    // some keys are asked for much more often than others
}

// of is the mix of one caller.
func (m Mix) of(c Caller) Mix {
	if chooser, chooses := c.(Chooser); chooses {
		m.Space = &Keyspace{Keys: chooser.Choose(m.Space.Keys), Value: m.Space.Value}
	}
	return m
}

// drawer draws one caller's requests, the same ones in every run.
type drawer struct {
	mix    Mix
	random *rand.Rand
	zipf   *rand.Zipf
}

func (m Mix) drawer(caller int) *drawer {
	d := &drawer{mix: m, random: rand.New(rand.NewPCG(uint64(caller), 7))}
	if m.Zipf {
		d.zipf = rand.NewZipf(d.random, zipfExponent, 1, uint64(len(m.Space.Keys)-1))
	}
	return d
}

// fill draws a batch.
func (d *drawer) fill(batch []Op) {
	for i := range batch {
		batch[i] = Op{Read: d.read(), Key: d.mix.Space.Keys[d.key()], Value: d.mix.Space.Value}
	}
}

func (d *drawer) read() bool {
	switch d.mix.Reads {
	case 0:
		return false
	case 1:
		return true
	}
	return d.random.Float64() < d.mix.Reads
}

func (d *drawer) key() int {
	if d.zipf != nil {
		return int(d.zipf.Uint64())
	}
	return d.random.IntN(len(d.mix.Space.Keys))
}
