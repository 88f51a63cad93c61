// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package telemetry tells operators how the gateway does: metrics for Prometheus
// and traces for OpenTelemetry, with the names of the OpenTelemetry conventions
// for generative AI where there are such. It sees names, times and counts. There
// is no switch that would let it see texts, and none can be built on it: what it
// implements, [gateway.Observer], is never given any. It is not the record: it
// may lose data and proves nothing. Start at [New].
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Config of the telemetry. The zero value measures and traces nothing.
type Config struct {
	// Version and Instance name this process.
	Version, Instance string
	// OTLP is the address of a collector, for example "http://otel.intern:4318";
	// empty: no traces. Headers go with each export.
	OTLP    string
	Headers map[string]string
	// Sample is the part of requests that is traced when the caller did not
	// decide, 0 to 1; default 1.
	Sample float64
	// Parent returns the W3C traceparent of a request, or "".
	Parent func(context.Context) string
	// Exporter replaces the export over the network, for tests.
	Exporter sdktrace.SpanExporter
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Telemetry implements gateway.Observer. It is safe for concurrent use.
type Telemetry struct {
	config   Config
	registry *prometheus.Registry
	meters   *meters
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider // nil: no traces
}

var _ gateway.Observer = (*Telemetry)(nil)

// New prepares metrics and, if an address is configured, traces. It does not
// wait for the collector.
func New(ctx context.Context, c Config) (*Telemetry, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Parent == nil {
		c.Parent = func(context.Context) string { return "" }
	}
	if c.Sample == 0 {
		c.Sample = 1
	}
	if c.Sample < 0 || c.Sample > 1 {
		return nil, errors.New("telemetry.sample: must be between 0 and 1")
	}
	t := &Telemetry{config: c, registry: prometheus.NewRegistry(), tracer: noop.NewTracerProvider().Tracer(scopeName)}
	t.meters = newMeters(t.registry)
	t.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "schleuse_build_info", Help: "1, with the version of the running program.", ConstLabels: prometheus.Labels{"version": c.Version},
		}, func() float64 { return 1 }),
	)
	return t, t.startTraces(ctx)
}

const scopeName = "github.com/ki-schleuse/schleuse"

func (t *Telemetry) startTraces(ctx context.Context) error {
	exporter := t.config.Exporter
	if exporter == nil {
		if t.config.OTLP == "" {
			return nil
		}
		u, err := url.Parse(t.config.OTLP)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("telemetry.otlp: not an address such as http://otel.example:4318")
		}
		// Everything is said here, so that no environment variable sends traces elsewhere.
		options := []otlptracehttp.Option{
			otlptracehttp.WithEndpointURL(u.JoinPath("v1", "traces").String()),
			otlptracehttp.WithHeaders(t.config.Headers), otlptracehttp.WithTimeout(10 * time.Second),
			otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
			otlptracehttp.WithProxy(func(*http.Request) (*url.URL, error) { return nil, nil }), //nolint:nilnil // no proxy, as the type demands
		}
		if exporter, err = otlptracehttp.New(ctx, options...); err != nil {
			return fmt.Errorf("telemetry: %w", err)
		}
	}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(4096), sdktrace.WithExportTimeout(10*time.Second)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(t.config.Sample))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "ki-schleuse"),
			attribute.String("service.version", t.config.Version),
			attribute.String("service.instance.id", t.config.Instance),
		)),
	)
	t.tracer = t.provider.Tracer(scopeName, trace.WithInstrumentationVersion(t.config.Version))
	return nil
}

// Handler answers GET /metrics.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Register adds a collector of another part, for example its queues. One that is
// registered under the same names takes its place.
func (t *Telemetry) Register(c prometheus.Collector) error {
	err := t.registry.Register(c)
	if same, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		t.registry.Unregister(same.ExistingCollector)
		err = t.registry.Register(c)
	}
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	return nil
}

// Flush sends what waits.
func (t *Telemetry) Flush(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	if err := t.provider.ForceFlush(ctx); err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	return nil
}

// Shutdown sends what is left.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	return nil
}
