// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vaulttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

func userErased(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", "", "anna", "annas"))
	f.keep(f.content(tenant, "e-2", file, "anna", "annas am Fall"))
	f.keep(f.content(tenant, "e-3", file, "bert", "berts am Fall"))
	f.keep(f.content(tenant, "e-4", "", "bert", "berts"))
	f.access.list = append(f.access.list, accesslog.Retrieval{ID: "r-1", Tenant: tenant, User: pseudonymise(tenant, "user", "anna"), Case: pseudonymise(tenant, "case", file)})
	ahead, err := f.vault.Preview(t.Context(), administrator(tenant), vault.Subject{Tenant: tenant, User: "anna"})
	if err != nil || ahead.Keys != 1 || ahead.Contents != 2 || ahead.Retrievals != 0 || len(ahead.Stays) != 1 || len(f.record.notes) != 0 {
		t.Errorf("preview %+v, %v", ahead, err)
	}
	f.shows("e-1", "annas")
	f.record.notes = nil
	done := f.erase(vault.Subject{Tenant: tenant, User: "anna"})
	if done.Keys != 1 || done.Contents != 2 || done.Retrievals != 0 {
		t.Errorf("erased %+v", done)
	}
	f.hides("e-1")
	f.hides("e-2")
	f.shows("e-3", "berts am Fall")
	f.shows("e-4", "berts")
	if len(f.access.list) != 1 {
		t.Error("who looked something up has erased the proof of it")
	}
	if len(done.Stays) != 1 || !strings.Contains(done.Stays[0].Why, "§ 79 Abs. 4 SGB X") || done.Stays[0].Count != 1 {
		t.Errorf("stays %+v", done.Stays)
	}
	f.keep(f.content(tenant, "e-5", file, "bert", "weiter")) // the case is not erased
}

func whatStays(t *testing.T, b Backend) {
	f := newFixture(t, b)
	at := f.now.Now()
	f.record.items = []audit.Item{entry(tenant, "e-1", at.Add(-40*day)), entry(tenant, "e-2", at.Add(-10*day)), entry(other, "e-3", at)}
	f.access.list = []accesslog.Retrieval{
		{ID: "r-1", Tenant: tenant, Case: pseudonymise(tenant, "case", file)}, {ID: "r-2", Tenant: tenant, Case: "p1_anders"}, {ID: "r-3", Tenant: other, Case: pseudonymise(other, "case", file)},
	}
	done := f.erase(theCase())
	if done.Keys != 0 || done.Contents != 0 || done.Retrievals != 1 || len(f.access.list) != 2 {
		t.Errorf("erased %+v", done)
	}
	if len(done.Stays) != 1 {
		t.Fatalf("stays %+v", done.Stays)
	}
	s := done.Stays[0]
	if s.Count != 2 || !s.Until.Equal(at.Add(173*day)) || !strings.Contains(s.Why, "Art. 17 Abs. 3 lit. b") || !strings.Contains(s.Why, "§ 35 BDSG") || !strings.Contains(s.Why, "Art. 26 Abs. 6") {
		t.Errorf("stays %+v", s)
	}
	for name, s := range map[string]vault.Subject{
		"nobody": {Tenant: tenant}, "both": {Tenant: tenant, Case: file, User: "anna"}, "no tenant": {Case: file}, "endless": {Tenant: tenant, Case: strings.Repeat("1", 201)},
	} {
		if _, err := f.vault.Erase(t.Context(), vault.Actor{Roles: []string{"mandant"}, Operator: true}, s, reason); gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, by := range map[string]vault.Actor{"revision": revisor(tenant), "another tenant": administrator(other), "nobody": {}} {
		if _, err := f.vault.Erase(t.Context(), by, theCase(), reason); gateway.CodeOf(err) != gateway.CodeDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.vault.Erase(t.Context(), administrator(tenant), theCase(), " "); gateway.CodeOf(err) != gateway.CodeInvalid {
		t.Errorf("without a reason: %v", err)
	}
}

// entry is an entry of a record of the case, with a model outside and one inside.
func entry(t gateway.TenantID, id string, at time.Time) audit.Item {
	outside := gateway.Route{Model: "extern-70b", Residency: gateway.ResidencyPrivateEU, Operator: "Wolke GmbH", Country: "DE", Endpoint: "wolke"}
	inside := gateway.Route{Model: "haus-8b", Residency: gateway.ResidencyOwn, Operator: "Rechenzentrum", Country: "DE", Endpoint: "rz"}
	r := gateway.Record{
		ID: id, Time: at, Tenant: t, System: "woga", User: pseudonymise(t, "user", "anna"), Case: pseudonymise(t, "case", file),
		Purpose: gateway.PurposeSummarise, Service: "wohngeld-mietzuschuss", Operation: gateway.OperationChat, Masked: 3,
		Screened:  gateway.Screened{Counts: map[gateway.FindingKind]int{"iban": 1, "person": 2}},
		Decisions: []gateway.Decision{{Effect: gateway.EffectAllow, DataClasses: []gateway.DataClass{gateway.DataSozialdaten}}},
		Passages:  []gateway.PassageRef{{Source: "wohngeldakten"}}, Route: &outside, Fallback: []gateway.Route{inside},
	}
	c := gateway.Closing{
		ID: id, Time: at, Outcome: gateway.OutcomeAnswered, Answered: &inside,
		Attempts: []gateway.Attempt{{Model: "extern-70b", Endpoint: "wolke", Code: gateway.CodeUnavailable}, {Model: "haus-8b", Endpoint: "rz"}},
	}
	return audit.Item{Record: r, Closing: &c}
}

func disclosure(t *testing.T, b Backend) {
	f := newFixture(t, b)
	at := f.now.Now()
	denied := entry(tenant, "e-0", at.Add(-3*day))
	denied.Record.Decisions[0].Effect = gateway.EffectDeny
	f.record.items = []audit.Item{denied, entry(tenant, "e-1", at.Add(-2*day)), entry(other, "e-2", at)}
	f.keep(f.content(tenant, "e-1", file, "anna", `{"messages":[{"content":"`+canary+`"}]}`))
	f.access.list = []accesslog.Retrieval{{ID: "r-1", Tenant: tenant, Case: pseudonymise(tenant, "case", file)}, {ID: "r-2", Tenant: other, Case: pseudonymise(other, "case", file)}}
	d, err := f.vault.Access(t.Context(), administrator(tenant), theCase())
	if err != nil {
		t.Fatal(err)
	}
	if d.Total != 2 || len(d.Entries) != 2 || d.Entries[0].ID != "e-1" || d.Purposes[gateway.PurposeSummarise] != 2 || d.Classes[gateway.DataSozialdaten] != 2 ||
		d.Findings["iban"] != 2 || d.Sources["wohngeldakten"] != 2 || d.Systems["woga"] != 2 || len(d.Retrievals) != 1 || len(d.Contents) != 1 || !strings.Contains(d.Contents[0].Text, canary) {
		t.Errorf("disclosure %+v", d)
	}
	if len(d.Recipients) != 2 || d.Recipients[0].Operator != "Wolke GmbH" || d.Recipients[0].Count != 1 || d.Recipients[1].Operator != "Rechenzentrum" {
		t.Errorf("recipients %+v: the failed attempt got the text as well, the denied request reached nobody", d.Recipients)
	}
	for _, norm := range []string{"lit. a", "lit. b", "lit. c", "lit. d", "lit. e", "lit. f", "lit. g", "lit. h"} {
		if !slices.ContainsFunc(d.Statements, func(s vault.Statement) bool { return strings.Contains(s.Norm, "Abs. 1 "+norm) && len(s.Lines) > 0 }) {
			t.Errorf("nothing is said to Art. 15 Abs. 1 %s", norm)
		}
	}
	var text, raw bytes.Buffer
	if err := d.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{file, "Zusammenfassung (2)", "Sozialdaten nach § 67 Abs. 2 SGB X", "Wolke GmbH, DE, privater Anbieter in der EU: Modelle extern-70b (1 Anfrage)", "höchstens 180 Tagen", canary, "22.12.2026"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, text.String())
		}
	}
	if err := d.WriteJSON(&raw); err != nil || !json.Valid(raw.Bytes()) {
		t.Errorf("JSON: %v", err)
	}
	l := d.Letter()
	l.Letterhead.Authority, l.Recipient = "Stadt Musterhausen", []string{"Frieda Kanarienvogel"}
	var odt, html bytes.Buffer
	if err := document.WriteODT(&odt, l); err != nil || odt.Len() == 0 {
		t.Errorf("ODT: %v", err)
	}
	if err := document.WriteHTML(&html, l); err != nil || !strings.Contains(html.String(), "Wolke GmbH") {
		t.Errorf("HTML: %v", err)
	}
	ofUser, err := f.vault.Access(t.Context(), administrator(tenant), vault.Subject{Tenant: tenant, User: "anna"})
	if err != nil || len(ofUser.Contents) != 1 || ofUser.Contents[0].Text != "" || ofUser.Total != 2 {
		t.Errorf("disclosure to a user %+v, %v: texts are about others", ofUser.Contents, err)
	}
	if topics := f.record.topics(); !slices.Equal(topics, []string{audit.TopicAccessGiven, audit.TopicAccessGiven}) {
		t.Errorf("notes %v", topics)
	}
	if _, err := f.vault.Access(t.Context(), administrator(other), theCase()); gateway.CodeOf(err) != gateway.CodeDenied {
		t.Errorf("another tenant gets a disclosure: %v", err)
	}
}

func nothing(t *testing.T, b Backend) {
	f := newFixture(t, b)
	d, err := f.vault.Access(t.Context(), administrator(tenant), theCase())
	if err != nil || d.Total != 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	var text bytes.Buffer
	if err := d.WriteText(&text); err != nil || !strings.Contains(text.String(), "nichts gespeichert") {
		t.Errorf("%s, %v", text.String(), err)
	}
}

// apart does things at random for one tenant and looks whether the other notices:
// both use the same ids, file numbers and names, even the same pseudonyms.
func apart(t *testing.T, b Backend) {
	seed := uint64(time.Now().UnixNano())
	dice := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a seed that is told repeats what fails
	f := newFixture(t, b, func(c *vault.Config) {
		c.Pseudonymise = func(_ gateway.TenantID, kind, value string) gateway.Pseudonym { return pseudonymise("", kind, value) }
	})
	files, users := []string{file, "99/1", ""}, []string{"anna", "bert"}
	mark := map[gateway.TenantID]string{tenant: "nur Musterhausen", other: "nur Nachbarstadt"}
	content := func(who gateway.TenantID, id string) gateway.Content {
		c := f.content(who, id, "", "", mark[who])
		if n := files[dice.IntN(len(files))]; n != "" {
			c.Case = pseudonymise("", "case", n)
		}
		c.User = pseudonymise("", "user", users[dice.IntN(len(users))])
		return c
	}
	for i := range 6 {
		f.keep(content(other, fmt.Sprintf("e-%d", i)))
		f.record.items = append(f.record.items, entry(other, fmt.Sprintf("e-%d", i), f.now.Now()))
	}
	f.access.list = append(f.access.list, accesslog.Retrieval{ID: "r", Tenant: other, Case: pseudonymise("", "case", file)})
	ctx := t.Context()
	if _, err := f.vault.PlaceHold(ctx, administrator(other), vault.Subject{Tenant: other}, "e-0", reason); err != nil {
		t.Fatal(err)
	}
	before := f.view(other)
	for step := range 40 {
		s := vault.Subject{Tenant: tenant}
		if s.Case = files[dice.IntN(2)]; dice.IntN(2) == 0 {
			s.Case, s.User = "", users[dice.IntN(2)]
		}
		id := fmt.Sprintf("e-%d", dice.IntN(6))
		var seen any
		switch dice.IntN(8) {
		case 0, 1:
			_ = f.vault.Keep(ctx, content(tenant, id)) // may be there or erased
		case 2:
			seen, _ = f.vault.Show(ctx, revisor(tenant), tenant, id, because)
		case 3:
			seen, _ = f.vault.Access(ctx, administrator(tenant), s)
		case 4:
			seen, _ = f.vault.Erase(ctx, administrator(tenant), s, reason)
		case 5:
			_ = f.vault.Drop(ctx, tenant, id)
		case 6:
			seen, _ = f.vault.ListHolds(ctx, administrator(tenant), tenant)
		case 7:
			_ = f.vault.Reopen(ctx, administrator(tenant), vault.Subject{Tenant: tenant, Case: file}, reason)
		}
		if raw, err := json.Marshal(seen); err != nil || bytes.Contains(raw, []byte(other)) || bytes.Contains(raw, []byte(mark[other])) || hasBody(seen, mark[other]) {
			t.Fatalf("seed %d, step %d: one tenant sees of the other: %s, %v", seed, step, raw, err)
		}
		if after := f.view(other); after != before {
			t.Fatalf("seed %d, step %d: was\n%s\nis\n%s", seed, step, before, after)
		}
	}
	if list := f.access.list; len(list) != 1 {
		t.Errorf("retrievals %+v", list)
	}
}

func hasBody(seen any, text string) bool {
	opened, ok := seen.(vault.Opened)
	return ok && opened.Request != nil && string(opened.Request.Body) == text
}

// view is all that a tenant can see.
func (f *fixture) view(who gateway.TenantID) string {
	f.t.Helper()
	var all []any
	for i := range 6 {
		opened, err := f.vault.Show(f.t.Context(), revisor(who), who, fmt.Sprintf("e-%d", i), because)
		all = append(all, opened, fmt.Sprint(err))
	}
	holds, err1 := f.vault.ListHolds(f.t.Context(), administrator(who), who)
	d, err2 := f.vault.Access(f.t.Context(), administrator(who), vault.Subject{Tenant: who, User: "anna"})
	raw, err := json.Marshal(append(all, holds, d, fmt.Sprint(err1, err2)))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(raw)
}
