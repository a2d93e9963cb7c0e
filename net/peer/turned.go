package peer

import (
	"errors"
	"io"
	"log/slog"
	"net"

	"google.golang.org/grpc/credentials"
)

// turnedAway logs the 1st, 2nd, 4th, 8th ... of those that may not speak here. They may never learn why: to who shows a
// certificate that is not trusted it can look like a broken pipe.
func (n *Network) turnedAway(from net.Addr, why error) {
	if count := n.stats.turnedAway.Add(1); count&(count-1) == 0 {
		n.log.Warn("a peer was turned away", slog.String("from", from.String()), slog.Uint64("count", count), slog.Any("error", why))
	}
}

// watchedTLS tells of handshakes that failed, which gRPC does not.
type watchedTLS struct {
	credentials.TransportCredentials
	network *Network
}

// ServerHandshake is part of credentials.TransportCredentials. Who hangs up without a word was no peer.
func (c watchedTLS) ServerHandshake(nc net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(nc)
	if err != nil && !errors.Is(err, io.EOF) {
		c.network.turnedAway(nc.RemoteAddr(), err)
	}
	return conn, info, err
}

// Clone is part of credentials.TransportCredentials.
func (c watchedTLS) Clone() credentials.TransportCredentials {
	return watchedTLS{c.TransportCredentials.Clone(), c.network}
}
