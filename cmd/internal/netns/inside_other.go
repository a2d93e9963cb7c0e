//go:build !linux

package netns

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

var errLinux = errors.New("network namespaces are a thing of Linux")

func inside(string, func() error) error                            { return errLinux }
func meantFor(net.Conn) (to netip.AddrPort, err error)             { return to, errLinux }
func dialMarked(context.Context, netip.AddrPort) (net.Conn, error) { return nil, errLinux }
