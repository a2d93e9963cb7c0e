package torcotel_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"torc/client"
	"torc/client/torcotel"
	"torc/cmd/devcluster"
)

func TestCallsAreShown(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := devcluster.Start(ctx, 1, "--shards=2")
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	spans, metrics := tracetest.NewSpanRecorder(), metric.NewManualReader()
	c, err := client.New(ctx, torcotel.Instrument(client.Options{Seeds: cluster.Seeds()},
		torcotel.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans))),
		torcotel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(metrics)))))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Set(ctx, "secret", []byte("v")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(ctx, "absent"); !errors.Is(err, client.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := c.Increment(ctx, "secret", 1); !errors.Is(err, client.ErrInvalid) {
		t.Fatal(err)
	}
	ended, stop := context.WithCancel(ctx)
	stop()
	_, _ = c.Get(ended, "secret")
	want := map[string]codes.Code{"torc set": codes.Unset, "torc get": codes.Error, "torc increment": codes.Unset}
	seen := map[string]codes.Code{}
	for _, span := range spans.Ended() {
		seen[span.Name()] = span.Status().Code
		if strings.Contains(span.Status().Description, "secret") {
			t.Errorf("%s shows a key: %s", span.Name(), span.Status().Description)
		}
		for _, a := range span.Attributes() {
			if a.Value.AsString() == "secret" {
				t.Errorf("%s shows a key", span.Name())
			}
		}
	}
	for name, code := range want {
		if got, ok := seen[name]; !ok || got != code {
			t.Errorf("%s: status %v, %v; want %v", name, got, ok, code)
		}
	}
	var all metricdata.ResourceMetrics
	if err := metrics.Collect(ctx, &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == "db.client.operation.duration" {
				return
			}
		}
	}
	t.Error("there is no duration")
}
