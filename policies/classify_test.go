// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"slices"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	models := []gateway.ModelCard{g.setup.Models["own"], g.setup.Models["us"]}
	cases := []struct {
		name    string
		plan    Plan
		allowed bool
		risk    string
		rules   []string
		duties  []string
		models  []gateway.ModelID
	}{
		{
			"summarising in Wohngeld",
			Plan{Tenant: "musterstadt", Purpose: "summarise", Service: "wohngeld-mietzuschuss", Models: models},
			true, "exempt_6_3_a_d", nil,
			[]string{"AIA-010", "DSG-011", "DSG-012", "DSG-013", "DSG-023", "AIA-012", "AIA-016"},
			[]gateway.ModelID{"own"},
		},
		{
			"information for citizens",
			Plan{Tenant: "musterstadt", Purpose: "citizen_information", Channel: "citizen", Models: models[:1]},
			true, "out_of_scope", nil,
			[]string{"AIA-009", "AIA-010", "AIA-023", "DSG-012", "DSG-013", "DSG-016", "DSG-024"},
			[]gateway.ModelID{"own"},
		},
		{
			"a released high-risk purpose",
			Plan{Tenant: "mit-freigabe", Purpose: "legal_qa_case", Service: "wohngeld-mietzuschuss", Models: models[:1]},
			true, "high_risk", nil,
			[]string{"AIA-010", "AIA-011", "AIA-022", "AIA-023", "DSG-012", "DSG-013", "DSG-023", "AIA-013", "AIA-016", "AIA-021"},
			[]gateway.ModelID{"own"},
		},
		{
			"the same without a release",
			Plan{Tenant: "musterstadt", Purpose: "legal_qa_case", Service: "wohngeld-mietzuschuss", Models: models[:1]},
			false, "high_risk",
			[]string{"AIA-003"},
			nil, nil,
		},
		{"social scoring", Plan{Tenant: "musterstadt", Purpose: "social_scoring", Models: models}, false, "prohibited", []string{"AIA-002"}, nil, nil},
		{"no purpose", Plan{Tenant: "musterstadt", Models: models}, false, "unclassified", []string{"AIA-001"}, nil, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := e.Classify(t.Context(), c.plan)
			if err != nil {
				t.Fatal(err)
			}
			if got.Allowed != c.allowed || got.Risk.Class != c.risk || got.Revision == "" {
				t.Errorf("allowed %v, risk %s", got.Allowed, got.Risk.Class)
			}
			var rules, duties []string
			for _, r := range got.Reasons {
				rules = append(rules, r.Rule)
			}
			for _, d := range got.Duties {
				if d.Basis == "" || d.Text == "" {
					t.Errorf("duty %+v has no basis or text", d)
				}
				duties = append(duties, d.Rule)
			}
			for _, want := range c.rules {
				if !slices.Contains(rules, want) {
					t.Errorf("%s is missing in %v", want, rules)
				}
			}
			if c.duties != nil && !slices.Equal(duties, c.duties) {
				t.Errorf("duties are %v, want %v", duties, c.duties)
			}
			if !slices.Equal(got.Models, c.models) && len(got.Models)+len(c.models) > 0 {
				t.Errorf("models are %v, want %v", got.Models, c.models)
			}
			for _, m := range c.plan.Models {
				if rejected := got.Rejected[m.ID]; m.ID == "us" && c.allowed && len(rejected) == 0 {
					t.Errorf("no reason why %s is not allowed", m.ID)
				}
			}
		})
	}
}
