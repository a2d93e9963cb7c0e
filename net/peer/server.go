package peer

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"syscall"

	"google.golang.org/grpc/peer"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// frames is the Peer service: it takes what other nodes send.
type frames struct {
	torcv1.UnimplementedPeerServer
	network *Network
}

// Frames reads one stream until its sender hangs up.
func (s frames) Frames(stream torcv1.Peer_FramesServer) error {
	packet := &torcv1.FramePacket{}
	for {
		err := stream.RecvMsg(packet)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, b := range packet.Frames {
			s.take(stream, b)
		}
	}
}

// take hands one frame on, if it is one.
func (s frames) take(stream torcv1.Peer_FramesServer, b []byte) {
	s.network.stats.framesReceived.Add(1)
	s.network.stats.bytesReceived.Add(uint64(len(b)))
	f, err := wire.DecodeFrame(b)
	if err != nil {
		s.undecodable(stream, err)
		return
	}
	s.network.deliver(f)
}

// undecodable counts a bad frame, and logs the 1st, 2nd, 4th, 8th ...: a peer of another
// version may send nothing else.
func (s frames) undecodable(stream torcv1.Peer_FramesServer, err error) {
	count := s.network.stats.undecodable.Add(1)
	if count&(count-1) != 0 {
		return
	}
	from := "unknown"
	if p, ok := peer.FromContext(stream.Context()); ok {
		from = p.Addr.String()
	}
	s.network.log.Warn("frame dropped: it does not decode",
		slog.String("from", from), slog.Uint64("count", count), slog.Any("error", err))
}

func listenError(opts Options, err error) error {
	_, port, splitErr := net.SplitHostPort(opts.Addr)
	switch {
	case splitErr != nil:
		return fmt.Errorf("peer: listen on %q (%s): want host:port: %w", opts.Addr, opts.Flag, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("peer: listen on %s: port %s is taken: stop what listens there, or choose another port for peers with %s: %w",
			opts.Addr, port, opts.Flag, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("peer: listen on %s: port %s needs privileges: choose one above 1023 with %s: %w", opts.Addr, port, opts.Flag, err)
	}
	return fmt.Errorf("peer: listen on %s (%s): %w", opts.Addr, opts.Flag, err)
}
