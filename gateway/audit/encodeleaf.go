// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import "github.com/ki-schleuse/schleuse/gateway"

// leaf writes the members in the order of the struct, here as below.
func (e *encoder) leaf(l *Leaf) {
	e.open()
	e.text("kind", string(l.Kind))
	e.text("id", l.ID)
	e.time("time", l.Time)
	e.text("tenant", string(l.Tenant))
	e.text("writer", l.Writer)
	if l.Record != nil {
		e.key("record")
		e.record(l.Record)
	}
	if l.Closing != nil {
		e.key("closing")
		e.closing(l.Closing)
	}
	if l.Note != nil {
		e.key("note")
		e.note(l.Note)
	}
	e.shut()
	e.out = e.out[:len(e.out)-1]
}

func (e *encoder) record(r *gateway.Record) {
	e.open()
	e.text("id", r.ID)
	e.time("time", r.Time)
	e.text("tenant", string(r.Tenant))
	e.text("system", string(r.System))
	e.text("key_id", r.KeyID)
	e.textIf("user", string(r.User))
	textsIf(e, "roles", r.Roles)
	e.text("channel", string(r.Channel))
	e.text("operation", string(r.Operation))
	e.text("purpose", string(r.Purpose))
	e.textIf("service", string(r.Service))
	e.textIf("case", string(r.Case))
	textsIf(e, "declared", r.Declared)
	e.textIf("content", string(r.Content))
	e.number("body_bytes", int64(r.BodyBytes))
	e.screened(&r.Screened)
	e.number("entities", int64(r.Entities))
	list(e, "decisions", r.Decisions, e.decision)
	listIf(e, "passages", r.Passages, e.passage)
	if r.Route != nil {
		e.key("route")
		e.route(r.Route)
	}
	listIf(e, "fallback", r.Fallback, e.route)
	if r.Answer != nil {
		e.key("answer")
		e.decision(r.Answer)
	}
	textsIf(e, "applied", r.Applied)
	if r.Changes != nil {
		list(e, "changes", r.Changes, e.change)
	}
	e.number("masked", int64(r.Masked))
	e.kept(r.Kept)
	if r.Retain != nil {
		e.key("retain")
		e.open()
		e.number("floor_days", int64(r.Retain.FloorDays))
		e.number("ceiling_days", int64(r.Retain.CeilingDays))
		e.shut()
	}
	e.shut()
}

func (e *encoder) change(c *gateway.Change) {
	e.open()
	e.text("id", c.ID)
	textsIf(e, "fields", c.Fields)
	textsIf(e, "models", c.Models)
	e.numberIf("count", int64(c.Count))
	e.numberIf("from", int64(c.From))
	e.numberIf("to", int64(c.To))
	e.shut()
}

func (e *encoder) kept(k *gateway.Kept) {
	if k == nil {
		return
	}
	e.key("kept")
	e.open()
	e.text("content", string(k.Content))
	e.number("bytes", int64(k.Bytes))
	e.number("days", int64(k.Days))
	if k.Original {
		e.key("original")
		e.bool(true)
	}
	if k.Truncated {
		e.key("truncated")
		e.bool(true)
	}
	e.shut()
}

func (e *encoder) screened(s *gateway.Screened) {
	e.key("screened")
	e.open()
	e.key("counts")
	object(e, s.Counts, func(n int) { e.any(n, 1) })
	texts(e, "categories", s.Categories)
	e.number("unscreenable", int64(s.Unscreenable))
	e.shut()
}

func (e *encoder) decision(d *gateway.Decision) {
	e.open()
	e.text("stage", string(d.Stage))
	e.text("effect", string(d.Effect))
	e.key("risk")
	e.open()
	e.text("class", d.Risk.Class)
	e.text("basis", d.Risk.Basis)
	e.textIf("note", d.Risk.Note)
	e.shut()
	texts(e, "data_classes", d.DataClasses)
	list(e, "reasons", d.Reasons, e.reason)
	list(e, "obligations", d.Obligations, e.obligation)
	texts(e, "models", d.Models)
	e.key("rejected")
	object(e, d.Rejected, func(rules []string) { e.any(rules, 1) })
	e.text("revision", d.Revision)
	e.text("digest", d.Digest)
	e.textIf("bundle", d.Bundle)
	if len(d.Input) > 0 {
		e.key("input")
		e.raw(d.Input)
	}
	e.number("duration_ns", int64(d.Duration))
	e.shut()
}

func (e *encoder) reason(r *gateway.Reason) {
	e.open()
	e.text("rule", r.Rule)
	e.text("title", r.Title)
	e.text("basis", r.Basis)
	e.text("text", r.Text)
	e.text("severity", r.Severity)
	e.shut()
}

func (e *encoder) obligation(o *gateway.Obligation) {
	e.open()
	e.text("id", o.ID)
	e.text("rule", o.Rule)
	if len(o.Params) > 0 {
		e.key("params")
		e.any(o.Params, maxDepth)
	}
	e.shut()
}

func (e *encoder) passage(p *gateway.PassageRef) {
	e.open()
	e.text("source", p.Source)
	e.text("document", string(p.Document))
	e.text("version", p.Version)
	e.numberIf("page", int64(p.Page))
	e.textIf("section", p.Section)
	e.text("sha256", p.SHA256)
	e.shut()
}

func (e *encoder) route(r *gateway.Route) {
	e.open()
	e.text("model", string(r.Model))
	e.text("residency", string(r.Residency))
	e.text("operator", r.Operator)
	e.text("country", r.Country)
	e.text("upstream", r.Upstream)
	e.text("endpoint", r.Endpoint)
	if r.Price != (gateway.Price{}) {
		e.key("price")
		e.open()
		e.number("input", int64(r.Price.Input))
		e.number("output", int64(r.Price.Output))
		e.numberIf("minute", int64(r.Price.Minute))
		e.shut()
	}
	e.textIf("why", r.Why)
	e.shut()
}

func (e *encoder) closing(c *gateway.Closing) {
	e.open()
	e.text("id", c.ID)
	e.time("time", c.Time)
	e.text("outcome", string(c.Outcome))
	e.textIf("code", string(c.Code))
	e.usage(&c.Usage)
	e.numberIf("first_byte_ns", int64(c.FirstByte))
	e.numberIf("model_ns", int64(c.Model))
	e.number("total_ns", int64(c.Total))
	if c.Response != nil {
		e.key("response")
		e.decision(c.Response)
	}
	e.screened(&c.Screened)
	e.number("restored", int64(c.Restored))
	e.textIf("content", string(c.Content))
	if c.Answered != nil {
		e.key("answered")
		e.route(c.Answered)
	}
	listIf(e, "attempts", c.Attempts, e.attempt)
	e.numberIf("cost_micro_euro", int64(c.Cost))
	e.textIf("result", c.Result)
	e.kept(c.Kept)
	if c.CitationsMissing {
		e.key("citations_missing")
		e.bool(true)
	}
	e.shut()
}

func (e *encoder) attempt(a *gateway.Attempt) {
	e.open()
	e.text("model", string(a.Model))
	e.text("endpoint", a.Endpoint)
	e.time("started", a.Started)
	e.numberIf("first_byte_ns", int64(a.FirstByte))
	e.number("duration_ns", int64(a.Duration))
	e.textIf("code", string(a.Code))
	e.numberIf("status", int64(a.Status))
	e.numberIf("retry_after_ns", int64(a.RetryAfter))
	e.numberIf("output_tokens", int64(a.Output))
	e.shut()
}

func (e *encoder) usage(u *gateway.Usage) {
	e.key("usage")
	e.open()
	e.number("input_tokens", int64(u.Input))
	e.number("output_tokens", int64(u.Output))
	e.numberIf("cached_tokens", int64(u.Cached))
	e.numberIf("reasoning_tokens", int64(u.Reasoning))
	e.numberIf("audio_seconds", int64(u.AudioSeconds))
	e.key("reported")
	e.bool(u.Reported)
	if u.Estimated {
		e.key("estimated")
		e.bool(true)
	}
	e.shut()
}

func (e *encoder) note(n *Note) {
	e.open()
	e.text("id", n.ID)
	e.time("time", n.Time)
	e.text("tenant", string(n.Tenant))
	e.text("topic", n.Topic)
	e.textIf("actor", string(n.Actor))
	e.textIf("role", n.Role)
	e.textIf("object", n.Object)
	e.textIf("case", string(n.Case))
	e.text("text", n.Text)
	e.textIf("reason", n.Reason)
	e.rawIf("old", n.Old)
	e.rawIf("new", n.New)
	e.shut()
}
