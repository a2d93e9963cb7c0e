package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	torcv1 "torc/api/v1"
	"torc/client"
)

// What is none of the client's errors stands as it is.
func TestFailureOfAnotherKind(t *testing.T) {
	require.Equal(t, "read the password: no", doing{"read", true}.failure(errors.New("read the password: no"), time.Second))
}

// Memory that is full does not pass by itself: to try again later is no advice.
func TestFailureForWantOfMemory(t *testing.T) {
	said := doing{"written", false}.failure(&client.Error{Op: "set", Key: "k", Reason: "out of memory"}, time.Second)
	require.Contains(t, said, `"k" was not written: out of memory: remove keys, or give the nodes more --max-memory`)
}

// Who asks at a wrong address is told what is wrong with it, by every command in the same words.
func TestWrongAddresses(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	otherService := serve(t, func(*grpc.Server) {}) // such as the peers'
	for addr, want := range map[string]string{
		nobody(t):                              "connection refused: nobody listens there. Is it a node's --grpc address",
		"nonsense":                             "missing port in address: say --addr HOST:PORT",
		strings.TrimPrefix(web.URL, "http://"): "another port than that for Torc's clients",
		otherService:                           "another port than that for Torc's clients",
	} {
		for _, args := range [][]string{{"get", "k"}, {"status"}, {"drain", "n1"}, {"bench", "--requests", "1"}} {
			_, stderr, code := torc(t, append(args, "--addr", addr, "--timeout", "1s")...)
			require.Equal(t, exitError, code, "%v %s", args, addr)
			require.Contains(t, stderr, want, "%v %s", args, addr)
			require.NotContains(t, stderr, "rpc error", "%v %s", args, addr)
			require.NotContains(t, stderr, "may have been done", "%v %s: nobody was asked", args, addr)
		}
	}
	_, stderr, _ := torc(t, "status", "--tls", "--addr", otherService)
	require.Contains(t, stderr, "it does not speak TLS: leave out --tls and --tls-ca")
}

// A port that speaks TLS and is another than that for Torc's clients: Redis's, or a web server's.
func TestWrongPortWithTLS(t *testing.T) {
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600))
	redis, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	require.NoError(t, err)
	defer func() { _ = redis.Close() }()
	go func() {
		for {
			conn, err := redis.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
	}()
	for _, addr := range []string{strings.TrimPrefix(web.URL, "https://"), redis.Addr().String()} {
		for _, args := range [][]string{{"get", "k"}, {"status"}} {
			_, stderr, code := torc(t, append(args, "--addr", addr, "--tls-ca", ca, "--timeout", "1s")...)
			require.Equal(t, exitError, code, "%v %s", args, addr)
			require.Contains(t, stderr, "another port than that for Torc's clients", "%v %s", args, addr)
		}
	}
}

// mute takes what operators ask, and never says what came of it.
type mute struct {
	torcv1.UnimplementedAdminServer
}

func (mute) Drain(ctx context.Context, _ *torcv1.DrainRequest) (*torcv1.AdminResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (mute) RollCheck(ctx context.Context, _ *torcv1.RollCheckRequest) (*torcv1.RollCheckResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A change that nobody has answered may have been made. A question cannot.
func TestWithoutAnAnswer(t *testing.T) {
	addr := serve(t, func(s *grpc.Server) { torcv1.RegisterAdminServer(s, mute{}) })
	_, stderr, code := torc(t, "drain", "n1", "--addr", addr, "--timeout", "300ms")
	require.Equal(t, exitError, code)
	require.Contains(t, stderr, "torc drain: it may have been done all the same: ask again, that does no harm")
	_, stderr, code = torc(t, "roll", "--check", "--addr", addr, "--timeout", "300ms")
	require.Equal(t, exitError, code)
	require.Contains(t, stderr, "no answer in time")
	require.NotContains(t, stderr, "may have been done")
}
