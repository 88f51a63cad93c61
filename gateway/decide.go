// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
)

// pin is who decides about one request: policies that become active meanwhile are
// for the next.
func (g *Gateway) pin() Decider {
	if p, ok := g.Decider.(Pinner); ok {
		return p.Pin()
	}
	return g.Decider
}

// ask returns the policies' decision, made safe: an error is a denial, the
// models can only be narrowed, unknown obligations deny. There is an error only if
// the caller left meanwhile: nobody has decided anything then.
func (g *Gateway) ask(ctx context.Context, decider Decider, q Question) (Decision, error) {
	d, err := decider.Decide(ctx, q)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return Decision{}, &Error{Op: "decide", Code: CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", RequestID: q.Request.ID, Err: err}
	}
	return g.safe(ctx, d, err, q), nil
}

// safe turns whatever a decider has said into a decision that can be relied upon.
func (g *Gateway) safe(ctx context.Context, d Decision, err error, q Question) Decision {
	if err != nil {
		g.Logger.LogAttrs(ctx, slog.LevelError, "no decision", slog.String("request_id", q.Request.ID), slog.Any("error", err))
		d = Decision{Reasons: d.Reasons, Revision: d.Revision, Digest: d.Digest, Bundle: d.Bundle, Duration: d.Duration}
		if len(d.Reasons) == 0 {
			d.Reasons = []Reason{coreReason("KERN-000", "Die Regeln konnten nicht ausgewertet werden. Ohne Entscheidung gibt es keine Antwort.")}
		}
	}
	d.Stage = q.Stage
	if d.Effect != EffectAllow || err != nil {
		d.Effect = EffectDeny
		d.Models = nil
		return d
	}
	for _, o := range d.Obligations {
		if !KnownObligation(o.ID) {
			return denied(d, coreReason("KERN-001", "Eine Auflage der Regeln ist unbekannt und kann nicht erfüllt werden: "+o.ID))
		}
	}
	d.Models = narrow(d.Models, q.Models)
	return d
}

func denied(d Decision, why Reason) Decision {
	d.Effect, d.Models = EffectDeny, nil
	d.Reasons = append(slices.Clone(d.Reasons), why)
	return d
}

// after adds the obligations of an earlier stage: a later one may add to them,
// never take one back. The models were narrowed before it was asked.
func (d Decision) after(earlier Decision) Decision {
	if !d.Allowed() {
		return d
	}
	d.Obligations = slices.Clone(d.Obligations)
	for _, o := range earlier.Obligations {
		if !d.obliges(o) {
			d.Obligations = append(d.Obligations, o)
		}
	}
	return d
}

func (d Decision) obliges(o Obligation) bool {
	return slices.ContainsFunc(d.Obligations, func(have Obligation) bool {
		return have.ID == o.ID && have.Rule == o.Rule && reflect.DeepEqual(have.Params, o.Params)
	})
}

// late is an obligation of the decision on the answer that no earlier one had:
// the request has left already.
func late(d, earlier Decision) (Obligation, bool) {
	for _, o := range d.Obligations {
		if _, ok := earlier.Obligation(o.ID); !ok {
			return o, true
		}
	}
	return Obligation{}, false
}

func coreReason(rule, text string) Reason {
	return Reason{Rule: rule, Title: "Kern", Basis: "Art. 5 Abs. 2, Art. 32 Abs. 1 DSGVO", Text: text, Severity: "block"}
}

// narrow keeps the permitted ids that are candidates.
func narrow(permitted []ModelID, candidates []ModelCard) []ModelID {
	var out []ModelID
	for _, c := range candidates {
		if containsModel(permitted, c.ID) {
			out = append(out, c.ID)
		}
	}
	return out
}

func containsModel(ids []ModelID, id ModelID) bool { return slices.Contains(ids, id) }
