package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	torcv1 "torc/api/v1"
)

// registrar is a node that forgets another one when it is asked with the code.
type registrar struct {
	torcv1.UnimplementedAdminServer
	forgot    []string
	recovered int
}

func (r *registrar) Forget(_ context.Context, q *torcv1.ForgetRequest) (*torcv1.ForgetResponse, error) {
	if q.Confirm != "0000beef" {
		return &torcv1.ForgetResponse{Confirm: "0000beef", Lines: []string{"shard 3: loses a replica"}}, nil
	}
	r.forgot = append(r.forgot, q.Node)
	return &torcv1.ForgetResponse{Done: true}, nil
}

func (r *registrar) RecoverMeta(_ context.Context, q *torcv1.RecoverMetaRequest) (*torcv1.RecoverMetaResponse, error) {
	if q.Confirm != "0000beef" {
		return &torcv1.RecoverMetaResponse{Confirm: "0000beef", Lines: []string{"in reach: nobody"}}, nil
	}
	r.recovered++
	return &torcv1.RecoverMetaResponse{Done: true}, nil
}

func (r *registrar) start(t *testing.T) (addr string) {
	t.Helper()
	return serve(t, func(s *grpc.Server) { torcv1.RegisterAdminServer(s, r) })
}

// Only the code that was shown does anything, and the exit code tells the two apart.
func TestForget(t *testing.T) {
	r := &registrar{}
	addr := r.start(t)
	require.Equal(t, exitDegraded, run([]string{"forget", "n2", "--addr", addr}))
	require.Equal(t, exitDegraded, run([]string{"forget", "n2", "--addr", addr, "--confirm", "00000001"}))
	require.Empty(t, r.forgot)
	require.Equal(t, exitOK, run([]string{"forget", "n2", "--addr", addr, "--confirm", "0000beef"}))
	require.Equal(t, []string{"n2"}, r.forgot)
	require.Equal(t, exitError, run([]string{"forget", "n2", "--addr", nobody(t)}))
}

// The command that is shown asks whom this one asked: copied as it is, it must not go to another cluster on this machine.
func TestTheCommandToConfirmIsWhole(t *testing.T) {
	addr := (&registrar{}).start(t)
	stdout, _, code := torc(t, "forget", "--addr", addr, "n2", "--timeout", "3s", "--confirm", "00000001")
	require.Equal(t, exitDegraded, code)
	require.Contains(t, stdout, "torc forget n2 --addr "+addr+" --timeout 3s --confirm 0000beef\n")
	stdout, _, code = torc(t, "recover-meta", "--addr", addr)
	require.Equal(t, exitDegraded, code)
	require.Contains(t, stdout, "torc recover-meta --addr "+addr+" --confirm 0000beef\n")
}

func TestRecoverMeta(t *testing.T) {
	r := &registrar{}
	addr := r.start(t)
	require.Equal(t, exitDegraded, run([]string{"recover-meta", "--addr", addr}))
	require.Equal(t, exitDegraded, run([]string{"recover-meta", "--addr", addr, "--confirm", "00000001"}))
	require.Zero(t, r.recovered)
	require.Equal(t, exitOK, run([]string{"recover-meta", "--addr", addr, "--confirm", "0000beef"}))
	require.Equal(t, 1, r.recovered)
	require.Equal(t, exitError, run([]string{"recover-meta", "--addr", nobody(t)}))
}
