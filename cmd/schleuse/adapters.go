// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/upstream/chain"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// models shows callers the part of the catalogue that their key reaches. What a
// request may use is decided when it comes.
type models struct{ p *parts }

func (m models) Models(_ context.Context, caller gateway.Caller) []gateway.ModelCard {
	return slices.DeleteFunc(m.p.router.Cards(), func(c gateway.ModelCard) bool {
		return slices.Contains(c.Operations, gateway.OperationTool) || len(caller.Models) > 0 && !slices.Contains(caller.Models, c.ID)
	})
}

// Aliases are the names that stand for models the caller may see.
func (m models) Aliases(ctx context.Context, caller gateway.Caller) []httpapi.Alias {
	behind := map[gateway.ModelID][]gateway.ModelID{}
	for _, c := range m.p.config.Models {
		for _, alias := range c.Aliases {
			behind[alias] = append(behind[alias], c.ID)
		}
	}
	for _, g := range m.p.config.Routing.Groups {
		behind[g.Name] = append(behind[g.Name], g.Models...)
	}
	visible := m.Models(ctx, caller)
	var out []httpapi.Alias
	for _, name := range slices.Sorted(maps.Keys(behind)) {
		a := httpapi.Alias{ID: name}
		for _, card := range visible {
			if slices.Contains(behind[name], card.ID) {
				a.Models = append(a.Models, card.ID)
			}
		}
		if len(a.Models) > 0 {
			out = append(out, a)
		}
	}
	return out
}

// decisions shows systems what they have asked, and auditors the record of their tenant.
type decisions struct{ proofs proofs }

func (d decisions) Note(ctx context.Context, l httpapi.Look) error {
	if l.ID == "" {
		return d.proofs.note(ctx, l, audit.Note{Topic: audit.TopicListViewed, Object: "decisions", Text: "Liste der Entscheidungen über die Schnittstelle abgerufen."})
	}
	return d.proofs.note(ctx, l, audit.Note{Topic: audit.TopicRecordOpened, Object: l.ID, Text: "Eintrag über die Schnittstelle geöffnet."})
}

func (d decisions) List(ctx context.Context, f httpapi.DecisionFilter) (httpapi.DecisionPage, error) {
	page, err := d.proofs.record.List(ctx, audit.Filter{
		Scope: audit.Scope{Tenant: f.Tenant}, System: f.System, From: f.From, To: f.To, Effect: f.Effect, Outcome: f.Outcome,
		Purpose: f.Purpose, Service: f.Service, Rule: f.Rule, Cursor: f.Cursor, Limit: f.Limit,
	})
	if err != nil {
		return httpapi.DecisionPage{}, err
	}
	out := httpapi.DecisionPage{Items: make([]httpapi.StoredDecision, 0, len(page.Items)), Next: page.Next}
	for _, i := range page.Items {
		out.Items = append(out.Items, httpapi.StoredDecision{Record: i.Record, Closing: i.Closing})
	}
	return out, nil
}

func (d decisions) Find(ctx context.Context, tenant gateway.TenantID, id string) (httpapi.StoredDecision, error) {
	e, err := d.proofs.record.Show(ctx, audit.Scope{Tenant: tenant}, id)
	if err != nil {
		return httpapi.StoredDecision{}, err
	}
	return httpapi.StoredDecision{Record: e.Record, Closing: e.Closing}, nil
}

// embedder makes vectors through the gateway, so that documents and questions
// pass screening, policies and record like any other text that goes to a model.
type embedder struct{ p *parts }

var _ retrieval.Embedder = (*embedder)(nil)

func (e *embedder) ID() string { return string(e.p.config.Embeddings.Model) }
func (e *embedder) Dim() int   { return e.p.config.Embeddings.Dim }

func (e *embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	// The tenant is the search's own: what is indexed belongs to many.
	through := chain.NewEmbedder(e.p.gateway, gateway.Request{
		Caller:  gateway.Caller{Tenant: lawTenant, System: "suche", KeyID: "intern", Channel: gateway.ChannelSystem, Purposes: []gateway.Purpose{gateway.PurposeResearch}},
		Purpose: gateway.PurposeResearch, DataClass: []gateway.DataClass{gateway.DataPersonal}, Model: e.p.config.Embeddings.Model,
	})
	vectors, err := through.EmbedDocuments(ctx, texts)
	if err != nil {
		return nil, err
	}
	for i, v := range vectors {
		if len(v) != e.Dim() {
			return nil, fmt.Errorf("embed: text %d has a vector of %d dimensions, %d are configured", i, len(v), e.Dim())
		}
	}
	return vectors, nil
}

// letters makes drafts for the HTTP interface.
type letters struct{ p *parts }

func (l letters) Draft(ctx context.Context, caller gateway.Caller, in httpapi.DraftInput) (httpapi.Draft, error) {
	service, ok := l.p.catalog.Service(in.Service)
	if !ok {
		return httpapi.Draft{}, unknownService(in.Service)
	}
	input := drafting.Input{}
	if err := strict(in.Facts, "facts", &input); err != nil {
		return httpapi.Draft{}, err
	}
	if err := strict(in.Recipient, "recipient", &input.Recipient); err != nil {
		return httpapi.Draft{}, err
	}
	input.Kind, input.Service, input.Report, input.Date = drafting.Kind(in.Kind), drafting.ServiceOf(service), in.Report, in.Date
	if in.Case != "" {
		input.Case = in.Case
	}
	d, err := l.p.drafter.Draft(ctx, caller, input)
	if err != nil {
		return httpapi.Draft{}, err
	}
	return apiDraft(d)
}

// Release lets the drafting check once more and take off the mark of a draft.
func (l letters) Release(ctx context.Context, caller gateway.Caller, d httpapi.Draft, person string) (httpapi.Draft, error) {
	var origin drafting.Draft
	if err := json.Unmarshal(d.Origin, &origin); err != nil {
		return httpapi.Draft{}, fmt.Errorf("read draft: %w", err)
	}
	released, err := l.p.drafter.Release(ctx, caller, origin, person)
	if err != nil {
		return httpapi.Draft{}, err
	}
	for _, entry := range []string{d.DecisionID, released.Released.DecisionID} {
		if err := l.p.sayOfLetter(ctx, caller, entry); err != nil {
			return httpapi.Draft{}, err
		}
	}
	out, err := apiDraft(released)
	out.Created = d.Created
	return out, err
}

func apiDraft(d drafting.Draft) (httpapi.Draft, error) {
	detail, err := json.Marshal(map[string]any{
		"checks": d.Checks, "citations": d.Citations, "deadline": d.Deadline, "missing": d.Missing, "template": d.Template, "date": d.Date,
	})
	if err != nil {
		return httpapi.Draft{}, fmt.Errorf("encode draft: %w", err)
	}
	origin, err := json.Marshal(d)
	if err != nil {
		return httpapi.Draft{}, fmt.Errorf("encode draft: %w", err)
	}
	out := httpapi.Draft{ID: d.ID, Kind: string(d.Kind), Service: d.Service, DecisionID: d.DecisionID, Detail: detail, Letter: d.Letter, Problems: []string{}, Origin: origin}
	if r := d.Released; r != nil {
		out.Released = &httpapi.Release{By: r.Person, At: r.Time.UTC(), DecisionID: r.DecisionID}
	}
	for _, c := range d.Checks {
		if c.Level == drafting.LevelRed {
			out.Problems = append(out.Problems, c.Reason)
		}
	}
	return out, nil
}

func unknownService(id gateway.ServiceID) *gateway.Error {
	return &gateway.Error{Op: "find service", Code: gateway.CodeInvalid, Path: "service", Message: fmt.Sprintf("Die Leistung %q gibt es nicht. GET /api/v1/services nennt die vorhandenen.", id)}
}

// strict decodes an optional JSON object without unknown fields.
func strict(raw json.RawMessage, path string, into any) error {
	if len(raw) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return &gateway.Error{Op: "read input", Code: gateway.CodeInvalid, Path: path, Message: unreadable(err)}
	}
	return nil
}

// unreadable says in German what a JSON decoder did not like.
func unreadable(err error) string {
	if known, ok := errors.AsType[*gateway.Error](err); ok {
		return known.Message
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("Der Wert von „%s“ hat den falschen Typ: %s statt %s.", kind.Field, germanTypes[strings.SplitN(kind.Value, " ", 2)[0]], germanTypes[kind.Type.Kind().String()])
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Sprintf("Das Feld %s gibt es hier nicht.", strings.ReplaceAll(strings.Replace(field, `"`, "„", 1), `"`, "“"))
	}
	return "Das ist kein gültiges JSON oder hat nicht die erwartete Form."
}

// germanTypes names JSON's and Go's kinds of values.
var germanTypes = map[string]string{
	"string": "Text", "number": "Zahl", "bool": "Ja/Nein", "object": "Objekt", "array": "Liste",
	"int": "Zahl", "int64": "Zahl", "float64": "Zahl", "slice": "Liste", "struct": "Objekt", "map": "Objekt",
}

// statutes answers questions about norms from the register and the imported law.
type statutes struct{ p *parts }

func (s statutes) Source() string { return lawSource }

func (s statutes) Cited(text string) []httpapi.Cited {
	var out []httpapi.Cited
	for _, c := range s.p.register.Parse(text) {
		cited := httpapi.Cited{Text: c.Text, Exists: true}
		if err := s.p.register.Lookup(c); err != nil {
			cited.Exists, cited.Problem = false, err.Error()
		}
		if statute, ok := s.p.register.Statute(c.Law); ok {
			cited.Statute, cited.Stand = statute.Title, statute.Stand
			for _, e := range statute.Sections() {
				if e.Number == c.Section {
					cited.Heading = e.Heading
				}
			}
		}
		out = append(out, cited)
	}
	return out
}

// classifier asks the policies about a plan.
type classifier struct{ p *parts }

func (c classifier) Classify(ctx context.Context, caller gateway.Caller, plan httpapi.Plan) (any, error) {
	return c.p.engine.Classify(ctx, policies.Plan{
		Tenant: caller.Tenant, Purpose: plan.Purpose, Service: plan.Service, Channel: plan.Channel,
		DataClass: plan.DataClass, Date: plan.Date, Models: models(c).Models(ctx, caller),
	})
}
