package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"torc/core/mutant"
)

// ErrBadSnapshot says that chunks are not, or not all and in order, those of a snapshot of this
// shard. What was wrong is in the text of the error that wraps it.
var ErrBadSnapshot = errors.New("store: bad snapshot")

// errShort says that a record goes on in the next chunk.
var errShort = errors.New("more is needed")

// Restorer builds a store from the chunks of a snapshot. It keeps no chunk. It never takes more
// memory than a small multiple of the bytes it was given, whatever they are.
type Restorer struct {
	store    *Store
	err      error // the first: nothing is taken after it
	number   uint64
	checksum uint64

	part    part
	left    [partEnd]uint64 // records still to come, by part
	pending []byte          // of a record that is not complete
	input   []byte          // what is being read
	digest  uint64

	lastKey     entry // its order and a copy of its key
	anyKey      bool
	lastSession *session
	lastOutcome *outcome
	lastLease   *lease
}

// NewRestorer returns a Restorer for a snapshot of cfg.Shard.
func NewRestorer(cfg Config) *Restorer {
	r := &Restorer{store: New(cfg)}
	r.left[partHeader], r.left[partTrailer] = 1, 1
	return r
}

// Add takes the next chunk. After an error (ErrBadSnapshot) the snapshot is of no use.
func (r *Restorer) Add(chunk []byte) error {
	if r.err == nil {
		if err := r.add(chunk); err != nil {
			r.err = fmt.Errorf("%w: chunk %d: %w", ErrBadSnapshot, r.number, err)
		}
	}
	return r.err
}

// Finish returns the store, in the state of the snapshot's source, or ErrBadSnapshot when the
// stream is not complete or does not have the source's digest. The Restorer is spent.
func (r *Restorer) Finish() (*Store, error) {
	switch {
	case r.err != nil:
	case r.part != partEnd:
		r.err = fmt.Errorf("%w: it ends after %d chunks, before its trailer", ErrBadSnapshot, r.number)
	case r.store.Digest() != r.digest:
		r.err = fmt.Errorf("%w: digest %016x, want %016x", ErrBadSnapshot, r.store.Digest(), r.digest)
	}
	s := r.store
	if r.err != nil {
		r.Close()
		return nil, r.err
	}
	r.store, r.pending = nil, nil
	r.err = fmt.Errorf("%w: already finished", ErrBadSnapshot)
	s.audit()
	if mutant.On(mutant.DedupeNotInSnapshot) {
		s.outcomes.Clear()
	}
	return s, nil
}

// Bytes is the logical size of what has come.
func (r *Restorer) Bytes() int64 {
	if r.store == nil {
		return 0
	}
	return r.store.Bytes()
}

// expectedMost bounds what is expected, whatever a header says, so that sums of it are numbers.
const expectedMost = 1 << 50

// Expected is about how large all of it will be, by how many keys there are and what those that came took: they come in
// the order of a hash, so the rest is like them. False: none has come yet. What sessions remember comes last and is not foreseen.
func (r *Restorer) Expected() (bytes int64, known bool) {
	if r.store == nil || r.part < partKeys || r.part == partKeys && r.store.Len() == 0 {
		return 0, false
	}
	bytes = r.store.Bytes()
	if left := r.left[partKeys]; left > 0 {
		each := 1 + uint64(r.store.keyBytes)/uint64(r.store.Len())
		bytes += int64(min(left, expectedMost/each) * each)
	}
	return min(bytes, expectedMost), true
}

// Close gives up what Finish has not returned. Nothing may be added any more.
func (r *Restorer) Close() {
	if r.store != nil {
		r.store.Close()
	}
	if r.err == nil {
		r.err = fmt.Errorf("%w: given up", ErrBadSnapshot)
	}
	r.store, r.pending = nil, nil
}

func (r *Restorer) add(chunk []byte) error {
	if len(chunk) < 8 {
		return errors.New("too short for a checksum")
	}
	body, sum := chunk[:len(chunk)-8], binary.LittleEndian.Uint64(chunk[len(chunk)-8:])
	number, n := binary.Uvarint(body)
	if n != uvarintSize(number) || number != r.number {
		return errors.New("not the next chunk")
	}
	if r.checksum = chunkSum(r.checksum, body); r.checksum != sum {
		return errors.New("checksum does not match")
	}
	if err := r.consume(body[n:]); err != nil {
		return err
	}
	r.number++
	return nil
}

// consume reads as many records as are complete and keeps the rest.
func (r *Restorer) consume(piece []byte) error {
	waited := len(r.pending) > 0
	if waited {
		r.pending = append(r.pending, piece...)
		piece = r.pending
	}
	r.input = piece
	for len(r.input) > 0 {
		rest := r.input
		if err := r.record(); errors.Is(err, errShort) {
			r.input = rest
			break
		} else if err != nil {
			return err
		}
	}
	if !waited || len(r.input) < len(piece) { // else all of it is there already, and a long record would be copied with every chunk
		r.pending = append(r.pending[:0], r.input...)
	}
	r.input = nil
	return nil
}

// record reads one record off the input; errShort when it is not all there.
func (r *Restorer) record() (err error) {
	switch r.part {
	case partHeader:
		err = r.header()
	case partKeys:
		err = r.key()
	case partSessions:
		err = r.session()
	case partOutcomes:
		err = r.outcome()
	case partLeases:
		err = r.lease()
	case partTrailer:
		r.digest, err = r.id()
	default:
		err = errors.New("more follows the trailer")
	}
	if err != nil {
		return err
	}
	r.left[r.part]--
	for r.part < partEnd && r.left[r.part] == 0 {
		r.part++
	}
	return nil
}

func (r *Restorer) header() error {
	n := min(len(r.input), len(snapshotMagic))
	magic := string(r.input[:n])
	leases, caching := magic == snapshotMagicLeases, magic == snapshotMagicCaching
	if known := magic == snapshotMagic[:n] || magic == snapshotMagicLeases[:n] || magic == snapshotMagicCaching[:n]; !known {
		return errors.New("not a snapshot, or of another version")
	}
	if len(r.input) < len(snapshotMagic) {
		return errShort
	}
	r.input = r.input[len(snapshotMagic):]
	s := r.store
	var shard, time, promised uint64
	numbers := []*uint64{&shard, &time, &s.version, &s.uses, &r.left[partKeys], &r.left[partSessions], &r.left[partOutcomes]}
	if leases || caching {
		numbers = append(numbers, &r.left[partLeases])
	}
	if caching {
		numbers = append(numbers, &promised)
	}
	err := r.numbers(numbers...)
	switch {
	case err != nil:
		return err
	case shard != uint64(s.cfg.Shard):
		return fmt.Errorf("of shard %d, want %d", shard, s.cfg.Shard)
	case time > math.MaxInt64:
		return errors.New("log time out of range")
	case leases && r.left[partLeases] == 0:
		return errors.New("no leases where there should be some")
	case caching && promised == 0 || promised > math.MaxInt64:
		return errors.New("promises to caching clients out of range")
	}
	s.time, s.caching = int64(time), int64(promised)
	return nil
}

func (r *Restorer) key() error {
	var version, expireAt uint64
	key, err := r.bytes()
	if err != nil {
		return err
	}
	value, err := r.bytes()
	if err != nil {
		return err
	}
	if err := r.numbers(&version, &expireAt); err != nil {
		return err
	}
	s, next := r.store, entry{key: key, order: r.store.cfg.Seed.order(key)}
	switch {
	case !s.owns(next.order):
		return errors.New("a key of another shard")
	case r.anyKey && compareEntries(r.lastKey, next) >= 0:
		return errors.New("keys are not in order")
	case version == 0 || version > s.version || expireAt > math.MaxInt64:
		return errors.New("a key's version or expiry is out of range")
	}
	s.keys.put(&s.found, nil, key, next.order, value, nil, version, int64(expireAt))
	s.account(&s.found)
	r.lastKey.order, r.lastKey.key, r.anyKey = next.order, append(r.lastKey.key[:0], key...), true
	return nil
}

func (r *Restorer) session() error {
	var usedAt uint64
	e := new(session)
	client, err := r.id()
	if err == nil {
		err = r.numbers(&e.floor, &e.use, &usedAt)
	}
	if err != nil {
		return err
	}
	s := r.store
	e.client, e.usedAt = client, int64(usedAt)
	_, taken := s.recent.Get(e)
	switch {
	case r.lastSession != nil && !lessClient(r.lastSession, e) || client == 0:
		return errors.New("sessions are not in order")
	case taken || e.use > s.uses || usedAt > uint64(s.time):
		return errors.New("a session's last use is out of range")
	}
	s.addSession(e)
	r.lastSession = e
	return nil
}

func (r *Restorer) outcome() error {
	o := new(outcome)
	client, err := r.id()
	if err == nil {
		err = r.numbers(&o.seq)
	}
	if err != nil {
		return err
	}
	results, err := r.bytes()
	if err != nil {
		return err
	}
	if _, err := decodeResults(results); err != nil {
		return fmt.Errorf("an outcome: %w", err)
	}
	o.client, o.results = client, bytes.Clone(results)
	o.hash = o.digest()
	s := r.store
	owner, known := s.sessions.Get(&session{client: client})
	switch {
	case r.lastOutcome != nil && !lessOutcome(r.lastOutcome, o):
		return errors.New("outcomes are not in order")
	case !known || o.seq < owner.floor:
		return errors.New("an outcome of no session")
	}
	s.addOutcome(o)
	owner.outcomes, owner.bytes = owner.outcomes+1, owner.bytes+o.size()
	r.lastOutcome = o
	return nil
}

func (r *Restorer) lease() error {
	key, err := r.bytes()
	if err != nil {
		return err
	}
	var token, until uint64
	if err := r.numbers(&token, &until); err != nil {
		return err
	}
	s, order := r.store, r.store.cfg.Seed.order(key)
	l := &lease{order: order, key: bytes.Clone(key), token: token, until: int64(until)}
	l.hash = l.digest()
	switch {
	case !s.owns(order):
		return errors.New("a lease of another shard")
	case r.lastLease != nil && !lessLease(r.lastLease, l):
		return errors.New("leases are not in order")
	case token > s.version || until > math.MaxInt64:
		return errors.New("a lease is out of range")
	}
	s.addLease(l)
	r.lastLease = l
	return nil
}

func (r *Restorer) id() (uint64, error) {
	if len(r.input) < 8 {
		return 0, errShort
	}
	v := binary.LittleEndian.Uint64(r.input)
	r.input = r.input[8:]
	return v, nil
}

func (r *Restorer) numbers(into ...*uint64) error {
	for _, p := range into {
		v, n := binary.Uvarint(r.input)
		if n == 0 {
			return errShort
		}
		if n < 0 {
			return errors.New("a number out of range")
		}
		if n > 1 && r.input[n-1] == 0 {
			return errors.New("a number in more bytes than it needs") // so a state has one form
		}
		*p, r.input = v, r.input[n:]
	}
	return nil
}

// bytes reads a length and as many bytes. They alias the input.
func (r *Restorer) bytes() ([]byte, error) {
	var length uint64
	if err := r.numbers(&length); err != nil {
		return nil, err
	}
	if length > uint64(len(r.input)) {
		return nil, errShort
	}
	b := r.input[:length:length]
	r.input = r.input[length:]
	return b, nil
}
