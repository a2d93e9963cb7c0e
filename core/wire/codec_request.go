package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Bits of a request's head.
const (
	hasSession = 1 << iota
	isRetry
	hasCluster // a request's alone: what is in the log is the cluster's own
)

// AppendRequest appends a request's binary form, with its shard and epoch.
func AppendRequest(b []byte, r *Request) []byte { return appendRequest(b, r, nil) }

func appendRequest(b []byte, r *Request, apart *Apart) []byte {
	b = binary.AppendUvarint(b, uint64(r.Shard))
	b = binary.AppendUvarint(b, uint64(r.Epoch))
	at := len(b)
	b = appendWork(b, r, apart)
	if r.Cluster != 0 {
		b[at] |= hasCluster
		b = appendID(b, r.Cluster)
	}
	return b
}

// RequestCommands is how many commands a client's request may hold: far more than one of ours asks for at a time (core/session). A
// command takes two bytes in its binary form and fifty times as many in memory, so the length of what came is no bound.
const RequestCommands = 1 << 16

// DecodeRequest reads a client's request. Byte slices alias b.
func DecodeRequest(b []byte) (*Request, error) {
	d, r := decoder{data: b}, new(Request)
	d.request(r, RequestCommands)
	if err := d.end(); err != nil {
		return nil, err
	}
	return r, nil
}

// anyNumber is for requests that nodes pass on: a Redis client's command may have any number of keys.
const anyNumber = math.MaxInt

func (d *decoder) request(r *Request, most int) {
	r.Shard = ShardID(d.uint32("request shard"))
	r.Epoch = Epoch(d.uvarint("request epoch"))
	head := d.session(&r.Session, hasCluster)
	at := d.pos
	n := d.count("request commands", commandMin)
	if n > most {
		d.fail(at, "request commands", fmt.Sprintf("%d are more than %d", n, most))
		return
	}
	if n > 0 {
		r.Commands = make([]Command, n)
	}
	for i := range r.Commands {
		d.command(&r.Commands[i])
	}
	if head&hasCluster != 0 {
		r.Cluster = d.someID("request cluster")
	}
}

// appendWork appends what of a request belongs into the log.
func appendWork(b []byte, r *Request, apart *Apart) []byte {
	s := &r.Session
	head := bit(s.Client|s.Seq|s.Floor != 0, 0) | bit(s.Retry, 1)
	b = append(b, head)
	if head&hasSession != 0 {
		b = appendID(b, s.Client)
		b = binary.AppendUvarint(b, s.Seq)
		b = binary.AppendUvarint(b, s.Floor)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Commands)))
	for i := range r.Commands {
		b = appendCommand(b, &r.Commands[i], apart)
	}
	return b
}

// session reads a head, and the session if there is one. more are the bits that the head may have beside those that are told here.
func (d *decoder) session(s *Session, more byte) (head byte) {
	head = d.bits("request head", hasSession|isRetry|more)
	s.Retry = head&isRetry != 0
	if head&hasSession != 0 {
		at := d.pos
		s.Client, s.Seq, s.Floor = d.id("session client"), d.uvarint("session seq"), d.uvarint("session floor")
		if s.Client|s.Seq|s.Floor == 0 {
			d.fail(at, "session", "present but zero")
		}
	}
	return head
}

// AppendBatch appends a log entry's payload.
func AppendBatch(b []byte, batch *Batch) []byte {
	b = appendVarint(b, batch.Time)
	b = binary.AppendUvarint(b, uint64(batch.Proposer))
	b = binary.AppendUvarint(b, batch.Number)
	b = binary.AppendUvarint(b, uint64(len(batch.Victims)))
	for _, v := range batch.Victims {
		b = binary.AppendUvarint(appendID(b, v.Hash), v.Version)
	}
	commands := 0
	for i := range batch.Requests {
		commands += len(batch.Requests[i].Commands)
	}
	b = binary.AppendUvarint(b, uint64(commands))
	b = binary.AppendUvarint(b, uint64(len(batch.Requests)))
	for i := range batch.Requests {
		b = appendWork(b, &batch.Requests[i], nil)
	}
	return b
}

// DecodeBatch reads a log entry's payload. The requests' commands lie in one piece of memory
// behind one another; byte slices alias b.
func DecodeBatch(b []byte) (*Batch, error) { return new(BatchReader).Read(b) }

// BatchReader reads log entries one after the other into the same memory: what Read returns is good until the
// next one. The bytes that it refers to are those of the entry, and stay.
type BatchReader struct {
	batch    Batch
	commands []Command
	requests []Request
}

// batchKept is how many commands, or requests, a reader keeps room for.
const batchKept = 1024

// Read is DecodeBatch.
func (r *BatchReader) Read(b []byte) (*Batch, error) {
	d := decoder{data: b}
	r.batch = Batch{}
	d.batch(r)
	if err := d.end(); err != nil {
		return nil, err
	}
	return &r.batch, nil
}

// again makes room for n items in what was used before, nil for none.
func again[T any](used *[]T, n int) []T {
	switch {
	case n == 0:
		return nil
	case n > batchKept:
		return make([]T, n)
	case n > cap(*used):
		*used = make([]T, n)
	}
	items := (*used)[:n]
	clear(items)
	return items
}

// victimMin is the least that a victim takes.
const victimMin = 8 + 1

// workMin is the least that a request takes in a batch: its head and an empty list.
const workMin = 2

func (d *decoder) batch(into *BatchReader) {
	batch := &into.batch
	batch.Time = d.varint("batch time")
	batch.Proposer = ReplicaID(d.uvarint("batch proposer"))
	batch.Number = d.uvarint("batch number")
	batch.Victims = list[Victim](d, "batch victims", victimMin)
	for i := range batch.Victims {
		batch.Victims[i] = Victim{Hash: d.id("victim hash"), Version: d.uvarint("victim version")}
	}
	at := d.pos
	commands := again(&into.commands, d.count("batch commands", commandMin))
	batch.Requests = again(&into.requests, d.count("batch requests", workMin))
	for i := range batch.Requests {
		commands = d.work(&batch.Requests[i], commands)
	}
	if len(commands) > 0 {
		d.fail(at, "batch commands", "more than its requests hold")
	}
}

// work reads a request of a batch into the front of commands, and returns the rest of them.
func (d *decoder) work(r *Request, commands []Command) []Command {
	d.session(&r.Session, 0)
	at := d.pos
	n := d.count("request commands", commandMin)
	if n == 0 {
		return commands
	}
	if n > len(commands) {
		d.fail(at, "request commands", "more than the batch announced")
		return nil
	}
	r.Commands = commands[:n:n]
	for i := range r.Commands {
		d.command(&r.Commands[i])
	}
	return commands[n:]
}

// Bits of a response's head, above its outcome.
const (
	outcomeMask = 1<<2 - 1

	hasReason  = 1 << 2
	hasLeader  = 1 << 3
	hasEpoch   = 1 << 4
	hasResults = 1 << 5

	responseMask = 1<<6 - 1
)

// AppendResponse appends a response's binary form.
func AppendResponse(b []byte, r *Response) []byte { return appendResponse(b, r, nil) }

func appendResponse(b []byte, r *Response, apart *Apart) []byte {
	head := byte(r.Outcome) | bit(r.Reason != 0, 2) | bit(r.Leader != 0, 3) | bit(r.Epoch != 0, 4) | bit(len(r.Results) > 0, 5)
	b = append(b, head)
	if head&hasReason != 0 {
		b = append(b, byte(r.Reason))
	}
	if head&hasLeader != 0 {
		b = appendID(b, uint64(r.Leader))
	}
	if head&hasEpoch != 0 {
		b = binary.AppendUvarint(b, uint64(r.Epoch))
	}
	if head&hasResults != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Results)))
		for i := range r.Results {
			b = appendResult(b, &r.Results[i], apart)
		}
	}
	return b
}

// DecodeResponse reads a response. Byte slices alias b.
func DecodeResponse(b []byte) (*Response, error) {
	d, r := decoder{data: b}, new(Response)
	d.response(r)
	if err := d.end(); err != nil {
		return nil, err
	}
	return r, nil
}

// Decode reads a response over an old one, whose results' memory it uses again. Byte slices alias b.
func (r *Response) Decode(b []byte) error {
	d := decoder{data: b}
	*r = Response{Results: r.Results[:0]}
	d.response(r)
	return d.end()
}

func (d *decoder) response(r *Response) {
	at := d.pos
	head := d.bits("response head", responseMask)
	r.Outcome = Outcome(head & outcomeMask)
	if r.Outcome >= outcomeEnd {
		d.fail(at, "response outcome", "not a known outcome")
	}
	if head&hasReason != 0 {
		r.Reason = Reason(d.someEnum("response reason", byte(reasonEnd)))
	}
	if head&hasLeader != 0 {
		r.Leader = NodeID(d.someID("response leader"))
	}
	if head&hasEpoch != 0 {
		r.Epoch = Epoch(d.someUvarint("response epoch"))
	}
	if head&hasResults != 0 {
		n := d.someCount("response results", resultMin)
		if r.Results = r.Results[:0]; cap(r.Results) < n {
			r.Results = make([]Result, n)
		}
		r.Results = r.Results[:n]
		clear(r.Results)
		for i := range r.Results {
			d.result(&r.Results[i])
		}
	}
}
