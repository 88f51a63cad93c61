// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// Permit is the gateway's leave to do one check, and its record.
type Permit interface {
	ID() string
	Close(ctx context.Context, o gateway.Outcome, result string) error
}

// PermitFunc asks the gateway. An error means that the check does not happen.
type PermitFunc func(ctx context.Context, r gateway.Request) (Permit, error)

// Reader turns a file into text.
type Reader interface {
	Read(ctx context.Context, name string, data []byte) (extract.Text, error)
}

// Config of a Checker.
type Config struct {
	// Catalog of services; required.
	Catalog *Catalog
	// Permit is the gateway; required unless Unrecorded.
	Permit PermitFunc
	// Reader of documents; without one, documents with content are unreadable.
	Reader Reader
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Unrecorded allows checks without a gateway: for tests and benchmarks only.
	Unrecorded bool
	// Timeout of one evaluation of rules; 0 means 5 s.
	Timeout time.Duration
}

// Checker checks applications. It is safe for concurrent use.
type Checker struct{ config Config }

// New returns a Checker.
func New(c Config) (*Checker, error) {
	if c.Catalog == nil {
		return nil, errors.New("completeness: Catalog is required")
	}
	if c.Permit == nil && !c.Unrecorded {
		return nil, errors.New("completeness: Permit is required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	return &Checker{config: c}, nil
}

// Check checks one application. Errors are *gateway.Error where the caller can
// do something about it. What cannot be checked is in the report, with status
// nicht_pruefbar: a failure never leads to "complete".
func (c *Checker) Check(ctx context.Context, caller gateway.Caller, in Input) (Report, error) {
	s, ok := c.config.Catalog.services[in.Service]
	if !ok {
		return Report{}, &gateway.Error{Op: "check application", Code: gateway.CodeNotFound, Path: "service", Message: "Diese Leistung ist nicht bekannt."}
	}
	if err := in.bounded(); err != nil {
		return Report{}, err
	}
	tree, err := decodeTree(in.Application)
	if err != nil {
		return Report{}, err
	}
	day := c.caseDay(s, in, tree)
	permit, err := c.permit(ctx, caller, s, in, day)
	if err != nil {
		return Report{}, err
	}
	r, err := c.check(ctx, s, in, tree, day.Format(time.DateOnly))
	outcome, result := gateway.OutcomeAnswered, summary(r)
	if err != nil {
		outcome, result = outcomeOf(err), ""
	}
	// The record is closed even when the caller has gone.
	if cerr := permit.Close(context.WithoutCancel(ctx), outcome, result); cerr != nil && err == nil {
		return Report{}, &gateway.Error{Op: "close record of check", Code: gateway.CodeNoRecord, Message: "Die Prüfung konnte nicht protokolliert werden.", RequestID: permit.ID(), Err: cerr}
	}
	if err != nil {
		return Report{}, err
	}
	if id := permit.ID(); id != "" {
		r.DecisionIDs = []string{id}
	}
	return r, nil
}

func outcomeOf(err error) gateway.Outcome {
	if errors.Is(err, context.Canceled) {
		return gateway.OutcomeCancelled
	}
	return gateway.OutcomeFailed
}

func (in *Input) bounded() error {
	if len(in.Documents) > maxDocuments {
		return tooLarge("documents", fmt.Sprintf("Es sind höchstens %d Dokumente möglich.", maxDocuments))
	}
	for i, d := range in.Documents {
		if len(d.Content) > maxDocument {
			return tooLarge(fmt.Sprintf("documents[%d].content", i), "Das Dokument ist zu groß.")
		}
	}
	return nil
}

// caseDay is the day whose law applies: given by the caller, else the service's
// date field, else today.
func (c *Checker) caseDay(s *compiled, in Input, tree map[string]any) time.Time {
	if !in.Date.IsZero() {
		return in.Date
	}
	if v, ok := at(tree, s.DateField).(string); ok && validateDate(v) == nil {
		if t, err := time.Parse(time.DateOnly, v); err == nil {
			return t
		}
	}
	return c.config.Now()
}

func (c *Checker) permit(ctx context.Context, caller gateway.Caller, s *compiled, in Input, day time.Time) (Permit, error) {
	if c.config.Permit == nil {
		return unrecorded{}, nil
	}
	return c.config.Permit(ctx, gateway.Request{
		Caller: caller, Operation: gateway.OperationCheck, Purpose: gateway.PurposeCompletenessCheck,
		Service: s.ID, Case: in.Case, CaseDate: day, DataClass: s.DataClasses, Time: c.config.Now(),
	})
}

type unrecorded struct{}

func (unrecorded) ID() string                                           { return "" }
func (unrecorded) Close(context.Context, gateway.Outcome, string) error { return nil }

func (c *Checker) check(ctx context.Context, s *compiled, in Input, tree map[string]any, day string) (Report, error) {
	params, unknownParams, err := s.params(in.Params)
	if err != nil {
		return Report{}, err
	}
	p, err := s.prepare(tree)
	if err != nil {
		return Report{}, err
	}
	people := peopleOf(s.Persons, p.tree)
	pieces, err := c.pieces(ctx, s, in, people, day)
	if err != nil {
		return Report{}, err
	}
	s.extract(p, pieces)
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	v, err := s.rules.eval(ctx, s.ruleInput(p, params, pieces, day))
	if ctx.Err() != nil {
		return Report{}, fmt.Errorf("check %s: %w", s.ID, ctx.Err())
	}
	if err != nil {
		return Report{}, fmt.Errorf("check %s: %w", s.ID, err)
	}
	b := builder{service: s, types: c.config.Catalog.types, prepared: p, params: params, people: people, pieces: pieces, verdict: v, day: day}
	r := b.report(unknownParams)
	if r.ID, err = reportID(r, in); err != nil {
		return Report{}, fmt.Errorf("check %s: %w", s.ID, err)
	}
	return r, nil
}

// ruleInput is what rules.rego sees.
func (s *compiled) ruleInput(p *prepared, params map[string]any, pieces []piece, day string) map[string]any {
	ibans := map[string]any{}
	for _, f := range s.Fields {
		if v, ok := at(p.tree, f.ID).(string); ok && f.Type == "iban" {
			ibans[f.ID] = validIBAN(v)
		}
	}
	documents := make([]any, 0, len(pieces))
	for _, d := range pieces {
		documents = append(documents, d.ruleInput())
	}
	return map[string]any{"application": p.tree, "params": params, "documents": documents, "date": day, "valid_iban": ibans}
}

// ruleInput is a document as rules see it. Only documents that may count have
// types, so that a rule cannot take an unusable one for evidence.
func (p *piece) ruleInput() map[string]any {
	types := []any{}
	if p.counts() && !p.foreign {
		for _, t := range p.types {
			types = append(types, t)
		}
	}
	d := map[string]any{"id": p.ID, "types": types, "person": p.person, "format": p.format, "fields": map[string]any{}}
	if p.date != "" {
		d["date"] = p.date
	}
	fields := map[string]any{}
	for k, v := range p.Fields {
		fields[k] = v
	}
	d["fields"] = fields
	if n, ok := scaled(numberOf(json.Number(p.Fields["unterrichtseinheiten"])), 1); ok {
		d["units"] = n
	}
	return d
}

// extract puts values read from documents into the application, where it does
// not have them itself.
func (s *compiled) extract(p *prepared, pieces []piece) {
	for _, x := range s.Extracts {
		if !missing(at(p.tree, x.Path)) || p.isInvalid(x.Path) {
			continue
		}
		for _, d := range pieces {
			raw := d.Fields[x.Field]
			if d.Type != x.Type || raw == "" || !d.counts() || d.foreign {
				continue
			}
			f, _ := s.Field(x.Path)
			if f.Type != "money" {
				put(p.tree, x.Path, raw)
				break
			}
			if cents, ok := scaled(numberOf(json.Number(raw)), 100); ok {
				put(p.tree, x.Path, cents)
				break
			}
		}
	}
}

func (p *prepared) isInvalid(path string) bool {
	return slices.ContainsFunc(p.invalid, func(i InvalidField) bool { return i.Path == path })
}

// reportID is the same for the same input and the same rules. It stands beside
// the content it is made of and is as confidential.
func reportID(r Report, in Input) (string, error) {
	h := sha256.New()
	add := func(parts ...string) {
		for _, p := range parts {
			_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
		}
	}
	params, err := json.Marshal(in.Params) // sorted keys
	if err != nil {
		return "", fmt.Errorf("encode params: %w", err)
	}
	add(string(r.Service), r.ServiceVersion, r.RulesSHA256, r.Date, canonical(in.Application), string(params), in.Case)
	for _, d := range in.Documents {
		fields := []byte("{}")
		if len(d.Fields) > 0 {
			if fields, err = json.Marshal(d.Fields); err != nil {
				return "", fmt.Errorf("encode fields of a document: %w", err)
			}
		}
		add(d.ID, d.Name, d.Type, d.Person, d.Format, string(fields), string(d.Content))
	}
	return "chk_" + hex.EncodeToString(h.Sum(nil)[:12]), nil
}

// canonical is JSON without differences in blanks and order of keys, so that the
// same application has the same id however it was sent.
func canonical(raw json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return string(raw)
	}
	out, err := json.Marshal(value)
	if err != nil {
		return string(raw)
	}
	return string(out)
}

// summary is what the record keeps of a report.
func summary(r Report) string {
	return fmt.Sprintf("%s, %d Befunde", r.Status, len(r.Findings))
}

// Services returns the definitions the checker knows.
func (c *Checker) Services() []Service { return c.config.Catalog.Services() }
