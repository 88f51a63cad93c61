// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
	yamlast "github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/ki-schleuse/schleuse/gateway"
)

// maxQuestion bounds a question file.
const maxQuestion = 128 << 10

// questionFile is the compact form of a question in YAML or JSON.
type questionFile struct {
	Stage gateway.Stage `json:"stage"`
	Time  string        `json:"time"`

	Tenant gateway.TenantID `json:"tenant"`
	// System is "policy-eval" when absent; an empty one is a caller without a name.
	System  *gateway.SystemID `json:"system"`
	User    string            `json:"user"`
	Channel gateway.Channel   `json:"channel"`
	Roles   []string          `json:"roles"`
	// Purposes the key is granted; absent: the purpose asked for.
	Purposes *[]gateway.Purpose `json:"purposes"`

	Operation gateway.Operation   `json:"operation"`
	Purpose   gateway.Purpose     `json:"purpose"`
	Service   gateway.ServiceID   `json:"service"`
	Case      string              `json:"case"`
	CaseDate  string              `json:"case_date"`
	DataClass []gateway.DataClass `json:"data_class"`
	Entities  []gateway.Entity    `json:"entities"`
	Sources   []string            `json:"sources"`
	Screened  gateway.Screened    `json:"screened"`
	Chain     []gateway.Purpose   `json:"chain"`
	Fields    []string            `json:"fields"`
	// Automation and Decision are absent when nobody says anything of them.
	Automation *struct {
		Complete bool `json:"complete"`
		FreeText bool `json:"free_text"`
	} `json:"automation"`
	Decision *struct {
		Made      bool            `json:"made"`
		Burdening bool            `json:"burdening"`
		Hearing   gateway.Hearing `json:"hearing"`
	} `json:"decision"`
	// Models are names of known models or whole model cards.
	Models   []json.RawMessage `json:"models"`
	Passages []struct {
		Class []gateway.DataClass `json:"data_class"`
	} `json:"passages"`
}

// ParseQuestion reads a question in YAML or JSON:
//
//	{stage, time, tenant, system, user, channel, roles, purposes, operation, purpose,
//	 service, case, case_date, data_class, entities, sources, chain, fields,
//	 automation: {complete, free_text}, decision: {made, burdening, hearing},
//	 screened: {counts, categories, unscreenable}, models: [model card], passages: [{data_class}]}
//
// Absent: stage is request, channel is caseworker, operation is chat, system is
// "policy-eval", purposes is the purpose itself. Time stays zero when absent; the
// caller fills it. Errors are *gateway.Error with CodeInvalid.
func ParseQuestion(raw []byte) (gateway.Question, error) {
	q, err := parseQuestion(raw, nil)
	if err != nil {
		return gateway.Question{}, &gateway.Error{
			Op: "parse policy question", Code: gateway.CodeInvalid,
			Message: "Die Frage an die Regeln ist nicht lesbar; erwartet wird YAML oder JSON mit den beschriebenen Feldern.", Err: err,
		}
	}
	return q, nil
}

func parseQuestion(raw []byte, models map[string]gateway.ModelCard) (gateway.Question, error) {
	var f questionFile
	if err := decodeYAML(raw, &f); err != nil {
		return gateway.Question{}, err
	}
	return f.question(models)
}

func (f questionFile) question(models map[string]gateway.ModelCard) (gateway.Question, error) {
	q := gateway.Question{
		Stage: cmp.Or(f.Stage, gateway.StageRequest),
		Request: gateway.Request{
			Caller: gateway.Caller{
				Tenant: f.Tenant, System: "policy-eval", User: f.User,
				Channel: cmp.Or(f.Channel, gateway.ChannelCaseworker), Roles: f.Roles, Purposes: []gateway.Purpose{f.Purpose},
			},
			Operation: cmp.Or(f.Operation, gateway.OperationChat), Purpose: f.Purpose, Service: f.Service, Case: f.Case,
			DataClass: f.DataClass, Entities: f.Entities, Sources: f.Sources, Chain: f.Chain, Fields: f.Fields,
		},
		Screened: f.Screened,
	}
	if f.System != nil {
		q.Request.Caller.System = *f.System
	}
	if f.Purposes != nil {
		q.Request.Caller.Purposes = *f.Purposes
	}
	if a := f.Automation; a != nil {
		q.Request.Automation = &gateway.Automation{Complete: a.Complete, FreeText: a.FreeText}
	}
	if d := f.Decision; d != nil {
		q.Request.Ruling = &gateway.Ruling{Burdening: d.Burdening, Hearing: d.Hearing}
		if d.Made {
			q.Request.Ruling.Tenor = "entschieden" // what it says is nothing for rules
		}
	}
	var err error
	if q.Request.Time, err = moment(f.Time); err != nil {
		return gateway.Question{}, fmt.Errorf("time: %w", err)
	}
	if q.Request.CaseDate, err = moment(f.CaseDate); err != nil {
		return gateway.Question{}, fmt.Errorf("case_date: %w", err)
	}
	for i, m := range f.Models {
		card, err := modelCard(m, models)
		if err != nil {
			return gateway.Question{}, fmt.Errorf("models[%d]: %w", i, err)
		}
		q.Models = append(q.Models, card)
	}
	for _, p := range f.Passages {
		q.Passages = append(q.Passages, gateway.Passage{Class: p.Class})
	}
	return q, nil
}

func modelCard(raw json.RawMessage, known map[string]gateway.ModelCard) (gateway.ModelCard, error) {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		card, ok := known[name]
		if !ok {
			return card, fmt.Errorf("model %q is not described", name)
		}
		return card, nil
	}
	var card gateway.ModelCard
	return card, strictJSON(raw, &card)
}

// moment reads a date or a time; empty is the zero time.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

// decodeYAML reads YAML (and so JSON) strictly into a value with JSON tags.
// Anchors are refused: a few bytes of them can become gigabytes.
func decodeYAML(raw []byte, into any) error {
	if len(raw) > maxQuestion {
		return fmt.Errorf("larger than %d bytes", maxQuestion)
	}
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return fmt.Errorf("not YAML: %w", err)
	}
	var seen anchors
	for _, doc := range file.Docs {
		yamlast.Walk(&seen, doc)
	}
	if seen.found {
		return fmt.Errorf("anchors and aliases are not accepted")
	}
	var v any
	if err := yaml.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("not YAML: %w", err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("not JSON-like: %w", err)
	}
	return strictJSON(text, into)
}

type anchors struct{ found bool }

func (a *anchors) Visit(n yamlast.Node) yamlast.Visitor {
	switch n.(type) {
	case *yamlast.AnchorNode, *yamlast.AliasNode:
		a.found = true
	}
	return a
}

func strictJSON(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
