package torcotel

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"torc/client"
)

const scope = "torc/client/torcotel"

// Option refines Instrument.
type Option func(*settings)

type settings struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
	keys    bool
}

// WithTracerProvider takes tracers from this provider instead of the global one.
func WithTracerProvider(p trace.TracerProvider) Option { return func(s *settings) { s.tracers = p } }

// WithMeterProvider takes meters from this provider instead of the global one.
func WithMeterProvider(p metric.MeterProvider) Option { return func(s *settings) { s.meters = p } }

// WithKeys shows keys in spans.
func WithKeys() Option { return func(s *settings) { s.keys = true } }

// Instrument returns a client's options with an Observer and dial options for OpenTelemetry.
func Instrument(opts client.Options, options ...Option) client.Options {
	s := settings{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, option := range options {
		option(&s)
	}
	o := &observer{tracer: s.tracers.Tracer(scope), keys: s.keys}
	var err error
	o.duration, err = s.meters.Meter(scope).Float64Histogram("db.client.operation.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of calls to the cache."))
	if err != nil {
		otel.Handle(err)
	}
	opts.Observer = o
	handler := otelgrpc.NewClientHandler(otelgrpc.WithTracerProvider(s.tracers), otelgrpc.WithMeterProvider(s.meters))
	opts.DialOptions = append(opts.DialOptions[:len(opts.DialOptions):len(opts.DialOptions)], grpc.WithStatsHandler(handler))
	return opts
}

type observer struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram
	keys     bool
}

// Begin makes a call's span.
func (o *observer) Begin(ctx context.Context, call client.Call) (context.Context, func(error)) {
	attributes := []attribute.KeyValue{attribute.String("db.system.name", "torc"), attribute.String("db.operation.name", call.Op)}
	shown := attributes
	if call.Commands > 1 {
		shown = append(shown[:len(shown):len(shown)], attribute.Int("db.operation.batch.size", call.Commands))
	}
	if o.keys && call.Key != "" {
		shown = append(shown[:len(shown):len(shown)], attribute.String("torc.key", call.Key))
	}
	ctx, span := o.tracer.Start(ctx, "torc "+call.Op, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(shown...))
	began := time.Now()
	return ctx, func(err error) {
		if err != nil {
			kind := attribute.String("error.type", kindOf(err))
			attributes = append(attributes, kind)
			span.SetAttributes(kind)
			span.SetStatus(codes.Error, o.text(err))
		}
		span.End()
		if o.duration != nil {
			o.duration.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(attributes...))
		}
	}
}

// text is an error's text, without its key unless keys are shown.
func (o *observer) text(err error) string {
	var known *client.Error
	if o.keys || !errors.As(err, &known) {
		return err.Error()
	}
	bare := *known
	bare.Key = ""
	return bare.Error()
}

// kindOf is an error's kind as one of few words, for metrics.
func kindOf(err error) string {
	for _, kind := range []struct {
		err  error
		word string
	}{
		{client.ErrUnknown, "unknown"}, {client.ErrOverloaded, "overloaded"}, {client.ErrUnavailable, "unavailable"},
		{client.ErrInvalid, "invalid"}, {client.ErrClosed, "closed"}, {client.ErrRefused, "refused"},
	} {
		if errors.Is(err, kind.err) {
			return kind.word
		}
	}
	return "other"
}
