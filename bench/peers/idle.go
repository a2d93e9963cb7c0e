package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"torc/bench/peers/peer"
	"torc/bench/peers/report"
)

// idleConnections are opened to one process of each server that speaks the Redis protocol.
const idleConnections = 1000

// idle measures what servers take that are left alone, and what connections cost that say nothing.
func idle(ctx context.Context, servers []*peer.Server, wait time.Duration) (out []report.Idle, err error) {
	before := make([]time.Duration, len(servers))
	for i, s := range servers {
		before[i] = s.CPU()
	}
	began := time.Now()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for i, s := range servers {
		share := (s.CPU() - before[i]).Seconds() / time.Since(began).Seconds() / float64(s.Processes())
		out = append(out, report.Idle{Server: s.Name, Processes: s.Processes(), CPUPercent: 100 * share})
	}
	for i, s := range servers {
		if len(s.RESP) == 0 {
			continue
		}
		if out[i].ConnBytes, err = connections(s); err != nil {
			return nil, fmt.Errorf("%d idle connections to %s: %w", idleConnections, s.Name, err)
		}
		out[i].Connections = idleConnections
	}
	return out, nil
}

// connections tells by how much a server's first process grows by connections each of which has asked one thing.
func connections(s *peer.Server) (int64, error) {
	before := s.Memory(0)
	for range idleConnections {
		conn, err := net.Dial("tcp", s.RESP[0])
		if err != nil {
			return 0, err
		}
		defer func() { _ = conn.Close() }() // all are held until the end
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Write([]byte("*1\r\n$4\r\nPING\r\n")); err != nil {
			return 0, err
		}
		if _, err := bufio.NewReaderSize(conn, 64).ReadString('\n'); err != nil {
			return 0, err
		}
	}
	return s.Memory(0) - before, nil
}
