// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// What a person types into the fields of the list may be a name. The note about
// the look lasts, so it keeps only what names nobody.
func TestNotesKeepNoNames(t *testing.T) {
	t.Parallel()
	u := &UI{Config: Config{
		Directory: oneTown{},
		Rules:     func() []Rule { return []Rule{{ID: "DSG-011", Title: "Sozialdaten", Basis: "§ 67c SGB X"}} },
	}}
	p := identity.Person{Tenant: "musterhausen"}
	pseudonym := "p1_" + strings.Repeat("aB-9", 10) + "xyz"
	for _, c := range []struct {
		name   string
		filter listFilter
		want   map[string]string
	}{
		{"a name as search", listFilter{Query: "Erika Mustermann"}, map[string]string{"q": "(freie Eingabe, 16 Zeichen)"}},
		{"a name in capitals", listFilter{Query: "ERIKA-MUSTERMANN"}, map[string]string{"q": "(freie Eingabe, 16 Zeichen)"}},
		{"a name formed like an entry", listFilter{Query: "e-mustermann"}, map[string]string{"q": "(freie Eingabe, 12 Zeichen)"}},
		{"an entry", listFilter{Query: "e-01KBMM"}, map[string]string{"q": "e-01KBMM"}},
		{"a rule", listFilter{Query: "AIA-010", Rule: "DSG-001"}, map[string]string{"q": "AIA-010", "regel": "DSG-001"}},
		{"words of a rule", listFilter{Query: "sozialdaten", Basis: "§ 67c"}, map[string]string{"q": "sozialdaten", "grundlage": "§ 67c"}},
		{
			"names in the other fields",
			listFilter{Basis: "Erika", Rule: "ERIKA", Model: "Erika", System: "Erika", Service: "Erika", Revision: "Erika", Case: "Erika"},
			map[string]string{
				"grundlage": "(freie Eingabe, 5 Zeichen)", "regel": "(freie Eingabe, 5 Zeichen)", "modell": "(freie Eingabe, 5 Zeichen)",
				"verfahren": "(freie Eingabe, 5 Zeichen)", "leistung": "(freie Eingabe, 5 Zeichen)", "stand": "(freie Eingabe, 5 Zeichen)",
				"vorgang": "(freie Eingabe, 5 Zeichen)",
			},
		},
		{
			"known values",
			listFilter{Tenant: "musterhausen", System: "wohngeld", Residency: "own_datacentre", Result: "abgelehnt", Period: "7d", Revision: "2026-11-22.3", Case: pseudonym},
			map[string]string{
				"mandant": "musterhausen", "verfahren": "wohngeld", "ort": "own_datacentre", "ergebnis": "abgelehnt", "zeitraum": "7d",
				"stand": "2026-11-22.3", "vorgang": pseudonym,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got map[string]string
			if err := json.Unmarshal(u.noted(c.filter, p), &got); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("the note keeps %v, want %v", got, c.want)
			}
		})
	}
}

// oneTown knows one tenant with one system.
type oneTown struct{}

func (oneTown) Tenants() []identity.Tenant {
	return []identity.Tenant{{ID: "musterhausen", Name: "Musterhausen", Systems: []identity.System{{ID: "wohngeld", Name: "Wohngeldverfahren"}}}}
}

func (t oneTown) Tenant(id gateway.TenantID) (identity.Tenant, bool) {
	town := t.Tenants()[0]
	return town, id == town.ID
}

func TestLegalBasisIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		basis, asked string
		want         bool
	}{
		{"Art. 5 Abs. 1 KI-VO", "Art. 5", true},
		{"Art. 5 Abs. 1 KI-VO", "art 5 ki-vo", true},
		{"Art. 5 Abs. 1 Buchst. c DSGVO", "Art. 5 KI-VO", false},
		{"Art. 5 Abs. 1 Buchst. c DSGVO, Art. 14 KI-VO", "Art. 5 KI-VO", false},
		{"Art. 50 Abs. 1 KI-VO", "Art. 5", false},
		{"Art. 26 Abs. 5 KI-VO", "Art. 5", false},
		{"Art. 26, 27 und 49 Abs. 3 KI-VO", "Art. 27 KI-VO", true},
		{"Art. 26, 27 und 49 Abs. 3 KI-VO", "Art. 49 KI-VO", true},
		{"Art. 26, 27 und 49 Abs. 3 KI-VO", "Art. 26 KI-VO", true},
		{"Art. 6 Abs. 3 und 4, Art. 49 Abs. 2 KI-VO", "Art. 6 Abs. 4", true},
		{"Art. 6 Abs. 3 und 4, Art. 49 Abs. 2 KI-VO", "Art. 6 KI-VO", true},
		{"Art. 6 Abs. 3 und 4, Art. 49 Abs. 2 KI-VO", "Art. 4", false},
		{"§ 80 Abs. 1 bis 3 SGB X", "§80 sgb x", true},
		{"§ 35 Abs. 1 SGB I, § 30 AO", "§ 35 SGB X", false},
		{"§ 35 Abs. 1 SGB I, § 30 AO", "§ 35 SGB I", true},
		{"§ 35 Abs. 1 SGB I, § 30 AO", "§ 30 AO", true},
		{"§ 35a VwVfG, § 31a SGB X", "§ 35a", true},
		{"§ 35a VwVfG, § 31a SGB X", "§ 35", false},
		{"Minimierung von Sozialdaten", "daten", true},
		{"Minimierung von Sozialdaten", "Mustermann", false},
		{"Art. 5", " . ", false},
	} {
		if got := says(c.basis, wordsOf(c.asked)); got != c.want {
			t.Errorf("%q in %q: %t, want %t", c.asked, c.basis, got, c.want)
		}
	}
}

func TestDecisiveRule(t *testing.T) {
	t.Parallel()
	because := func(rule, severity string) gateway.Reason { return gateway.Reason{Rule: rule, Severity: severity} }
	marked := gateway.Obligation{ID: gateway.ObligationWatermark, Rule: "AIA-010"}
	for _, c := range []struct {
		name     string
		decision gateway.Decision
		want     string
	}{
		{"what blocked", gateway.Decision{
			Effect:  gateway.EffectDeny,
			Reasons: []gateway.Reason{because("AIA-010", "narrow"), because("AIA-001", "block")}, Obligations: []gateway.Obligation{marked},
		}, "AIA-001"},
		{"the release before the mark", gateway.Decision{
			Effect:      gateway.EffectAllow,
			Reasons:     []gateway.Reason{because("AIA-010", "narrow"), because("AIA-011", "narrow")},
			Obligations: []gateway.Obligation{marked, {ID: gateway.ObligationHumanRelease, Rule: "AIA-011"}},
		}, "AIA-011"},
		{"the strongest obligation, whatever the order", gateway.Decision{
			Effect:  gateway.EffectAllow,
			Reasons: []gateway.Reason{because("AIA-010", "narrow"), because("DSG-005", "narrow"), because("DSG-020", "narrow")},
			Obligations: []gateway.Obligation{
				{ID: gateway.ObligationCapTokens, Rule: "DSG-005"}, marked, {ID: gateway.ObligationPseudonymise, Rule: "DSG-020"},
			},
		}, "DSG-020"},
		{"what excluded a model before the mark", gateway.Decision{
			Effect:  gateway.EffectAllow,
			Reasons: []gateway.Reason{because("AIA-010", "narrow"), because("RES-001", "narrow")}, Obligations: []gateway.Obligation{marked},
			Rejected: map[gateway.ModelID][]string{"fern": {"RES-001"}},
		}, "RES-001"},
		{"the mark where there is nothing else", gateway.Decision{
			Effect: gateway.EffectAllow, Reasons: []gateway.Reason{because("INF-001", "info"), because("AIA-010", "narrow")}, Obligations: []gateway.Obligation{marked},
		}, "AIA-010"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := decisive(gateway.Record{Decisions: []gateway.Decision{c.decision}}, nil); got.Rule != c.want {
				t.Errorf("decisive is %q, want %q", got.Rule, c.want)
			}
		})
	}
}

// An obligation that had nothing to do decided nothing.
func TestDecisiveRuleHadAnEffect(t *testing.T) {
	t.Parallel()
	rec := gateway.Record{
		Decisions: []gateway.Decision{{
			Effect:      gateway.EffectAllow,
			Reasons:     []gateway.Reason{{Rule: "DSG-005", Severity: "narrow"}, {Rule: "DSG-020", Severity: "narrow"}},
			Obligations: []gateway.Obligation{{ID: gateway.ObligationPseudonymise, Rule: "DSG-020"}, {ID: gateway.ObligationCapTokens, Rule: "DSG-005"}},
		}},
		Changes: []gateway.Change{{ID: gateway.ObligationCapTokens, From: 4000, To: 800}},
	}
	if got := decisive(rec, nil); got.Rule != "DSG-005" {
		t.Errorf("decisive is %q, want the rule that capped the answer", got.Rule)
	}
}
