// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"slices"
)

// review decides about a whole answer, restores it and adds what is to be told.
func (p *passage) review(ctx context.Context, raw []byte) ([]byte, error) {
	p.closing.Content = p.g.content(p.request, raw)
	if p.keeping != nil {
		p.keeping.answer = raw
	}
	if p.request.Operation == OperationEmbeddings {
		return raw, p.onlyNumbers(raw)
	}
	answer, err := parseBody(raw, true)
	if err != nil {
		return nil, &Error{Op: "read answer", Code: CodeUnavailable, Message: "Die Antwort des Modells ist unlesbar.", Err: err}
	}
	texts := answer.Texts()
	p.produced = length(texts)
	p.cites(answer)
	if err := p.decideAnswer(ctx, texts); err != nil {
		return nil, err
	}
	if p.restorer != nil {
		restored := make([]string, len(texts))
		for i, t := range texts {
			is, n := p.restorer.Restore(t, false)
			restored[i] = is
			p.closing.Restored += n
		}
		answer = answer.withTexts(texts, restored)
	}
	if slices.ContainsFunc(answer.arguments(), p.inventedPlaceholder) {
		return nil, inventedError()
	}
	return p.tell(answer).Bytes(), nil
}

// decideAnswer screens an answer for personal data that was in neither request
// nor sources and asks the policies.
func (p *passage) decideAnswer(ctx context.Context, texts []string) error {
	screening, err := p.g.screener(p.request.Caller.Tenant).Screen(ctx, texts, nil)
	if err != nil {
		return p.fault("screen answer", err)
	}
	return p.decideOn(ctx, p.newIn(screening, texts, make([]int, len(texts))))
}

// decideAhead asks what the policies say of an answer in which nothing new will
// be found. So that decision is durable before anything leaves, no stream begins
// without one, and a request whose answer nobody may see does not leave at all.
func (p *passage) decideAhead(ctx context.Context) error {
	if p.need == noModel {
		return nil
	}
	d, err := p.askAnswer(ctx, Screened{Counts: map[FindingKind]int{}}, func(id ModelID) bool {
		return slices.ContainsFunc(p.routes, func(r Route) bool { return r.Model == id })
	})
	if err != nil {
		return p.refuse(ctx, p.fault("list models", err))
	}
	if !d.Allowed() {
		p.record.Decisions = append(p.record.Decisions, d)
		return p.refuse(ctx, p.answerDenied(d))
	}
	p.routes = slices.DeleteFunc(slices.Clone(p.routes), func(r Route) bool { return !containsModel(d.Models, r.Model) })
	if len(p.routes) == 0 {
		return p.refuse(ctx, &Error{Op: "route", Code: CodeNoModel, Message: "Für diese Anfrage ist kein Modell eingerichtet, das die Regeln zulassen."})
	}
	p.record.Route, p.record.Fallback = &p.routes[0], p.routes[1:]
	d.Input = nil // that of the last decision, with this stage and nothing found
	p.record.Answer = &d
	return nil
}

// decideOn decides about an answer, or about what has come of it.
func (p *passage) decideOn(ctx context.Context, s Screened) error {
	p.closing.Screened = s
	if s.Total() == 0 && len(s.Categories) == 0 && s.Unscreenable == 0 {
		return nil // decided ahead
	}
	d, err := p.askAnswer(ctx, s, func(id ModelID) bool { return id == p.current.route.Model })
	if err != nil {
		return p.fault("list models", err)
	}
	p.closing.Response = &d
	if !d.Allowed() {
		return p.answerDenied(d)
	}
	return nil
}

func (p *passage) askAnswer(ctx context.Context, s Screened, used func(ModelID) bool) (Decision, error) {
	cards, err := p.candidates(ctx)
	if err != nil {
		return Decision{}, err
	}
	cards = slices.DeleteFunc(slices.Clone(cards), func(c ModelCard) bool { return !used(c.ID) })
	inner, ended := p.g.observeStage(ctx, "decide")
	d, err := p.g.ask(inner, p.decider, Question{Stage: StageResponse, Request: p.asked(), Screened: s, Models: cards, Passages: p.passages})
	ended(err)
	if err != nil {
		return Decision{}, err
	}
	if o, ok := late(d, p.decision); ok {
		d = denied(d, coreReason("KERN-002", "Eine Auflage kam erst mit der Antwort und kann nicht mehr erfüllt werden: "+o.ID))
	}
	return d, nil
}

func (p *passage) answerDenied(d Decision) *Error {
	return &Error{Op: "decide", Code: CodeDenied, Message: denialText(d), Decision: &d, RequestID: p.request.ID}
}
