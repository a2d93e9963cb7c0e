package grpcapi

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// reporting is a backend that knows how it stands.
type reporting struct{ Backend }

func (reporting) Self() wire.Member {
	return wire.Member{ID: 7, Name: "seven", Incarnation: 5}
}

func (reporting) Report(context.Context) (*torcv1.StatusResponse, error) {
	return &torcv1.StatusResponse{Epoch: 3}, nil
}

// silent is one that does not.
type silent struct{ Backend }

func TestStatus(t *testing.T) {
	s := &Server{backend: reporting{}}
	r, err := s.Status(context.Background(), &torcv1.StatusRequest{})
	require.NoError(t, err)
	require.Equal(t, "seven", r.Name)
	require.EqualValues(t, 7, r.Node)
	require.EqualValues(t, 5, r.Incarnation)
	require.EqualValues(t, 3, r.Epoch)

	s = &Server{backend: silent{}}
	_, err = s.Status(context.Background(), &torcv1.StatusRequest{})
	require.Equal(t, codes.Unimplemented, status.Code(err))
}
