package swim

import (
	"slices"
	"sync"

	"torc/core/gossip"
)

// goodbye in a digest's place says that the node leaves. memberlist tells a goodbye from a
// death among its own messages, but not to those it notifies: the Node.State that they see is
// never set (v0.7.0 keeps the state in a field that hides it).
const goodbye = "\x00torc: goodbye\x00"

// digest is what this node says about itself; memberlist carries it as the node's meta data,
// whose limit (memberlist.MetaMaxSize) is the digest's too.
type digest struct {
	mu      sync.Mutex
	bytes   []byte
	leaving bool
}

func (d *digest) set(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.leaving {
		d.bytes = slices.Clone(b[:min(len(b), gossip.DigestMax)])
	}
}

// leave makes the digest a goodbye, for good.
func (d *digest) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leaving, d.bytes = true, []byte(goodbye)
}

// NodeMeta is asked by memberlist when it tells others about this node.
func (d *digest) NodeMeta(limit int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.bytes[:min(len(d.bytes), limit)])
}

// The rest of memberlist.Delegate: Torc gossips nothing of its own.

// NotifyMsg does nothing.
func (d *digest) NotifyMsg([]byte) {}

// GetBroadcasts has nothing to say.
func (d *digest) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState adds nothing to the state exchanged.
func (d *digest) LocalState(bool) []byte { return nil }

// MergeRemoteState expects nothing in it.
func (d *digest) MergeRemoteState([]byte, bool) {}
