// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/gatewaytest"
	"github.com/ki-schleuse/schleuse/gateway/router"
	"github.com/ki-schleuse/schleuse/gateway/screen"
	"github.com/ki-schleuse/schleuse/policies"
)

var update = flag.Bool("update", false, "write the golden files anew")

// captured is a recorder that keeps what it was told, in order.
type captured struct {
	gatewaytest.Patient

	Record  *gateway.Record
	Closing *gateway.Closing
}

func (c *captured) Open(_ context.Context, r gateway.Record) error {
	c.Record = &r
	return nil
}

func (c *captured) Close(_ context.Context, e gateway.Closing) error {
	c.Closing = &e
	return nil
}

// echo is a model that repeats the request's text.
type echo struct{}

func (echo) Complete(_ context.Context, c gateway.Call) (gateway.Answer, error) {
	b, err := gateway.ParseBody(c.Body)
	if err != nil {
		return gateway.Answer{}, err
	}
	body, err := json.Marshal(map[string]any{"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]string{"role": "assistant", "content": b.LastUserText()}}}})
	return gateway.Answer{Body: body, Usage: gateway.Usage{Input: 12, Output: 9, Reported: true}}, err
}

func (echo) Stream(context.Context, gateway.Call) (gateway.AnswerStream, error) {
	return nil, &gateway.Error{Code: gateway.CodeInternal}
}

func model(id gateway.ModelID, residency gateway.Residency, kind string) router.Entry {
	return router.Entry{Endpoint: "e", Card: gateway.ModelCard{
		ID: id, Residency: residency, Operator: "Betreiber " + string(id), Country: "DE", ProcessorKind: kind, Contract: "AVV-1", Para80Notice: "2026-01-15", Para80Ground: "cost", Para30AO: true, Art9: true,
		Operations:  []gateway.Operation{gateway.OperationChat, gateway.OperationEmbeddings},
		DataClasses: []gateway.DataClass{gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataSozialdaten, gateway.DataArt9, gateway.DataSteuer, gateway.DataTrade},
	}}
}

// Each case is a request; the golden file holds the whole record and its end: what
// was decided, on which basis, what was done, and nothing of what was said.
func TestGoldenRecords(t *testing.T) {
	t.Parallel()
	person := []gateway.Entity{{Type: "person", First: "Erika", Last: "Mustermann", Role: "applicant"}}
	const text = "Frau Erika Mustermann, IBAN DE89 3704 0044 0532 0130 00, zahlt 720 Euro Miete."
	chat := func(change func(*gateway.Request)) gateway.Request {
		r := gateway.Request{Operation: gateway.OperationChat, Purpose: gateway.PurposeSummarise}
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		request gateway.Request
		text    string
		noModel bool
	}{
		"sozialdaten-mit-personen":  {chat(func(r *gateway.Request) { r.Service, r.Case, r.Entities = "wohngeld-mietzuschuss", "50.21/1", person }), text, false},
		"sozialdaten-ohne-personen": {chat(func(r *gateway.Request) { r.Service, r.Case = "wohngeld-mietzuschuss", "50.21/1" }), text, false},
		"oeffentlich":               {chat(func(r *gateway.Request) { r.DataClass = []gateway.DataClass{gateway.DataPublic} }), "Was kostet ein Reisepass?", false},
		"soziale-bewertung":         {chat(func(r *gateway.Request) { r.Purpose = "social_scoring" }), text, false},
		"ohne-zweck":                {chat(func(r *gateway.Request) { r.Purpose = "" }), text, false},
		"anspruch-bewerten":         {chat(func(r *gateway.Request) { r.Purpose, r.Service = "eligibility_evaluation", "wohngeld-mietzuschuss" }), text, false},
		"buergerauskunft": {chat(func(r *gateway.Request) {
			r.Purpose, r.Caller.Channel, r.DataClass = gateway.PurposeCitizenInformation, gateway.ChannelCitizen, []gateway.DataClass{gateway.DataPublic}
		}), "Welche Unterlagen brauche ich?", false},
		"pruefung":  {gateway.Request{Operation: gateway.OperationCheck, Purpose: gateway.PurposeCompletenessCheck, Service: "wohngeld-mietzuschuss", Case: "50.21/1"}, "", true},
		"schreiben": {gateway.Request{Operation: gateway.OperationDraft, Purpose: gateway.PurposeLetterRequestDocuments, Service: "hundesteuer-anmeldung"}, "", true},
		"vektoren":  {gateway.Request{Operation: gateway.OperationEmbeddings, Purpose: gateway.PurposeResearch}, text, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := recordOf(t, c.request, c.text, c.noModel)
			compareGolden(t, filepath.Join("testdata", "records", name+".json"), got)
		})
	}
}

// recordOf sends a request through the real screener and the real policies.
func recordOf(t *testing.T, r gateway.Request, text string, noModel bool) captured {
	t.Helper()
	g, c := goldenGateway(t)
	channel := r.Caller.Channel
	if channel == "" {
		channel = gateway.ChannelCaseworker
	}
	r.Caller = gateway.Caller{Tenant: "tannberg", System: "woga", KeyID: "k1234567", Channel: channel, Purposes: []gateway.Purpose{r.Purpose}}
	field := fmt.Sprintf(`"messages":[{"role":"user","content":%q}]`, text)
	if r.Operation == gateway.OperationEmbeddings {
		field = fmt.Sprintf(`"input":[%q]`, text)
	}
	var err error
	if r.Body, err = gateway.ParseBody([]byte("{" + field + "}")); err != nil {
		t.Fatal(err)
	}
	if noModel {
		r.Body = gateway.Body{}
		p, err := g.Permit(t.Context(), r)
		if err == nil {
			err = p.Close(t.Context(), gateway.OutcomeAnswered, "vollstaendig, 0 Befunde")
		}
		if err != nil {
			t.Fatal(err)
		}
		return *c
	}
	if _, err := g.Complete(t.Context(), r); err != nil && gateway.CodeOf(err) != gateway.CodeDenied {
		t.Fatal(err)
	}
	return *c
}

func goldenGateway(t *testing.T) (*gateway.Gateway, *captured) {
	t.Helper()
	catalog, err := loadServices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := policies.New(t.Context(), policies.Config{
		Tenants: map[gateway.TenantID]policies.Tenant{"tannberg": {Active: true}}, Services: catalog.Cards(), Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	screener, err := screen.New(screen.Config{})
	if err != nil {
		t.Fatal(err)
	}
	routes, err := router.New([]router.Entry{model("eu", gateway.ResidencyPrivateEU, "private"), model("us", gateway.ResidencyNonEU, "private")})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := audit.NewKeys(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	c := &captured{}
	g, err := gateway.New(gateway.Config{
		Screener: screener, Decider: engine, Router: routes, Model: echo{}, Recorder: c, Pseudonymise: keys.Pseudonymise,
		Now:   func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) },
		NewID: func(time.Time) string { return "e-1" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, c
}

// compareGolden compares without what differs from run to run or with every
// change of a rule's wording.
func compareGolden(t *testing.T, path string, got captured) {
	t.Helper()
	steady := func(d *gateway.Decision) { d.Duration, d.Digest, d.Bundle, d.Input = 0, "", "", nil }
	for i := range got.Record.Decisions {
		steady(&got.Record.Decisions[i])
	}
	if got.Record.Answer != nil {
		steady(got.Record.Answer)
	}
	if got.Closing.Response != nil {
		steady(got.Closing.Response)
	}
	raw, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with go test ./cmd/schleuse -run Golden -update", err)
	}
	if string(raw) != string(want) {
		t.Errorf("the record of %s differs from its golden file; see the difference with -update and git diff\n%s", filepath.Base(path), raw)
	}
}
