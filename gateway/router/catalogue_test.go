// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// catalogue of two models: "haus" with replicas at a and b, "eu" at c.
func catalogue() router.Catalogue {
	haus, second := entry("haus", gateway.ResidencyOwn, 1, gateway.OperationChat), entry("haus", gateway.ResidencyOwn, 1, gateway.OperationChat)
	haus.Endpoint, second.Endpoint = "a", "b"
	eu := entry("eu", gateway.ResidencyPrivateEU, 1, gateway.OperationChat)
	eu.Endpoint = "c"
	return router.Catalogue{Models: []router.Entry{haus, second, eu}}
}

func TestCatalogueMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*router.Catalogue)
		want  string
	}{
		"strategy":           {func(c *router.Catalogue) { c.Strategy = "luck" }, `strategy: Die Strategie "luck" ist nicht bekannt`},
		"id missing":         {func(c *router.Catalogue) { c.Models[2].Card.ID = "" }, "models[2] : Die Kennung unter id ist leer."},
		"id with blank":      {func(c *router.Catalogue) { c.Models[2].Card.ID = "e u" }, `models[2] e u: Die Kennung unter id "e u" enthält Leer`},
		"id too long":        {func(c *router.Catalogue) { c.Models[2].Card.ID = gateway.ModelID(strings.Repeat("x", 201)) }, "länger als 200 Byte"},
		"endpoint":           {func(c *router.Catalogue) { c.Models[2].Endpoint = "" }, "models[2] eu: Die Angabe endpoint fehlt."},
		"weight":             {func(c *router.Catalogue) { c.Models[2].Weight = -1 }, "models[2] eu: Das Gewicht unter weight (-1) ist negativ."},
		"same place":         {func(c *router.Catalogue) { c.Models[1].Endpoint = "a" }, `steht am Endpunkt "a" doppelt (models[0])`},
		"replica elsewhere":  {func(c *router.Catalogue) { c.Models[1].Card.Residency = gateway.ResidencyNonEU }, "models[1] haus: Die Angabe residency weicht von models[0] ab"},
		"replica's contract": {func(c *router.Catalogue) { c.Models[1].Card.Contract = "AVV-2" }, "contract weicht"},
		"operation":          {func(c *router.Catalogue) { c.Models[2].Card.Operations = []gateway.Operation{"search"} }, `"search" unter operations`},
		"no operation":       {func(c *router.Catalogue) { c.Models[2].Card.Operations = nil }, "Unter operations steht nichts."},
		"capability":         {func(c *router.Catalogue) { c.Models[2].Card.Capabilities = []gateway.Capability{"magic"} }, `"magic" unter capabilities`},
		"data class":         {func(c *router.Catalogue) { c.Models[2].Card.DataClasses = []gateway.DataClass{"geheim"} }, `"geheim" unter data_classes`},
		"processor":          {func(c *router.Catalogue) { c.Models[2].Card.ProcessorKind = "cloud" }, `"cloud" unter processor_kind`},
		"country":            {func(c *router.Catalogue) { c.Models[2].Card.Country = "de" }, `"de" unter country`},
		"context":            {func(c *router.Catalogue) { c.Models[2].Card.Context = -1 }, "context (-1)"},
		"price":              {func(c *router.Catalogue) { c.Models[2].Card.Price.Output = -1 }, "Preis unter price ist negativ"},
		"energy":             {func(c *router.Catalogue) { c.Models[2].Card.Energy = math.NaN() }, "energy_wh (NaN)"},
		"alias is an id":     {func(c *router.Catalogue) { c.Models[2].Aliases = []gateway.ModelID{"haus"} }, `aliases[0], "haus", ist schon die Kennung eines Modells`},
		"alias twice":        {func(c *router.Catalogue) { c.Models[2].Aliases = []gateway.ModelID{"x", "x"} }, `aliases[1], "x", steht doppelt`},
		"ground of § 80":     {func(c *router.Catalogue) { c.Models[2].Card.Para80Ground = "teuer" }, `"teuer" unter para80_ground ist nicht bekannt; möglich sind disruption, cost, majority_public.`},
		"concurrent":         {func(c *router.Catalogue) { c.Models[2].Limits.Concurrent = -1 }, "models[2] eu: limits: Der Wert unter concurrent (-1)"},
		"queue":              {func(c *router.Catalogue) { c.Limits.Queue = 1 << 20 }, "limits: Der Wert unter queue (1048576)"},
		"wait":               {func(c *router.Catalogue) { c.Limits.Wait = -time.Second }, "limits: Die Dauer unter wait (-1s)"},
		"endpoint unused":    {func(c *router.Catalogue) { c.Endpoints = map[string]router.Limits{"z": {}} }, "endpoints.z: An diesem Endpunkt steht kein Modell."},
		"group without name": {func(c *router.Catalogue) { c.Groups = []router.Group{{Models: []gateway.ModelID{"eu"}}} }, "groups[0] : Der Name unter name ist leer."},
		"group is an id":     {func(c *router.Catalogue) { c.Groups = []router.Group{{Name: "eu", Models: []gateway.ModelID{"eu"}}} }, `Der Name "eu" ist schon die Kennung eines Modells`},
		"group twice": {func(c *router.Catalogue) {
			c.Groups = []router.Group{{Name: "g", Models: []gateway.ModelID{"eu"}}, {Name: "g", Models: []gateway.ModelID{"eu"}}}
		}, `groups[1] g: Der Name "g" steht doppelt`},
		"group of none":    {func(c *router.Catalogue) { c.Groups = []router.Group{{Name: "g"}} }, "groups[0] g: Zur Gruppe gehört kein Modell."},
		"group of unknown": {func(c *router.Catalogue) { c.Groups = []router.Group{{Name: "g", Models: []gateway.ModelID{"us"}}} }, `groups[0] g: Das Modell unter models[0], "us", gibt es nicht`},
		"group's member twice": {func(c *router.Catalogue) {
			c.Groups = []router.Group{{Name: "g", Models: []gateway.ModelID{"eu", "eu"}}}
		}, `models[1], "eu", steht doppelt`},
		"group's strategy": {func(c *router.Catalogue) {
			c.Groups = []router.Group{{Name: "g", Models: []gateway.ModelID{"eu"}, Strategy: "x"}}
		}, `groups[0] g: strategy: Die Strategie "x"`},
	} {
		given := catalogue()
		c.spoil(&given)
		if _, err := router.Open(router.Config{Catalogue: given}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error does not say %q: %v", name, c.want, err)
		}
	}
	if _, err := router.Open(router.Config{Breaker: router.Breaker{Rate: 2}, Retry: router.Retry{Share: 3}}); err == nil ||
		!strings.Contains(err.Error(), "breaker.rate") || !strings.Contains(err.Error(), "retry.share") {
		t.Errorf("shares of more than all were accepted: %v", err)
	}
}

func TestReplicasAreOneModel(t *testing.T) {
	t.Parallel()
	given := catalogue()
	given.Models[0].Card.Price.Input, given.Models[0].Card.Energy = 7, 2 // may differ
	given.Groups = []router.Group{{Name: "schleuse/alle", Models: []gateway.ModelID{"eu"}}}
	given.Models[0].Aliases = []gateway.ModelID{"schleuse/alle", "gpt-4o"}
	r, err := router.Open(router.Config{Catalogue: given})
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(r.Cards()); !slices.Equal(got, []gateway.ModelID{"haus", "eu"}) {
		t.Errorf("cards %v, want each model once", got)
	}
	if got := r.Names(); !slices.Equal(got, []gateway.ModelID{"eu", "gpt-4o", "haus", "schleuse/alle"}) {
		t.Errorf("names %v", got)
	}
	for name, want := range map[gateway.ModelID][]gateway.ModelID{"": {"haus", "eu"}, "schleuse/alle": {"eu", "haus"}, "gpt-4o": {"haus"}} {
		cards, err := r.Candidates(t.Context(), gateway.Request{Operation: gateway.OperationChat, Model: name})
		if got := ids(cards); err != nil || !slices.Equal(got, want) {
			t.Errorf("candidates of %q: %v, %v, want %v", name, got, err, want)
		}
	}
}

func ids(cards []gateway.ModelCard) []gateway.ModelID {
	var out []gateway.ModelID
	for _, c := range cards {
		out = append(out, c.ID)
	}
	return out
}

func TestCandidatesByNeed(t *testing.T) {
	t.Parallel()
	all := entry("alles", gateway.ResidencyOwn, 0, gateway.OperationChat, gateway.OperationEmbeddings)
	all.Card.Context = 100_000
	all.Card.Capabilities = []gateway.Capability{
		gateway.CapabilityTools, gateway.CapabilityJSONSchema, gateway.CapabilityVision, gateway.CapabilityAudio, gateway.CapabilityLogprobs,
	}
	text := entry("text", gateway.ResidencyOwn, 0, gateway.OperationChat, gateway.OperationEmbeddings)
	text.Card.Capabilities, text.Card.Context = []gateway.Capability{}, 1000
	unsaid := entry("ungesagt", gateway.ResidencyOwn, 0, gateway.OperationChat)
	r, err := router.New([]router.Entry{all, text, unsaid})
	if err != nil {
		t.Fatal(err)
	}
	long := func(n int) string {
		return `{"messages":[{"role":"user","content":"` + strings.Repeat("Sehr geehrte Damen und Herren, ", n) + `"}]}`
	}
	const able = "" // the plain model can do it
	for name, c := range map[string]struct{ body, path, says string }{
		"plain":              {`{"messages":[{"role":"user","content":"Hallo"}]}`, "", able},
		"empty lists":        {`{"tools":[ ],"logprobs":false,"response_format":{"type":"json_object"}}`, "", able},
		"nulls":              {`{"tools":null,"logprobs":null,"response_format":null}`, "", able},
		"tools":              {`{"tools":[{"type":"function","function":{"name":"f"}}]}`, "tools", "Werkzeugaufrufe"},
		"functions":          {`{"functions":[{"name":"f"}]}`, "tools", "Werkzeugaufrufe"},
		"schema":             {`{"response_format":{"type":"json_schema","json_schema":{}}}`, "response_format", "JSON-Schema"},
		"logprobs":           {`{"logprobs":true}`, "logprobs", "Wahrscheinlichkeiten"},
		"picture":            {`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}`, "messages", "Bilder"},
		"recording":          {`{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]}`, "messages", "Tonaufnahmen"},
		"talk of pictures":   {`{"messages":[{"role":"user","content":"Was ist \"image_url\"?"}]}`, "", able},
		"spoken answer":      {`{"modalities":["text","audio"]}`, "messages", "Tonaufnahmen"},
		"two things":         {`{"logprobs":true,"tools":[{"type":"function"}]}`, "tools", "Wahrscheinlichkeiten"},
		"fits":               {long(100), "", able},
		"certainly too long": {long(400), "messages", "zu lang"},
		"one long line":      {`{"messages":[{"role":"user","content":"` + strings.Repeat("=", 20_000) + `"}]}`, "", able},
		"much space":         {`{"messages":[` + strings.Repeat(" ", 20_000) + `]}`, "", able},
		"escaped":            {`{"messages":[{"role":"user","content":"` + strings.Repeat(`\u0434\u0430`, 900) + `"}]}`, "", able},
	} {
		body, err := gateway.ParseBody([]byte(c.body))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for model, can := range map[gateway.ModelID]bool{"alles": true, "ungesagt": true, "text": c.says == able} {
			cards, err := r.Candidates(t.Context(), gateway.Request{Operation: gateway.OperationChat, Model: model, Body: body})
			if can {
				if err != nil || len(cards) != 1 {
					t.Errorf("%s: %s was refused: %v", name, model, err)
				}
				continue
			}
			known := asError(err)
			if known.Code != gateway.CodeInvalid || known.Path != c.path || !strings.Contains(known.Message, c.says) {
				t.Errorf("%s: %+v, want a message about %s at %s", name, known, c.says, c.path)
			}
		}
		q := gateway.Request{Operation: gateway.OperationChat, Body: body}
		cards, err := r.Candidates(t.Context(), q)
		if want := 2 + btoi(c.says == able); err != nil || len(cards) != want {
			t.Errorf("%s: %v of all models can do it, want %d (%v)", name, ids(cards), want, err)
		}
		routes, err := r.Plan(t.Context(), q, []gateway.ModelID{"text"})
		if c.says == able && len(routes) != 1 || c.says != able && gateway.CodeOf(err) != gateway.CodeNoModel {
			t.Errorf("%s: plan for the plain model: %v, %v", name, routes, err)
		}
	}
}

// A list of texts is not one long text.
func TestCandidatesForManyInputs(t *testing.T) {
	t.Parallel()
	m := entry("vektor", gateway.ResidencyOwn, 0, gateway.OperationEmbeddings)
	m.Card.Context = 100
	r, err := router.New([]router.Entry{m})
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Repeat("Ein Satz. ", 100)
	for body, want := range map[string]gateway.Code{
		`{"input":["` + words + `","` + words + `"]}`: "",
		`{"input":"` + words + `"}`:                   gateway.CodeInvalid,
	} {
		b, err := gateway.ParseBody([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Candidates(t.Context(), gateway.Request{Operation: gateway.OperationEmbeddings, Body: b}); gateway.CodeOf(err) != want {
			t.Errorf("%.20s…: %v, want %q", body, err, want)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
