package grpcapi

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// Reporter is what a Backend may be beside, to answer Status.
type Reporter interface {
	// Report tells how the node stands. Node and name are filled in by the server.
	Report(ctx context.Context) (*torcv1.StatusResponse, error)
}

// Status tells how this node stands.
func (s *Server) Status(ctx context.Context, _ *torcv1.StatusRequest) (*torcv1.StatusResponse, error) {
	reporter, ok := s.backend.(Reporter)
	if !ok {
		return nil, status.Error(codes.Unimplemented, "this node does not report its status")
	}
	report, err := reporter.Report(ctx)
	if err != nil {
		return nil, failureError(wire.OutcomeRefused, wire.ReasonDeadline)
	}
	self := s.backend.Self()
	report.Node, report.Name, report.Incarnation = uint64(self.ID), self.Name, uint64(self.Incarnation)
	return report, nil
}
