// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// canaryTimeout is generous: activation may happen on a busy machine.
const canaryTimeout = 5 * time.Second

// canary is a question whose answer is known whatever the library looks like.
type canary struct {
	name   string
	change func(*gateway.Question)
	allow  bool
}

// canaryQuestions must be answered as written before a bundle becomes active: a
// library that refuses everything is as wrong as one that refuses nothing.
var canaryQuestions = []canary{
	{"a factual question to a model in the own data centre", func(*gateway.Question) {}, true},
	{"an unknown tenant", func(q *gateway.Question) { q.Request.Caller.Tenant = unknownTenant }, false},
	{"a request without purpose", func(q *gateway.Question) { q.Request.Purpose = "" }, false},
	{"an invented purpose", func(q *gateway.Question) { q.Request.Purpose = "anything" }, false},
	{"a prohibited practice", func(q *gateway.Question) {
		q.Request.Purpose = "social_scoring"
		q.Request.Caller.Purposes = []gateway.Purpose{"social_scoring"}
	}, false},
	{"a prohibited practice in an old case", func(q *gateway.Question) {
		q.Request.Purpose = "social_scoring"
		q.Request.Caller.Purposes = []gateway.Purpose{"social_scoring"}
		q.Request.CaseDate = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	}, false},
	{"social data to a third country", func(q *gateway.Question) {
		q.Request.DataClass = []gateway.DataClass{gateway.DataSozialdaten}
		q.Models[0].Residency, q.Models[0].Country = gateway.ResidencyNonEU, "US"
	}, false},
	{"no model at all", func(q *gateway.Question) { q.Models = nil }, false},
	{"an empty question", func(q *gateway.Question) { *q = gateway.Question{Request: gateway.Request{Time: canaryTime}} }, false},
}

// Tenants of the control questions.
const (
	canaryTenant  = "canary"
	unknownTenant = "unknown"
)

var canaryTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func canaryQuestion() gateway.Question {
	return gateway.Question{
		Stage: gateway.StageRequest,
		Request: gateway.Request{
			Time: canaryTime, Operation: gateway.OperationChat, Purpose: gateway.PurposeFactualQA,
			Caller: gateway.Caller{
				Tenant: canaryTenant, System: "canary", Channel: gateway.ChannelCaseworker,
				Purposes: []gateway.Purpose{gateway.PurposeFactualQA},
			},
		},
		Models: []gateway.ModelCard{{
			ID: "canary", Residency: gateway.ResidencyOwn, Country: "DE", ProcessorKind: "own",
			DataClasses: []gateway.DataClass{gateway.DataInternal, gateway.DataPersonal, gateway.DataSozialdaten},
			Operations:  []gateway.Operation{gateway.OperationChat},
		}},
	}
}

// canaries asks the questions of the bundle as shipped, beside the real tenants
// and with one of its own, so that neither they nor overrides decide the outcome.
func (b *bundle) canaries(ctx context.Context, tenants map[gateway.TenantID]Tenant, limit time.Duration) error {
	with := make(map[gateway.TenantID]Tenant, len(tenants)+1)
	maps.Copy(with, tenants)
	delete(with, unknownTenant)
	with[canaryTenant] = Tenant{Active: true}
	s, err := b.snapshot(ctx, Config{Tenants: with, Now: time.Now})
	if err != nil {
		return err
	}
	for _, c := range canaryQuestions {
		q := canaryQuestion()
		c.change(&q)
		if err := s.ask(ctx, c, q, limit); err != nil {
			return err
		}
	}
	return nil
}

func (s *snapshot) ask(ctx context.Context, c canary, q gateway.Question, limit time.Duration) error {
	f, err := questionFacts(q)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	d, err := s.decideFacts(ctx, &f, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	if d.Allowed() != c.allow {
		return fmt.Errorf("%s: answered %s", c.name, d.Effect)
	}
	return nil
}
