package load

import "errors"

// Op is one request and, after Do, its outcome.
type Op struct {
	Read  bool
	Key   string
	Value []byte // what is written, or as long as what is to be read
	Err   error
}

// Caller sends batches: one pipeline, or whatever the protocol has in its place. It sets each Op's Err. When the connection
// breaks, every Op without an answer has failed; the next Do may fail too.
type Caller interface {
	Do(batch []Op)
	Close()
}

// Chooser is a Caller that asks only for some of the keys.
type Chooser interface {
	Choose(keys []string) []string
}

// Target opens callers to a peer. Where a protocol's client is shared by many callers, they share it.
type Target interface {
	Open(callers int) ([]Caller, error)
}

// Why an answer is not the right one.
var (
	ErrMiss     = errors.New("a key that was written is absent")
	ErrLength   = errors.New("a value has not the length that was written")
	ErrUnacked  = errors.New("WAIT: no replica has acknowledged in time")
	ErrProtocol = errors.New("not a reply of the protocol")
)

// failAll gives every Op from the given one on the same error.
func failAll(batch []Op, err error) {
	for i := range batch {
		batch[i].Err = err
	}
}

// closeAll closes callers when not all of them could be opened.
func closeAll(callers []Caller) {
	for _, c := range callers {
		c.Close()
	}
}

// openEach opens callers one by one, each by itself.
func openEach(n int, open func(i int) (Caller, error)) ([]Caller, error) {
	var callers []Caller
	for i := range n {
		c, err := open(i)
		if err != nil {
			closeAll(callers)
			return nil, err
		}
		callers = append(callers, c)
	}
	return callers, nil
}
