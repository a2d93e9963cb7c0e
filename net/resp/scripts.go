package resp

import (
	"container/list"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"torc/core/wire"
	"torc/net/script"
)

// Bounds of the scripts that a node knows.
const (
	scriptsMost     = 1000
	scriptBytesMost = 16 << 20 // of their sources; compiled they take some ten times as much

	scriptLines = 1024 // of scripts that write: those whose keys share one run one behind the other
)

// scripts are what the node knows, and who may run one. A script that was not used for longest is forgotten when there are too many: clients send it again
// when they are told NOSCRIPT. Each node knows its own.
type scripts struct {
	mu      sync.Mutex
	bySHA   map[string]*list.Element // of *script.Program
	used    *list.List               // the last one that was used first
	bytes   int
	making  chan struct{}              // has room for one that is being compiled: that may take a second, and 300 MB
	run     chan struct{}              // has room for as many as may run at a time
	next    chan struct{}              // and for as many that have long values, and wait
	waiting atomic.Int64               // and so many wait
	writes  [scriptLines]chan struct{} // and each of these for one
}

func (s *scripts) init() {
	s.bySHA, s.used = make(map[string]*list.Element), list.New()
	s.making = make(chan struct{}, 1)
	s.run = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/4))
	s.next = make(chan struct{}, cap(s.run))
	for i := range s.writes {
		s.writes[i] = make(chan struct{}, 1)
	}
}

// find returns a script that the node knows.
func (s *scripts) find(sha string) *script.Program {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.bySHA[sha]
	if e == nil {
		return nil
	}
	s.used.MoveToFront(e)
	return e.Value.(*script.Program)
}

// errMaking is for a script that has waited for too long.
var errMaking = errors.New("others' scripts take too long to compile: nothing was done, retry later")

// load makes a script known.
func (s *scripts) load(source []byte, patience time.Duration, cut <-chan struct{}) (*script.Program, error) {
	sha := script.SHA(source)
	if p := s.find(sha); p != nil {
		return p, nil
	}
	if !enter(s.making, patience, cut) {
		return nil, errMaking
	}
	defer leave(s.making)
	if p := s.find(sha); p != nil { // somebody had it made meanwhile
		return p, nil
	}
	p, err := script.Compile(source)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bySHA[p.SHA] == nil {
		s.bySHA[p.SHA] = s.used.PushFront(p)
		s.bytes += p.Size
	}
	for s.used.Len() > scriptsMost || s.bytes > scriptBytesMost {
		s.forget(s.used.Back())
	}
	return p, nil
}

// forget is called with the lock held.
func (s *scripts) forget(e *list.Element) {
	p := s.used.Remove(e).(*script.Program)
	delete(s.bySHA, p.SHA)
	s.bytes -= p.Size
}

func (s *scripts) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.used.Len() > 0 {
		s.forget(s.used.Back())
	}
}

// line is where scripts that write keys of a slot wait for each other. One behind the other they read what the one before has
// written; side by side all but one would run for nothing. Those of other nodes are not in it: it saves work, and no more. Slots that share a line lie side
// by side, in one shard: where a shard does not answer, its scripts hold up no others'.
func (s *scripts) line(slot uint16) chan struct{} {
	return s.writes[int(slot)*scriptLines/wire.SlotCount]
}

// enter waits in a line, and reports whether its turn has come in time, before whoever waits is cut off.
func enter(line chan struct{}, patience time.Duration, cut <-chan struct{}) bool {
	select {
	case line <- struct{}{}:
		return true
	default:
	}
	if patience <= 0 {
		return false
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case line <- struct{}{}:
		return true
	case <-t.C:
	case <-cut:
	}
	return false
}

func leave(line chan struct{}) { <-line }
