// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package telemetry

import (
	"context"
	"encoding/hex"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Start begins the span of a request as a child of the caller's.
func (t *Telemetry) Start(ctx context.Context, r gateway.Request) context.Context {
	t.meters.running.WithLabelValues(string(r.Operation)).Inc()
	if t.provider == nil {
		return ctx
	}
	if parent, ok := remote(t.config.Parent(ctx)); ok {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	//nolint:spancheck // End ends it
	ctx, _ = t.tracer.Start(ctx, "schleuse "+string(r.Operation), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("schleuse.record.id", r.ID),
		attribute.String("schleuse.tenant", string(r.Caller.Tenant)),
		attribute.String("schleuse.system", string(r.Caller.System)),
		attribute.String("gen_ai.operation.name", string(r.Operation)),
	))
	return ctx
}

// Stage measures one part of the passage.
func (t *Telemetry) Stage(ctx context.Context, name string) (context.Context, func(error)) {
	begin := t.config.Now()
	var span trace.Span
	if t.provider != nil {
		ctx, span = t.tracer.Start(ctx, name)
	}
	return ctx, func(err error) {
		t.meters.stages.WithLabelValues(name).Observe(t.config.Now().Sub(begin).Seconds())
		if span != nil {
			fail(span, gateway.CodeOf(err))
			span.End()
		}
	}
}

// Attempt measures one try at a model.
func (t *Telemetry) Attempt(ctx context.Context, r gateway.Request, route gateway.Route) (context.Context, func(gateway.Attempt)) {
	var span trace.Span
	if t.provider != nil {
		ctx, span = t.tracer.Start(ctx, string(r.Operation)+" "+string(route.Model), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("gen_ai.operation.name", string(r.Operation)),
			attribute.String("gen_ai.request.model", string(route.Model)),
			attribute.String("gen_ai.provider.name", route.Operator),
			attribute.String("server.address", route.Endpoint),
			attribute.String("schleuse.residency", string(route.Residency)),
		))
	}
	return ctx, func(a gateway.Attempt) {
		t.meters.attempts.WithLabelValues(string(a.Model), a.Endpoint, string(a.Code)).Inc()
		t.meters.duration.WithLabelValues(string(r.Operation), string(a.Model), route.Operator, string(a.Code)).Observe(a.Duration.Seconds())
		if a.FirstByte > 0 {
			t.meters.first.WithLabelValues(string(a.Model)).Observe(a.FirstByte.Seconds())
		}
		if span == nil {
			return
		}
		if a.Status != 0 {
			span.SetAttributes(attribute.Int("http.response.status_code", a.Status))
		}
		span.SetAttributes(attribute.Int("gen_ai.usage.output_tokens", a.Output))
		fail(span, a.Code)
		span.End()
	}
}

// End ends the span of the request and counts what was recorded.
func (t *Telemetry) End(ctx context.Context, rec gateway.Record, c gateway.Closing) {
	t.meters.running.WithLabelValues(string(rec.Operation)).Dec()
	t.meters.count(rec, c)
	if t.provider == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(
		attribute.String("schleuse.purpose", string(rec.Purpose)),
		attribute.String("schleuse.service", string(rec.Service)),
		attribute.String("schleuse.effect", string(rec.Effect())),
		attribute.String("schleuse.outcome", string(c.Outcome)),
		attribute.Int("schleuse.masked", rec.Masked),
		attribute.Int("gen_ai.usage.input_tokens", c.Usage.Input),
		attribute.Int("gen_ai.usage.output_tokens", c.Usage.Output),
	)
	if n := len(rec.Decisions); n > 0 {
		span.SetAttributes(attribute.String("schleuse.policy.revision", rec.Decisions[n-1].Revision))
	}
	fail(span, c.Code)
	span.End()
}

// fail marks a span with the code of an error, never with its text.
func fail(span trace.Span, code gateway.Code) {
	if code == "" {
		return
	}
	span.SetAttributes(attribute.String("error.type", string(code)))
	span.SetStatus(codes.Error, string(code))
}

// Traceparent is the W3C trace context of the span under way, or "".
func (t *Telemetry) Traceparent(ctx context.Context) string {
	span := trace.SpanContextFromContext(ctx)
	if t.provider == nil || !span.IsValid() {
		return ""
	}
	return "00-" + span.TraceID().String() + "-" + span.SpanID().String() + "-" + span.TraceFlags().String()
}

// remote reads a W3C traceparent.
func remote(s string) (trace.SpanContext, bool) {
	parts := strings.Split(s, "-")
	if len(parts) != 4 || len(parts[3]) != 2 {
		return trace.SpanContext{}, false
	}
	id, err1 := trace.TraceIDFromHex(parts[1])
	span, err2 := trace.SpanIDFromHex(parts[2])
	flags, err3 := hex.DecodeString(parts[3])
	if err1 != nil || err2 != nil || err3 != nil {
		return trace.SpanContext{}, false
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.TraceFlags(flags[0]), Remote: true}), true
}
