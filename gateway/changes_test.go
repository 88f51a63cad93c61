// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// What an obligation changed stands in the record; what it had nothing to do for
// stands there as fulfilled only.
func TestChanges(t *testing.T) {
	t.Parallel()
	strip := func(fields ...any) gateway.Obligation {
		return oblige(gateway.ObligationStripFields, map[string]any{"fields": fields})
	}
	most := func(n int) gateway.Obligation {
		return oblige(gateway.ObligationCapTokens, map[string]any{"max": n})
	}
	tools := oblige(gateway.ObligationBlockTools, nil)
	for name, c := range map[string]struct {
		obligations []gateway.Obligation
		in          string
		want        []gateway.Change
	}{
		"no obligation":        {nil, `,"user":"u"}`, nil},
		"nothing to strip":     {[]gateway.Obligation{strip("user", "metadata")}, `}`, nil},
		"one of two fields":    {[]gateway.Obligation{strip("user", "metadata")}, `,"metadata":{"Name":"Mustermann"}}`, []gateway.Change{{ID: "strip_fields", Fields: []string{"metadata"}}}},
		"as the rule spells":   {[]gateway.Obligation{strip("user")}, `,"USER":"u"}`, []gateway.Change{{ID: "strip_fields", Fields: []string{"user"}}}},
		"a rule says it twice": {[]gateway.Obligation{strip("user", "User")}, `,"user":"u"}`, []gateway.Change{{ID: "strip_fields", Fields: []string{"user"}}}},
		"two rules":            {[]gateway.Obligation{strip("user"), strip("user", "seed")}, `,"user":"u","seed":1}`, []gateway.Change{{ID: "strip_fields", Fields: []string{"user", "seed"}}}},
		"no tools":             {[]gateway.Obligation{tools}, `}`, nil},
		"two tools":            {[]gateway.Obligation{tools}, `,"tools":[{"type":"function"},{"type":"function"}],"Tool_Choice":"auto"}`, []gateway.Change{{ID: "block_tools", Fields: []string{"tools", "tool_choice"}, Count: 2}}},
		"old and new names":    {[]gateway.Obligation{tools}, `,"tools":[{"type":"function"}],"Functions":[{},{}]}`, []gateway.Change{{ID: "block_tools", Fields: []string{"tools", "functions"}, Count: 3}}},
		"no bound":             {[]gateway.Obligation{most(100)}, `}`, []gateway.Change{{ID: "cap_tokens", To: 100}}},
		"a lower bound":        {[]gateway.Obligation{most(100)}, `,"max_tokens":100,"n":1,"min_tokens":0,"ignore_eos":false}`, nil},
		"a higher bound":       {[]gateway.Obligation{most(100)}, `,"max_tokens":50,"max_completion_tokens":4000}`, []gateway.Change{{ID: "cap_tokens", From: 4000, To: 100}}},
		"no number":            {[]gateway.Obligation{most(100)}, `,"max_tokens":99999999999999999999}`, []gateway.Change{{ID: "cap_tokens", To: 100}}},
		"several answers":      {[]gateway.Obligation{most(100)}, `,"max_tokens":7,"N":3,"best_of":null}`, []gateway.Change{{ID: "cap_tokens", Fields: []string{"n"}}}},
		"two caps":             {[]gateway.Obligation{most(100), most(40)}, `,"max_tokens":4000}`, []gateway.Change{{ID: "cap_tokens", From: 4000, To: 40}}},
		"two caps, no bound":   {[]gateway.Obligation{most(100), most(40)}, `}`, []gateway.Change{{ID: "cap_tokens", To: 40}}},
		"models":               {[]gateway.Obligation{oblige(gateway.ObligationRestrictModels, map[string]any{"residencies": []any{"own_datacentre"}})}, `}`, []gateway.Change{{ID: "restrict_models", Models: []gateway.ModelID{"extern"}}}},
		"every model":          {[]gateway.Obligation{oblige(gateway.ObligationRestrictModels, map[string]any{"residencies": []any{"own_datacentre", "private_eu"}})}, `}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := obliging(t, "", c.obligations...)
			if _, err := askFor(t, g, hello+c.in); err != nil {
				t.Fatal(err)
			}
			r := p.records[0]
			if r.Changes == nil || len(r.Changes) != len(c.want) || len(c.want) > 0 && !reflect.DeepEqual(r.Changes, c.want) {
				t.Errorf("changes %+v, want %+v", r.Changes, c.want)
			}
			if len(c.obligations) > 0 && (len(r.Applied) != 1 || r.Applied[0] != c.obligations[0].ID) {
				t.Errorf("applied %v", r.Applied)
			}
		})
	}
}

// A request that went nowhere was not changed, and no name that a caller made up
// gets into the record.
func TestChangesOfARefusal(t *testing.T) {
	t.Parallel()
	strip := oblige(gateway.ObligationStripFields, map[string]any{"fields": []any{"user"}})
	p, g := obliging(t, "", strip, oblige(gateway.ObligationLogContent, map[string]any{"days": 30}))
	if _, err := askFor(t, g, hello+`,"user":"u","Erika-Mustermann":1,"tools":[{"type":"function","function":{"name":"Mustermann"}}]}`); gateway.CodeOf(err) != gateway.CodeDenied {
		t.Fatal(err)
	}
	if p.records[0].Changes != nil {
		t.Errorf("changes %+v", p.records[0].Changes)
	}
	p, g = obliging(t, "", strip, oblige(gateway.ObligationBlockTools, nil), oblige(gateway.ObligationCapTokens, map[string]any{"max": 10}))
	if _, err := askFor(t, g, hello+`,"user":"u","Erika-Mustermann":1,"tools":[{"type":"function","function":{"name":"Mustermann"}}]}`); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(p.records[0])
	if err != nil || strings.Contains(string(raw), "Mustermann") || len(p.records[0].Changes) != 3 {
		t.Errorf("%v, record %s", err, raw)
	}
}

// A record in which nothing was changed says so; one that does not know says nothing.
func TestNoChanges(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(gateway.Record{Changes: []gateway.Change{}})
	if err != nil || !strings.Contains(string(raw), `"changes":[]`) {
		t.Errorf("%v, %s", err, raw)
	}
	if raw, err = json.Marshal(gateway.Record{}); err != nil || strings.Contains(string(raw), "changes") {
		t.Errorf("a record that does not know: %v, %s", err, raw)
	}
}
