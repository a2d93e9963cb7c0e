package store

import (
	"encoding/binary"

	"github.com/tidwall/btree"

	"torc/core/mutant"
	"torc/core/slab"
	"torc/core/wire"
)

// Config shapes a store. It is part of what Apply computes from, so all replicas of a shard
// must have the same one.
type Config struct {
	Shard        wire.ShardID
	Shards       int    // data shards in all; 0 = take keys of every slot
	MaxValue     int    // longest value that APPEND, SETRANGE and INCRBYFLOAT may make, in bytes; default 64 MiB
	SessionTTL   int64  // how long an idle session is remembered, in milliseconds of log time; default 10 minutes
	SessionsMax  int    // sessions remembered; the least recently used is dropped first; default 10000
	SessionBytes int64  // and what they take with their outcomes, in bytes; default 16 MiB
	WindowMax    int    // outcomes remembered per session; default 1024
	LeasesMax    int    // leases and known absences remembered (see leases.go); default 1024
	LeaseBytes   int64  // and what they take, in bytes; default 1 MiB
	Seed         Seed   // places the keys
	Version      uint64 // the versions of a new store are greater

	// Pages is where keys and values get their memory; nil = Go's heap. It is each replica's own
	// affair: nothing that is computed depends on it.
	Pages slab.Source
}

func (c Config) defaults() Config {
	if c.MaxValue <= 0 {
		c.MaxValue = 64 << 20
	}
	if c.SessionTTL <= 0 {
		c.SessionTTL = 10 * 60 * 1000
	}
	if c.SessionsMax <= 0 {
		c.SessionsMax = 10000
	}
	if c.SessionBytes <= 0 {
		c.SessionBytes = 16 << 20
	}
	if c.WindowMax <= 0 {
		c.WindowMax = 1024
	}
	if c.LeasesMax <= 0 {
		c.LeasesMax = 1024
	}
	if c.LeaseBytes <= 0 {
		c.LeaseBytes = 1 << 20
	}
	if c.Pages == nil {
		c.Pages = slab.Plain{}
	}
	return c
}

// What is added to the bytes of keys, values and results to account for what is around
// them. They are part of the replicated state's arithmetic: about what is needed, never measured.
const (
	entryOverhead   = 128
	sessionOverhead = 192
	outcomeOverhead = 112
	leaseOverhead   = 144
)

// Store is the state of one shard. Use it from one logical thread.
type Store struct {
	cfg         Config
	first, last uint64 // least and greatest order of a key of this shard

	// The replicated state.
	time     int64  // log time, Unix milliseconds
	version  uint64 // the last version given out
	uses     uint64 // how often a session was used: the measure of "recently"
	keys     *keyspace
	sessions *btree.BTreeG[*session]
	outcomes *btree.BTreeG[*outcome]
	leases   *btree.BTreeG[*lease]
	caching  int64 // see Caching

	// What follows from it.
	recent *btree.BTreeG[*session] // sessions by last use
	ending *btree.BTreeG[*lease]   // leases by their end
	sums   sums

	keyBytes     int64 // of entries
	sessionBytes int64 // of sessions and outcomes
	leaseBytes   int64 // of leases

	evicted uint64        // victims removed, since this copy was made
	expired uint64        // keys removed because they had expired, likewise
	repeats uint64        // retries answered from what is remembered, since this copy was made
	dying   []*keyspace   // flushed, with memory still to be given back
	found   entry         // what the last lookup found
	ahead   ahead         // the batch's commands
	unread  []wire.Result // where results go that nobody waits for
	scratch []byte        // for encoding results, and for making values
}

// New returns an empty store at log time 0.
func New(cfg Config) *Store {
	s := &Store{cfg: cfg.defaults(), last: ^uint64(0), version: cfg.Version}
	if cfg.Shards > 0 {
		first, last := wire.SlotRange(cfg.Shard, cfg.Shards)
		s.first, s.last = firstOrder(first), lastOrder(last)
	}
	s.keys = newKeyspace(s.cfg.Pages, s.cfg.Seed, s.first, s.last)
	s.sessions, s.outcomes, s.recent = newTree(lessClient), newTree(lessOutcome), newTree(lessRecent)
	s.leases, s.ending = newTree(lessLease), newTree(lessEnding)
	return s
}

func newTree[T any](less func(a, b T) bool) *btree.BTreeG[T] {
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

// Time returns log time: the greatest time of all batches applied, in Unix milliseconds.
func (s *Store) Time() int64 { return s.time }

// Repeats returns how many retries this copy has answered from its session table. It is no part of
// the replicated state.
func (s *Store) Repeats() uint64 { return s.repeats }

// Len returns how many keys are stored, expired ones that still await removal included.
func (s *Store) Len() int { return s.keys.count }

// Bytes returns the logical size of the state: keys, values, remembered results and leases, with a fixed
// amount for each. It is a function of the applied log alone, so that what is decided by it is
// the same everywhere.
func (s *Store) Bytes() int64 { return s.keyBytes + s.sessionBytes + s.leaseBytes }

// SessionBytes is what of it are remembered results and leases.
func (s *Store) SessionBytes() int64 { return s.sessionBytes + s.leaseBytes }

// Kept is how many bytes of cells are kept for snapshots only, as this replica holds them. It is no part of the
// replicated state.
func (s *Store) Kept() int64 {
	kept := s.keys.kept
	for _, k := range s.dying {
		if len(k.snapshots) > 0 {
			kept += k.cells.Stats().Used
		}
	}
	return kept
}

// place is where a write works: a key, and what is there now.
type place struct {
	key   []byte // the command's: copied before it is kept
	order uint64
	old   *entry // valid until the next change or lookup; nil = absent
}

// locate finds a write's place. An entry that has expired is removed on the way.
func (s *Store) locate(key []byte, order uint64) place {
	e := s.find(key, order)
	if e != nil && e.expiredBy(s.time) {
		s.remove(e)
		s.expired++
		e = nil
	}
	return place{key, order, e}
}

// find returns what is stored under a key, expired or not, until the next lookup or change; nil if
// nothing is.
func (s *Store) find(key []byte, order uint64) *entry {
	if !s.keys.find(key, order, &s.found) {
		return nil
	}
	return &s.found
}

// put stores a value, in two parts, under a new version. The first part may be the place's own value.
func (s *Store) put(p *place, value, more []byte, expireAt int64) {
	s.revoke(p)
	if p.old != nil {
		s.forget(p.old)
	}
	s.keys.put(&s.found, p.old, p.key, p.order, value, more, s.nextVersion(), expireAt)
	p.old = &s.found
	s.account(p.old)
}

// drop removes what is at a place.
func (s *Store) drop(p *place) {
	s.revoke(p)
	s.remove(p.old)
	p.old = nil
}

func (s *Store) remove(e *entry) {
	s.forget(e)
	s.keys.drop(e)
}

// account adds an entry that was stored to the sums.
func (s *Store) account(e *entry) {
	s.keyBytes += e.size()
	s.sums.keys += e.kept()
}

// forget undoes account.
func (s *Store) forget(e *entry) {
	s.keyBytes -= e.size()
	s.sums.keys -= e.kept()
}

// kept is the digest that a long entry keeps, and that of any other.
func (e *entry) kept() uint64 {
	if len(e.sum) > 0 {
		return binary.LittleEndian.Uint64(e.sum)
	}
	return e.digest()
}

func (e *entry) size() int64 { return int64(len(e.key)) + int64(len(e.value)) + entryOverhead }

// leaked is what the planted bug 22 lets into Apply: something that differs between the
// replicas of a shard because it is the process's own.
var leaked uint64

func (s *Store) nextVersion() uint64 {
	s.version++
	if mutant.On(mutant.NondetApply) {
		leaked++
		s.version += leaked & 1
	}
	return s.version
}

// clearKeys forgets all keys, and who was to fill which, in O(1). Their memory goes back by and by (Tend).
func (s *Store) clearKeys() {
	s.dying = append(s.dying, s.keys)
	s.keys = newKeyspace(s.cfg.Pages, s.cfg.Seed, s.first, s.last)
	s.sums.keys, s.keyBytes = 0, 0
	s.leases, s.ending = newTree(lessLease), newTree(lessEnding)
	s.sums.leases, s.leaseBytes = 0, 0
}
