package netns

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// inside calls f on a thread that is in a namespace: the sockets that it makes belong there, and the processes that it starts.
func inside(namespace string, f func() error) error {
	there, err := os.Open("/run/netns/" + namespace)
	if err != nil {
		return fmt.Errorf("entering a namespace: %w", err)
	}
	defer func() { _ = there.Close() }()
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			result <- fmt.Errorf("entering a namespace: %w", err)
			return // with its thread, here and below: nobody else may get one that has strayed
		}
		defer func() { _ = home.Close() }()
		if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("entering a namespace: %w", err)
			return
		}
		err = f()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}

// meantFor is where a connection was going before it was redirected.
func meantFor(c net.Conn) (to netip.AddrPort, err error) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return to, err
	}
	control := raw.Control(func(fd uintptr) {
		// The kernel writes a sockaddr_in: family, port, address. An IPv6Mreq is the smallest of what
		// x/sys reads that has room for it.
		var m *unix.IPv6Mreq
		if m, err = unix.GetsockoptIPv6Mreq(int(fd), unix.IPPROTO_IP, unix.SO_ORIGINAL_DST); err == nil {
			a := m.Multiaddr
			to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[4:8])), binary.BigEndian.Uint16(a[2:4]))
		}
	})
	if control != nil {
		err = control
	}
	return to, err
}

// dialMarked connects, with the mark that keeps the connection from being redirected.
func dialMarked(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		control := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, mark) })
		if control != nil {
			err = control
		}
		return err
	}}
	return d.DialContext(ctx, "tcp4", to.String())
}
