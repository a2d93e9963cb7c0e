package swim

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	packetsMax  = 1024 // waiting for memberlist; further ones are lost, as on any network
	streamsMax  = 256  // open at a time
	backlog     = 32   // streams waiting to be accepted
	chunkMax    = 32 << 10
	inboundMax  = 16 << 20 // bytes of one stream waiting to be read
	addrNetwork = "torc"
)

var errShut = errors.New("swim: transport is shut down")

// transport is memberlist's network on top of a Sender.
type transport struct {
	self    string // this node's peer address
	sender  Sender
	said    func(saying) // takes what this node says aloud,
	told    func(saying) // and what it is told; nil: nobody listens
	packets chan *memberlist.Packet
	accepts chan net.Conn

	mu      sync.Mutex
	streams map[streamKey]*stream
	shut    bool
	pumps   sync.WaitGroup
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)

func newTransport(self string, sender Sender) *transport {
	return &transport{
		self: self, sender: sender, streams: map[streamKey]*stream{},
		packets: make(chan *memberlist.Packet, packetsMax), accepts: make(chan net.Conn, backlog),
	}
}

// FinalAdvertiseAddr gives memberlist an IP address to hand around. Nobody reads it: names
// hold the peer address, which may be a host name.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	ip, port := net.IPv4(127, 0, 0, 1), 1
	if host, p, err := net.SplitHostPort(t.self); err == nil {
		if parsed := net.ParseIP(host); parsed != nil {
			ip = parsed
		}
		if n, err := strconv.Atoi(p); err == nil {
			port = n
		}
	}
	return ip, port, nil
}

// WriteTo sends a packet to a peer address.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	if t.said != nil {
		overhear(b, t.said)
	}
	e := envelope{kind: packet, from: t.self, data: b}
	t.sender.SendGossip(addr, e.encode())
	return time.Now(), nil
}

// WriteToAddress sends a packet to a node by its name.
func (t *transport) WriteToAddress(b []byte, to memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, peerAddr(to))
}

// peerAddr is where a node is reached: as its name says, or else at the address itself.
func peerAddr(to memberlist.Address) string {
	if addr, ok := addrOf(to.Name); ok {
		return addr
	}
	return to.Addr
}

// PacketCh gives the packets that come.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh gives the streams that others open.
func (t *transport) StreamCh() <-chan net.Conn { return t.accepts }

// DialTimeout opens a stream to a peer address. It takes no time: the other side learns of it
// with the first chunk, and silence shows as a read that runs out of time.
func (t *transport) DialTimeout(addr string, _ time.Duration) (net.Conn, error) {
	return t.open(streamKey{peer: addr, id: rand.Uint64(), dialed: true})
}

// DialAddressTimeout opens a stream to a node by its name.
func (t *transport) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(peerAddr(to), timeout)
}

// Shutdown breaks all streams and waits for what serves them.
func (t *transport) Shutdown() error {
	t.mu.Lock()
	t.shut = true
	for _, s := range t.streams {
		s.abort()
	}
	t.mu.Unlock()
	t.pumps.Wait()
	return nil
}

// receive takes a message from another transport. It does not block.
func (t *transport) receive(data []byte) error {
	e, err := decodeEnvelope(data)
	if err != nil {
		return err
	}
	if e.kind == packet {
		if t.told != nil {
			overhear(e.data, t.told)
		}
		select {
		case t.packets <- &memberlist.Packet{Buf: e.data, From: peerName(e.from), Timestamp: time.Now()}:
		default:
		}
		return nil
	}
	t.chunk(e)
	return nil
}

// peerName is a peer address as a net.Addr.
type peerName string

func (p peerName) Network() string { return addrNetwork }
func (p peerName) String() string  { return string(p) }
