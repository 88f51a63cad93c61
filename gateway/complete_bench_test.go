// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/gatewaytest"
)

// idle are parts that do nothing, so that what is left is the passage itself.
type idle struct {
	gatewaytest.Roads
	gatewaytest.Patient
	texts  []string
	masked bool
}

var (
	cards  = []gateway.ModelCard{{ID: external, Residency: gateway.ResidencyPrivateEU}}
	answer = []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat("Sehr geehrte Damen und Herren, ", 16) + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":200,"completion_tokens":100,"total_tokens":300}}`)
)

func (i idle) Screen(_ context.Context, texts []string, _ []gateway.Entity) (gateway.Screening, error) {
	i.texts = texts
	return i, nil
}

func (i idle) Findings() []gateway.Finding {
	if !i.masked || len(i.texts) < 2 || len(i.texts[1]) < 3 {
		return nil
	}
	return []gateway.Finding{{Kind: "person", Text: 1, Start: 0, End: 3}}
}

func (idle) Summary() gateway.Screened {
	return gateway.Screened{Counts: map[gateway.FindingKind]int{}}
}

func (i idle) Pseudonymise() ([]string, gateway.Restorer) {
	masked := append([]string(nil), i.texts...)
	masked[1] = "[PERSON_1]" + masked[1][3:]
	return masked, nameRestorer{}
}

func (idle) Decide(_ context.Context, q gateway.Question) (gateway.Decision, error) {
	return gateway.Decision{Effect: gateway.EffectAllow, Models: []gateway.ModelID{external}, Obligations: []gateway.Obligation{{ID: gateway.ObligationPseudonymise}}}, nil
}

func (idle) Candidates(context.Context, gateway.Request) ([]gateway.ModelCard, error) {
	return cards, nil
}

func (idle) Plan(context.Context, gateway.Request, []gateway.ModelID) ([]gateway.Route, error) {
	return []gateway.Route{outside}, nil
}

func (idle) Complete(context.Context, gateway.Call) (gateway.Answer, error) {
	return gateway.Answer{Body: answer, Usage: gateway.Usage{Input: 200, Output: 100, Reported: true}}, nil
}

func (idle) Stream(context.Context, gateway.Call) (gateway.AnswerStream, error) {
	return nil, &gateway.Error{Code: gateway.CodeInternal}
}

// housed is idle with a model of the house.
type housed struct{ idle }

func (housed) Plan(context.Context, gateway.Request, []gateway.ModelID) ([]gateway.Route, error) {
	r := inside
	r.Model = external
	return []gateway.Route{r}, nil
}

// begun is housed with a recorder that need not be waited for at once.
type begun struct{ housed }

func (b begun) Begin(context.Context, gateway.Record) (gateway.Pending, error) { return b, nil }
func (begun) Wait(context.Context) error                                       { return nil }

func (idle) Open(context.Context, gateway.Record) error   { return nil }
func (idle) Close(context.Context, gateway.Closing) error { return nil }

// BenchmarkComplete: a request from its bytes to the answer's, with parts that
// do nothing, beside decoding and encoding the same bytes once with encoding/json
// and a digest of them.
func BenchmarkComplete(b *testing.B) {
	for _, size := range []int{1 << 10, 30 << 10} {
		raw := fmt.Appendf(nil, `{"model":"m","temperature":0.2,"messages":[{"role":"system","content":"Sie helfen."},{"role":"user","content":%q}]}`,
			strings.Repeat("Zu Ihrem Antrag auf Wohngeld fehlen noch Unterlagen über die Höhe der Miete.\n", size/80))
		for _, masked := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d_KB/masked=%v", size>>10, masked), func(b *testing.B) { benchComplete(b, raw, masked) })
		}
		b.Run(fmt.Sprintf("%d_KB/baseline_encoding_json", size>>10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var v map[string]any
				if err := json.Unmarshal(raw, &v); err != nil {
					b.Fatal(err)
				}
				if _, err := json.Marshal(v); err != nil {
					b.Fatal(err)
				}
				_ = sha256.Sum256(raw)
			}
		})
	}
}

// BenchmarkBesideTheRecord: what it costs to ask the model beside the record, which
// takes no time here, instead of after it.
func BenchmarkBesideTheRecord(b *testing.B) {
	raw := []byte(`{"model":"m","messages":[{"role":"user","content":"Guten Tag"}]}`)
	b.Run("beside", func(b *testing.B) { benchPassage(b, raw, begun{}) })
	b.Run("baseline_after", func(b *testing.B) { benchPassage(b, raw, housed{}) })
}

func benchComplete(b *testing.B, raw []byte, masked bool) {
	b.Helper()
	benchPassage(b, raw, idle{masked: masked})
}

// all are the parts of a gateway in one.
type all interface {
	gateway.Screener
	gateway.Decider
	gateway.Router
	gateway.Model
	gateway.Recorder
}

func benchPassage(b *testing.B, raw []byte, p all) {
	b.Helper()
	g, err := gateway.New(gateway.Config{
		Screener: p, Decider: p, Router: p, Model: p, Recorder: p,
		Pseudonymise: func(tenant gateway.TenantID, kind, value string) gateway.Pseudonym {
			mac := hmac.New(sha256.New, []byte(tenant))
			mac.Write([]byte(kind))
			mac.Write([]byte(value))
			return gateway.Pseudonym(hex.EncodeToString(mac.Sum(nil)))
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		body, err := gateway.ParseBody(raw)
		if err != nil {
			b.Fatal(err)
		}
		r := gateway.Request{Operation: gateway.OperationChat, Purpose: gateway.PurposeChat, Caller: gateway.Caller{Tenant: "t"}, Body: body}
		if _, err := g.Complete(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
}
