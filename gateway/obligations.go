// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Obligations that came with the rules on models, answers and retention.
const (
	// ObligationCapTokens: the answer is no longer than params.max tokens, in one choice.
	ObligationCapTokens = "cap_tokens"
	// ObligationCiteSources: the answer rests on sources and names them; one that
	// does not is marked, never released as if it did.
	ObligationCiteSources = "cite_sources"
	// ObligationBlockTools: the model is offered no tools.
	ObligationBlockTools = "block_tools"
	// ObligationRestrictModels: no route leaves params.residencies.
	ObligationRestrictModels = "restrict_models"
	// ObligationRetain: the record is kept for at least params.floor_days and at
	// most params.ceiling_days.
	ObligationRetain = "retain"
)

// handler carries out one obligation. Every id a rule may demand has one in the
// table below; one that is not there, and one that fails, is a denial.
type handler struct {
	id string
	// change is done when it is known where the request goes, before anything leaves.
	// What is only done to the answer checks here that it can be.
	change func(p *passage, o Obligation) error
	// tell adds to what an answer says beside the model's text.
	tell func(t *told, o Obligation)
}

// handlers is the registry of obligations, in the order in which they are carried
// out: values are replaced first, because the screening speaks of the texts as they
// were screened, and fields are set after others were removed.
var handlers = [...]handler{
	{id: ObligationPseudonymise, change: (*passage).pseudonymise},
	{id: ObligationCiteSources, change: (*passage).citeSources}, // and citations.go
	{id: ObligationHumanRelease, change: done, tell: tellHumanRelease},
	{id: ObligationLogContent, change: done},   // vault.go
	{id: ObligationNoContentLog, change: done}, // records hold no content at all
	{id: ObligationNotice, change: done, tell: tellNotice},
	{id: ObligationRestrictModels, change: (*passage).confirmRoutes},
	{id: ObligationRetain, change: (*passage).retain},
	{id: ObligationReview, change: done}, // stream.go: windows
	{id: ObligationStripFields, change: (*passage).stripFields},
	{id: ObligationBlockTools, change: (*passage).blockTools},
	{id: ObligationCapTokens, change: (*passage).capTokens},
	{id: ObligationWatermark, change: done, tell: tellGenerated},
}

// KnownObligation says that the gateway can carry out an obligation.
func KnownObligation(id string) bool {
	_, ok := handlerOf(id)
	return ok
}

func handlerOf(id string) (handler, bool) {
	i := slices.IndexFunc(handlers[:], func(h handler) bool { return h.id == id })
	if i < 0 {
		return handler{}, false
	}
	return handlers[i], true
}

// done is the change of an obligation that is carried out elsewhere.
func done(p *passage, o Obligation) error {
	p.applied(o)
	return nil
}

// applied notes an obligation that is in force and fulfilled, once; what it changed
// is noted beside it (changes.go).
func (p *passage) applied(o Obligation) {
	p.record.Applied = union(p.record.Applied, []string{o.ID})
}

// unfulfilled is the denial that follows from an obligation nobody can carry out.
func unfulfilled(o Obligation, why string) *Error {
	return &Error{Op: "apply", Code: CodeDenied, Message: "Die Auflage " + o.ID + " kann nicht erfüllt werden: " + why}
}

// restrict leaves of what runs somewhere that which every restrict_models permits.
func restrict[T any](p *passage, all []T, place func(T) Residency) ([]T, error) {
	left := slices.Clone(all)
	for _, o := range p.decision.Obligations {
		if o.ID != ObligationRestrictModels {
			continue
		}
		places, ok := stringList(o.Params["residencies"])
		if !ok {
			return nil, unfulfilled(o, "Sie nennt keine Standorte.")
		}
		left = slices.DeleteFunc(left, func(one T) bool { return !slices.Contains(places, string(place(one))) })
		if len(left) == 0 {
			return nil, unfulfilled(o, "Kein zulässiges Modell läuft an einem der verlangten Standorte.")
		}
	}
	return left, nil
}

// permitted are the models that the rules left and the obligations leave.
func (p *passage) permitted(ctx context.Context) ([]ModelID, error) {
	if _, ok := p.decision.Obligation(ObligationRestrictModels); !ok {
		return p.decision.Models, nil
	}
	cards, err := p.candidates(ctx)
	if err != nil {
		return nil, p.fault("list models", err)
	}
	cards, err = restrict(p, cards, func(c ModelCard) Residency { return c.Residency })
	if err != nil {
		return nil, p.denies(err)
	}
	left := narrow(p.decision.Models, cards)
	p.changed(Change{ID: ObligationRestrictModels, Models: excluded(p.decision.Models, left)})
	return left, nil
}

// confirmRoutes looks at the routes as they were planned: between the question and
// the plan the catalogue may have changed.
func (p *passage) confirmRoutes(o Obligation) error {
	if p.need != noModel {
		routes, err := restrict(p, p.routes, func(r Route) Residency { return r.Residency })
		if err != nil {
			return err
		}
		p.routes = routes
		p.record.Route, p.record.Fallback = &routes[0], routes[1:]
	}
	p.applied(o)
	return nil
}

// toolFields are the fields that offer tools to a model, by their old names too.
var toolFields = [...]string{"tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"}

// blockTools takes the tools out of the request. Those that the model's server
// would run by itself never get this far (confine).
func (p *passage) blockTools(o Obligation) error {
	was := p.inside
	p.edit(func(b Body) Body { return b.Without(toolFields[:]...) })
	if !p.inside.is(was) {
		p.changed(Change{ID: o.ID, Fields: was.listed(toolFields[:]), Count: was.tools()})
	}
	p.applied(o)
	return nil
}

// stripFields removes fields of the body.
func (p *passage) stripFields(o Obligation) error {
	fields, ok := stringList(o.Params["fields"])
	if !ok {
		return unfulfilled(o, "Sie nennt keine Felder.")
	}
	was := p.inside
	p.edit(func(b Body) Body { return b.Without(fields...) })
	if !p.inside.is(was) {
		p.changed(Change{ID: o.ID, Fields: was.listed(fields)})
	}
	p.applied(o)
	return nil
}

// edit changes both bodies and keeps what is known of their texts.
func (p *passage) edit(change func(Body) Body) {
	inside, outside := p.inside, p.outside
	p.inside = change(inside)
	if !p.inside.is(inside) {
		p.texts = p.inside.Texts()
	}
	if outside.is(inside) { // nothing was replaced
		p.outside, p.masked = p.inside, p.texts
		return
	}
	p.outside = change(outside)
	if !p.outside.is(outside) {
		p.masked = p.outside.Texts()
	}
}

// Bounds of an answer, by the names that servers heed: the largest number of
// tokens, the smallest, and how many answers there are.
var (
	longest  = [...]string{"max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "n_predict", "num_predict"}
	shortest = [...]string{"min_tokens", "min_new_tokens", "ignore_eos"}
	several  = [...]string{"n", "best_of"}
)

// capTokens bounds the answer: every bound the caller has set is lowered, one that
// is no number of tokens is replaced, one is set when there is none, and there is
// one answer, not several of that length.
func (p *passage) capTokens(o Obligation) error {
	most, ok := number(o.Params["max"])
	if !ok || most < 1 {
		return unfulfilled(o, "Sie nennt keine Höchstzahl.")
	}
	if p.generates() {
		p.changed(p.inside.capping(most))
		p.edit(func(b Body) Body { return b.capped(most) })
		p.request.Body = p.request.Body.capped(most) // what is set aside for the answer follows
	}
	p.applied(o)
	return nil
}

// capped is the body with its answer bounded.
func (b Body) capped(most int) Body {
	limits := map[string]int{}
	for _, f := range b.fields {
		name := strings.ToLower(f.key)
		if slices.Contains(longest[:], name) {
			limits[name] = min(most, countOr(b.raw[f.valueAt:f.end], most))
		}
	}
	if limits["max_tokens"]+limits["max_completion_tokens"] == 0 {
		limits["max_tokens"] = most
	}
	b = b.Without(slices.Concat(longest[:], shortest[:], several[:])...)
	for _, name := range longest {
		if n, set := limits[name]; set {
			b = b.set(name, strconv.AppendInt(nil, int64(n), 10))
		}
	}
	return b
}

// countOr reads a whole number from 1 on; anything else is the other one.
func countOr(raw []byte, other int) int {
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 1 {
		return other
	}
	return n
}

// minHighRiskDays is how long the record of a high-risk system is kept at least:
// six months (Art. 19 Abs. 1, Art. 26 Abs. 6 KI-VO).
const minHighRiskDays = 183

// retain notes in the record how long it is kept. Of several obligations the
// longest floor and the lowest ceiling count.
func (p *passage) retain(o Obligation) error {
	floor, a := number(o.Params["floor_days"])
	ceiling, b := number(o.Params["ceiling_days"])
	if !a || !b || floor < 0 || ceiling < 1 {
		return unfulfilled(o, "Sie nennt keine Fristen.")
	}
	if p.decision.Risk.Class == "high_risk" {
		floor = max(floor, minHighRiskDays)
	}
	r := Retention{FloorDays: floor, CeilingDays: ceiling}
	if p.record.Retain != nil {
		r.FloorDays, r.CeilingDays = max(r.FloorDays, p.record.Retain.FloorDays), min(r.CeilingDays, p.record.Retain.CeilingDays)
	}
	if r.FloorDays > r.CeilingDays {
		return unfulfilled(o, "Die Mindestfrist ist länger als die Höchstfrist.")
	}
	p.record.Retain = &r
	p.applied(o)
	return nil
}

func tellNotice(t *told, o Obligation) {
	if text, ok := o.Params["text"].(string); ok && !strings.Contains(t.Notice, text) {
		t.Notice = strings.TrimSpace(t.Notice + "\n" + text)
	}
}

func tellGenerated(t *told, _ Obligation) { t.Generated = true }

func tellHumanRelease(t *told, _ Obligation) { t.Release = "pending" }
