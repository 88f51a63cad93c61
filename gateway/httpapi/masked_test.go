// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"context"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/screen"
)

// masking demands that names do not leave the house.
type masking struct{ decider }

func (m masking) Decide(ctx context.Context, q gateway.Question) (gateway.Decision, error) {
	d, err := m.decider.Decide(ctx, q)
	d.Obligations = append(d.Obligations, gateway.Obligation{ID: gateway.ObligationPseudonymise, Rule: "DSGVO-25"})
	return d, err
}

// abroad is a model outside of the house.
type abroad struct{ router }

func (abroad) Plan(context.Context, gateway.Request, []gateway.ModelID) ([]gateway.Route, error) {
	return []gateway.Route{{Model: card.ID, Residency: gateway.ResidencyPrivateEU, Upstream: "mock", Endpoint: "haus"}}, nil
}

// The real screener behind every door: a name leaves the house at none, in no
// part of a request, and stands in the answer again, whole or in pieces.
func TestNamesStayInTheHouseAtEveryDoor(t *testing.T) {
	t.Parallel()
	const name = "Quasimodorowski"
	const entity = `"schleuse":{"case_entities":[{"type":"person","value":{"first":"Zebulon","last":"` + name + `"}}]}`
	tools := map[string]string{
		"chat":      `"tools":[{"type":"function","function":{"name":"suche","parameters":{"type":"object"}}}]`,
		"responses": `"tools":[{"type":"function","name":"suche","parameters":{"type":"object"}}]`,
		"messages":  `"tools":[{"name":"suche","input_schema":{"type":"object"}}]`,
	}
	requests := map[string][2]string{
		"chat":      {chatPath, `{"messages":[{"role":"system","content":"Es geht um ` + name + `."},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"suche","arguments":"{\"wer\":\"` + name + `\"}"}}]},{"role":"tool","tool_call_id":"a","content":"` + name + ` gefunden"},{"role":"user","content":"Wer ist ` + name + `?"}],`},
		"responses": {"/v1/responses", `{"instructions":"Es geht um ` + name + `.","input":[{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"` + name + `?"}]},{"type":"function_call","call_id":"a","name":"suche","arguments":"{\"wer\":\"` + name + `\"}"},{"type":"function_call_output","call_id":"a","output":"` + name + ` gefunden"},{"role":"user","content":[{"type":"input_text","text":"Wer ist ` + name + `?"}]}],`},
		"messages":  {"/v1/messages", `{"max_tokens":50,"metadata":{"user_id":"` + name + `"},"system":[{"type":"text","text":"Es geht um ` + name + `."}],"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"` + name + `?","signature":""},{"type":"tool_use","id":"a","name":"suche","input":{"wer":"` + name + `"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"` + name + ` gefunden"},{"type":"text","text":"Wer ist ` + name + `?"}]}],`},
	}
	for door, r := range requests {
		for _, variant := range []string{`"stream":false,`, `"stream":true,`, `"stream":false,` + tools[door] + `,`, `"stream":true,` + tools[door] + `,`} {
			t.Run(door+"/"+variant, func(t *testing.T) {
				t.Parallel()
				screener, err := screen.New(screen.Config{})
				if err != nil {
					t.Fatal(err)
				}
				b := setup(t, func(_ *httpapi.Config, g *gateway.Config) {
					g.Decider, g.Router, g.Screener = masking{}, abroad{}, screener
				})
				got := b.call(t, "POST", r[0], r[1]+variant+entity+"}")
				if sent := string(b.mock.Last().Body); strings.Contains(sent, name) || !strings.Contains(sent, "[PERSON_") {
					t.Errorf("sent %s", sent)
				}
				if got.status != 200 || strings.Contains(got.body, "PERSON_") || !strings.Contains(got.body, name) {
					t.Errorf("got %d %s", got.status, got.body)
				}
			})
		}
	}
}
