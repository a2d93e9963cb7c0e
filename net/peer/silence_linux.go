package peer

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// limitSilence has the kernel close a connection on which what was sent is not acknowledged for so long. gRPC would
// do it by itself if it knew that the connection is one of TCP, which net/sock hides from it.
func limitSilence(nc net.Conn, within time.Duration) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return // it is closed already, and the next read will say so
	}
	_ = raw.Control(func(fd uintptr) { // keepalive notices silence, too, if a little later
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(within.Milliseconds()))
	})
}
