package client

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
)

// A node that has no room leaves a connection unread for 10 s and more: the kernel is told not to break it before.
func TestAConnectionMayBeLeftUnread(t *testing.T) {
	f := newFake(t, 1)
	var dialed atomic.Pointer[net.TCPConn]
	c := f.client(func(o *Options) {
		o.DialOptions = []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			if tcp, ok := nc.(*net.TCPConn); ok {
				dialed.Store(tcp)
			}
			return nc, err
		})}
	})
	_, err := c.Set(context.Background(), "k", []byte("v"))
	require.NoError(t, err)
	raw, err := dialed.Load().SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		millis, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
		require.NoError(t, err)
		require.Greater(t, time.Duration(millis)*time.Millisecond, 12*time.Second)
	}))
}
