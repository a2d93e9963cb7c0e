// Package torcotel shows the Go client to OpenTelemetry. It is a module of its own, so that programs which do not use
// OpenTelemetry do not carry it.
//
//	opts := torcotel.Instrument(client.Options{Seeds: seeds})
//	c, err := client.New(ctx, opts)
//
// It makes a span for each call ("torc get"), with the names of OpenTelemetry's conventions for databases, and the
// histogram db.client.operation.duration; the connections to the nodes are shown by otelgrpc. Keys are not shown, unless
// WithKeys asks for them: they may be somebody's secret.
//
// The client sends many calls in one message, so a trace ends at the client: there is no span of a node below a call's.
//
// What must hold: an instrumented client behaves as one that is not; everything here is safe for many goroutines.
package torcotel
