// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit_test

import (
	"encoding/json"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// „Mit Auflagen“ is an answer for which somebody felt an obligation, not one for which
// some rule had an obligation that found nothing to do.
func TestResultSaysWhatWasFelt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		obligations []string
		changes     string // JSON; empty: a record of before
		want        audit.Result
	}{
		"nothing demanded":             {nil, `[]`, audit.ResultAllowed},
		"nothing to strip":             {[]string{"strip_fields"}, `[]`, audit.ResultAllowed},
		"something stripped":           {[]string{"strip_fields"}, `[{"id":"strip_fields","fields":["user"]}]`, audit.ResultDuties},
		"another one changed":          {[]string{"strip_fields", "retain"}, `[{"id":"retain","count":1}]`, audit.ResultAllowed},
		"nothing replaced":             {[]string{"pseudonymise"}, `[]`, audit.ResultAllowed},
		"a mark for machines":          {[]string{"watermark", "review_output", "no_content_log", "retain"}, `[]`, audit.ResultAllowed},
		"a notice":                     {[]string{"notice"}, `[]`, audit.ResultDuties},
		"kept content":                 {[]string{"log_content"}, `[]`, audit.ResultDuties},
		"a draft":                      {[]string{"strip_fields", "human_release"}, `[]`, audit.ResultRelease},
		"stripped or not, of before":   {[]string{"strip_fields"}, ``, audit.ResultDuties},
		"marked, of before":            {[]string{"watermark"}, ``, audit.ResultDuties},
		"only kept briefly, of before": {[]string{"retain", "no_content_log"}, ``, audit.ResultAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := `{"id":"e-1"`
			if c.changes != "" {
				raw += `,"changes":` + c.changes
			}
			var r gateway.Record
			if err := json.Unmarshal([]byte(raw+"}"), &r); err != nil {
				t.Fatal(err)
			}
			d := gateway.Decision{Effect: gateway.EffectAllow}
			for _, id := range c.obligations {
				d.Obligations = append(d.Obligations, gateway.Obligation{ID: id, Rule: "TEST-001"})
			}
			r.Decisions = []gateway.Decision{d}
			i := audit.Item{Record: r, Closing: &gateway.Closing{Outcome: gateway.OutcomeAnswered}}
			if got := i.Result(); got != c.want {
				t.Errorf("result %s, want %s", got, c.want)
			}
		})
	}
}
