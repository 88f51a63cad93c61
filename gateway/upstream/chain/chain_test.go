// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package chain_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tmc/langchaingo/chains"
	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/prompts"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/gatewaytest"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/gateway/upstream/chain"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// setup is a real gateway in front of the mock server; policies refuse "profiling".
func setup(t *testing.T) (*gateway.Gateway, *upstreamtest.Server, *recorder) {
	t.Helper()
	server := upstreamtest.Start(t)
	client, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": {BaseURL: server.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	rec := &recorder{}
	g, err := gateway.New(gateway.Config{
		Screener: parts{}, Decider: parts{}, Router: parts{}, Model: client, Recorder: rec,
		Pseudonymise: func(gateway.TenantID, string, string) gateway.Pseudonym { return "p" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, server, rec
}

type parts struct{ gatewaytest.Roads }

var cards = []gateway.ModelCard{{ID: "haus/mock", Residency: gateway.ResidencyOwn}}

func (parts) Candidates(context.Context, gateway.Request) ([]gateway.ModelCard, error) {
	return cards, nil
}

func (parts) Plan(context.Context, gateway.Request, []gateway.ModelID) ([]gateway.Route, error) {
	return []gateway.Route{{Model: "haus/mock", Residency: gateway.ResidencyOwn, Upstream: "mock", Endpoint: "haus"}}, nil
}

func (parts) Decide(_ context.Context, q gateway.Question) (gateway.Decision, error) {
	if q.Request.Purpose == "profiling" {
		return gateway.Decision{Effect: gateway.EffectDeny, Reasons: []gateway.Reason{{Rule: "KIVO-05", Severity: "block"}}}, nil
	}
	return gateway.Decision{Effect: gateway.EffectAllow, Models: []gateway.ModelID{"haus/mock"}}, nil
}

func (parts) Screen(context.Context, []string, []gateway.Entity) (gateway.Screening, error) {
	return parts{}, nil
}
func (parts) Findings() []gateway.Finding { return nil }
func (parts) Summary() gateway.Screened {
	return gateway.Screened{Counts: map[gateway.FindingKind]int{}}
}
func (parts) Pseudonymise() ([]string, gateway.Restorer) { return nil, nil }

type recorder struct {
	gatewaytest.Patient

	records []gateway.Record
}

func (r *recorder) Open(_ context.Context, rec gateway.Record) error {
	r.records = append(r.records, rec)
	return nil
}
func (r *recorder) Close(context.Context, gateway.Closing) error { return nil }

func base(p gateway.Purpose) gateway.Request {
	return gateway.Request{Caller: gateway.Caller{Tenant: "musterstadt"}, Purpose: p, Service: "wohngeld-mietzuschuss"}
}

func TestChainRunsThroughPoliciesAndRecord(t *testing.T) {
	t.Parallel()
	g, server, rec := setup(t)
	prompt := prompts.NewPromptTemplate("Fasse zusammen: {{.text}}", []string{"text"})
	c := chains.NewLLMChain(chain.NewModel(g, base(gateway.PurposeSummarise)), prompt)
	out, err := chains.Run(t.Context(), c, "Erster Satz.")
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if want := "Sie haben geschrieben: „Fasse zusammen: Erster Satz.“."; out != want {
		t.Errorf("answer %q, want %q", out, want)
	}
	if len(rec.records) != 1 || rec.records[0].Purpose != gateway.PurposeSummarise || rec.records[0].Tenant != "musterstadt" {
		t.Errorf("records = %+v", rec.records)
	}
	refused := chains.NewLLMChain(chain.NewModel(g, base("profiling")), prompt)
	if _, err := chains.Run(t.Context(), refused, "x"); gateway.CodeOf(err) != gateway.CodeDenied {
		t.Errorf("error = %v, want denied", err)
	}
	if n := len(server.Requests()); n != 1 {
		t.Errorf("%d requests reached the model, want 1", n)
	}
	if len(rec.records) != 2 {
		t.Errorf("the refusal is not recorded: %d records", len(rec.records))
	}
}

func TestOptionsAreSentAsGiven(t *testing.T) {
	t.Parallel()
	g, server, _ := setup(t)
	m := chain.NewModel(g, base(gateway.PurposeChat))
	_, err := m.Call(t.Context(), "x", llms.WithTemperature(0), llms.WithTopP(0.5), llms.WithTopK(7), llms.WithRepetitionPenalty(1.1),
		llms.WithSeed(3), llms.WithMaxTokens(9), llms.WithStopWords([]string{"ENDE"}), llms.WithJSONMode())
	if err != nil {
		t.Fatal(err)
	}
	body := string(server.Last().Body)
	for _, want := range []string{`"temperature":0`, `"top_p":0.5`, `"top_k":7`, `"repetition_penalty":1.1`, `"seed":3`, `"max_tokens":9`, `"stop":["ENDE"]`, `"response_format":{"type":"json_object"}`, `"content":"x"`} {
		if !strings.Contains(body, want) {
			t.Errorf("body lacks %s: %s", want, body)
		}
	}
	if _, err := m.Call(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if body := string(server.Last().Body); strings.Contains(body, "temperature") || strings.Contains(body, "seed") {
		t.Errorf("options nobody set were sent: %s", body)
	}
	for name, o := range map[string]llms.CallOption{
		"functions": llms.WithFunctions([]llms.FunctionDefinition{{Name: "x"}}), "min length": llms.WithMinLength(3),
		"metadata": llms.WithMetadata(map[string]any{"x": 1}),
	} {
		if _, err := m.Call(t.Context(), "x", o); err == nil {
			t.Errorf("%s was ignored", name)
		}
	}
}

func tools() llms.CallOption {
	tool := func(name string) llms.Tool {
		return llms.Tool{Type: "function", Function: &llms.FunctionDefinition{Name: name, Parameters: map[string]any{"type": "object"}}}
	}
	return llms.WithTools([]llms.Tool{tool("erste"), tool("zweite")})
}

func TestToolsAndStream(t *testing.T) {
	t.Parallel()
	g, server, _ := setup(t)
	m := chain.NewModel(g, base(gateway.PurposeChat))
	ask := []llms.MessageContent{llms.TextParts(llms.ChatMessageTypeHuman, "Straße")}
	want := `{"eingabe":"Straße"}`
	var pieces []string
	collect := llms.WithStreamingFunc(func(_ context.Context, p []byte) error { pieces = append(pieces, string(p)); return nil })
	for name, options := range map[string][]llms.CallOption{"whole": {tools()}, "stream": {tools(), collect}} {
		response, err := m.GenerateContent(t.Context(), ask, options...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := response.Choices[0]
		if len(c.ToolCalls) != 2 || c.ToolCalls[0].FunctionCall.Name != "erste" || c.ToolCalls[1].FunctionCall.Name != "zweite" ||
			c.ToolCalls[0].FunctionCall.Arguments != want || c.ToolCalls[1].FunctionCall.Arguments != want || c.ToolCalls[1].ID != "call_1" ||
			c.StopReason != "tool_calls" || c.FuncCall == nil || c.GenerationInfo["decision"] == "" {
			t.Errorf("%s: choice = %+v", name, c)
		}
		result := append(slices.Clone(ask),
			llms.MessageContent{Role: llms.ChatMessageTypeAI, Parts: []llms.ContentPart{c.ToolCalls[0]}},
			llms.MessageContent{Role: llms.ChatMessageTypeTool, Parts: []llms.ContentPart{llms.ToolCallResponse{ToolCallID: "call_0", Name: "erste", Content: "12 Grad"}}})
		pieces = nil
		response, err = m.GenerateContent(t.Context(), result, options...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := response.Choices[0].Content; got != "Das Werkzeug hat geantwortet: „12 Grad“." || name == "stream" && strings.Join(pieces, "") != got {
			t.Errorf("%s: answer %q in pieces %q", name, got, pieces)
		}
	}
	server.Always(upstreamtest.Behaviour{Defect: upstreamtest.Drop})
	if _, err := m.GenerateContent(t.Context(), ask, collect); gateway.CodeOf(err) != gateway.CodeTruncated {
		t.Errorf("a cut stream: %v, want truncated", err)
	}
	server.Always(upstreamtest.Behaviour{})
	stop := errors.New("genug")
	if _, err := m.GenerateContent(t.Context(), ask, llms.WithStreamingFunc(func(context.Context, []byte) error { return stop })); !errors.Is(err, stop) {
		t.Errorf("the function's error is lost: %v", err)
	}
}

func TestMessagesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	g, _, _ := setup(t)
	m := chain.NewModel(g, base(gateway.PurposeChat))
	for name, messages := range map[string][]llms.MessageContent{
		"none":     nil,
		"function": {llms.TextParts(llms.ChatMessageTypeFunction, "x")},
		"mixed":    {{Role: llms.ChatMessageTypeTool, Parts: []llms.ContentPart{llms.TextContent{Text: "x"}, llms.ToolCallResponse{}}}},
	} {
		if _, err := m.GenerateContent(t.Context(), messages); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestImagesAreSentAsParts(t *testing.T) {
	t.Parallel()
	g, server, _ := setup(t)
	m := chain.NewModel(g, base(gateway.PurposeChat))
	_, err := m.GenerateContent(t.Context(), []llms.MessageContent{{Role: llms.ChatMessageTypeHuman, Parts: []llms.ContentPart{
		llms.TextContent{Text: "Was ist das?"}, llms.BinaryPart("image/png", []byte("PNG")),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if body := string(server.Last().Body); !strings.Contains(body, `"image_url":{"url":"data:image/png;base64,UE5H"}`) {
		t.Errorf("body = %s", body)
	}
}

func TestEmbedder(t *testing.T) {
	t.Parallel()
	g, server, _ := setup(t)
	e := chain.NewEmbedder(g, base(gateway.PurposeResearch))
	texts := make([]string, 150)
	for i := range texts {
		texts[i] = strings.Repeat("Miete ", i%3+1) + "Antrag"
	}
	vectors, err := e.EmbedDocuments(t.Context(), texts)
	if err != nil || len(vectors) != 150 || len(server.Requests()) != 3 {
		t.Fatalf("%d vectors in %d requests, %v", len(vectors), len(server.Requests()), err)
	}
	query, err := e.EmbedQuery(t.Context(), texts[1])
	if err != nil || cosine(query, vectors[1]) < 0.999 || cosine(query, vectors[0]) > 0.99 {
		t.Errorf("query: %v, cosine %f and %f", err, cosine(query, vectors[1]), cosine(query, vectors[0]))
	}
	for name, body := range map[string]string{
		"too few":    `{"data":[{"index":0,"embedding":[1,2]}]}`,
		"twice":      `{"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}]}`,
		"out":        `{"data":[{"index":0,"embedding":[1,2]},{"index":7,"embedding":[1,2]}]}`,
		"other size": `{"data":[{"index":0,"embedding":[1,2]},{"index":1,"embedding":[1]}]}`,
	} {
		server.Next(upstreamtest.Behaviour{Status: 200, Body: body})
		if _, err := e.EmbedDocuments(t.Context(), []string{"a", "b"}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}
