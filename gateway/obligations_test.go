// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// obliging is a gateway whose rules allow everything under some obligations.
func obliging(t *testing.T, risk string, obligations ...gateway.Obligation) (*parts, *gateway.Gateway) {
	t.Helper()
	p, g := setup(t)
	p.decide = func(q gateway.Question) (gateway.Decision, error) {
		d := gateway.Decision{Effect: gateway.EffectAllow, Risk: gateway.Risk{Class: risk}}
		if q.Stage != gateway.StageResponse {
			d.Obligations = obligations
		}
		for _, m := range q.Models {
			d.Models = append(d.Models, m.ID)
		}
		return d, nil
	}
	return p, g
}

func oblige(id string, params map[string]any) gateway.Obligation {
	return gateway.Obligation{ID: id, Rule: "TEST-001", Params: params}
}

func askFor(t *testing.T, g *gateway.Gateway, body string, sources ...string) (*gateway.Response, error) {
	t.Helper()
	b, err := gateway.ParseBody([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return g.Complete(t.Context(), gateway.Request{Operation: gateway.OperationChat, Body: b, Sources: sources})
}

const hello = `{"messages":[{"role":"user","content":"Guten Tag"}]`

func TestObligationsThatCannotBeCarriedOutDeny(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]gateway.Obligation{
		"unknown":                oblige("send_flowers", nil),
		"cap without a number":   oblige(gateway.ObligationCapTokens, nil),
		"cap of nothing":         oblige(gateway.ObligationCapTokens, map[string]any{"max": 0}),
		"strip without fields":   oblige(gateway.ObligationStripFields, nil),
		"restrict to nowhere":    oblige(gateway.ObligationRestrictModels, map[string]any{"residencies": []any{}}),
		"restrict to elsewhere":  oblige(gateway.ObligationRestrictModels, map[string]any{"residencies": []any{"on_the_moon"}}),
		"cite without sources":   oblige(gateway.ObligationCiteSources, nil),
		"log without a vault":    oblige(gateway.ObligationLogContent, map[string]any{"days": 30}),
		"retain without bounds":  oblige(gateway.ObligationRetain, nil),
		"retain the other round": oblige(gateway.ObligationRetain, map[string]any{"floor_days": 200, "ceiling_days": 100}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := obliging(t, "", o)
			_, err := askFor(t, g, hello+"}")
			if gateway.CodeOf(err) != gateway.CodeDenied || p.sent != "" {
				t.Errorf("answered %v, sent %q", err, p.sent)
			}
			if len(p.records) != 1 || slices.Contains(p.records[0].Applied, o.ID) {
				t.Errorf("records %+v", p.records)
			}
			if len(p.closings) != 1 || p.closings[0].Outcome != gateway.OutcomeDenied {
				t.Errorf("closings %+v", p.closings)
			}
		})
	}
}

func TestFailedObligationIsADenialInTheRecord(t *testing.T) {
	t.Parallel()
	p, g := obliging(t, "", oblige(gateway.ObligationCapTokens, nil))
	_, err := askFor(t, g, hello+"}")
	known, ok := errors.AsType[*gateway.Error](err)
	if !ok || known.Decision == nil || known.Decision.Allowed() {
		t.Fatalf("%v says %+v", err, known)
	}
	if got := p.records[0].Effect(); got != gateway.EffectDeny {
		t.Errorf("recorded as %s", got)
	}
	if last := known.Decision.Reasons[len(known.Decision.Reasons)-1]; last.Rule != "KERN-003" || !strings.Contains(last.Text, "cap_tokens") {
		t.Errorf("reason %+v", last)
	}
}

func TestCapTokens(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want map[string]float64
	}{
		"none is set":            {`}`, map[string]float64{"max_tokens": 100}},
		"a larger one":           {`,"max_tokens":5000}`, map[string]float64{"max_tokens": 100}},
		"a smaller one stays":    {`,"max_tokens":50}`, map[string]float64{"max_tokens": 50}},
		"the newer name":         {`,"max_completion_tokens":5000}`, map[string]float64{"max_completion_tokens": 100}},
		"both names":             {`,"max_tokens":7,"max_completion_tokens":5000}`, map[string]float64{"max_tokens": 7, "max_completion_tokens": 100}},
		"no number":              {`,"max_tokens":"viele"}`, map[string]float64{"max_tokens": 100}},
		"null":                   {`,"max_tokens":null}`, map[string]float64{"max_tokens": 100}},
		"a huge one":             {`,"max_tokens":1e99}`, map[string]float64{"max_tokens": 100}},
		"a negative one":         {`,"max_tokens":-1}`, map[string]float64{"max_tokens": 100}},
		"another case":           {`,"MAX_Tokens":5000}`, map[string]float64{"max_tokens": 100}},
		"other servers' names":   {`,"n_predict":5000,"max_output_tokens":3}`, map[string]float64{"max_tokens": 100, "n_predict": 100, "max_output_tokens": 3}},
		"several answers":        {`,"n":20,"best_of":20}`, map[string]float64{"max_tokens": 100}},
		"no end before the last": {`,"min_tokens":4000,"ignore_eos":true}`, map[string]float64{"max_tokens": 100}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := obliging(t, "", oblige(gateway.ObligationCapTokens, map[string]any{"max": json.Number("100")}))
			if _, err := askFor(t, g, hello+c.in); err != nil {
				t.Fatal(err)
			}
			got := map[string]float64{}
			for key, value := range fields(t, p.sent) {
				if n, ok := value.(float64); ok {
					got[key] = n
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("sent %v, want %v", got, c.want)
			}
			for key, n := range c.want {
				if got[key] != n {
					t.Errorf("%s is %v, want %v", key, got[key], n)
				}
			}
			if _, set := fields(t, p.sent)["ignore_eos"]; set || !slices.Contains(p.records[0].Applied, gateway.ObligationCapTokens) {
				t.Errorf("sent %s, applied %v", p.sent, p.records[0].Applied)
			}
		})
	}
}

func TestOfTwoCapsTheLowerOneCounts(t *testing.T) {
	t.Parallel()
	p, g := obliging(t, "", oblige(gateway.ObligationCapTokens, map[string]any{"max": 100}), oblige(gateway.ObligationCapTokens, map[string]any{"max": 40}))
	if _, err := askFor(t, g, hello+"}"); err != nil || fields(t, p.sent)["max_tokens"] != 40.0 {
		t.Errorf("%v, sent %s", err, p.sent)
	}
}

func TestBlockTools(t *testing.T) {
	t.Parallel()
	p, g := obliging(t, "", oblige(gateway.ObligationBlockTools, nil))
	_, err := askFor(t, g, hello+`,"tools":[{"type":"function","function":{"name":"f"}}],"Tool_Choice":"required","functions":[],"function_call":"f","parallel_tool_calls":true}`)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ToLower(p.sent), "tool") || strings.Contains(p.sent, "function") {
		t.Errorf("sent %s", p.sent)
	}
	if !slices.Equal(p.records[0].Applied, []string{gateway.ObligationBlockTools}) {
		t.Errorf("applied %v", p.records[0].Applied)
	}
}

func TestRestrictModels(t *testing.T) {
	t.Parallel()
	p, g := obliging(t, "", oblige(gateway.ObligationRestrictModels, map[string]any{"residencies": []any{string(gateway.ResidencyOwn)}}))
	if _, err := askFor(t, g, hello+"}"); err != nil {
		t.Fatal(err)
	}
	r := p.records[0]
	for _, route := range append([]gateway.Route{*r.Route}, r.Fallback...) {
		if route.Residency != gateway.ResidencyOwn {
			t.Errorf("route to %s", route.Residency)
		}
	}
	if !slices.Contains(r.Applied, gateway.ObligationRestrictModels) {
		t.Errorf("applied %v", r.Applied)
	}
}

// wandering is a catalogue that changes between the question and the plan.
type wandering struct{ gateway.Router }

func (w wandering) Plan(ctx context.Context, r gateway.Request, permitted []gateway.ModelID) ([]gateway.Route, error) {
	routes, err := w.Router.Plan(ctx, r, permitted)
	for i := range routes {
		routes[i].Residency = gateway.ResidencyNonEU
	}
	return routes, err
}

func TestRoutesAreConfirmed(t *testing.T) {
	t.Parallel()
	p, g := obliging(t, "", oblige(gateway.ObligationRestrictModels, map[string]any{"residencies": []any{string(gateway.ResidencyOwn)}}))
	g.Router = wandering{p}
	if _, err := askFor(t, g, hello+"}"); gateway.CodeOf(err) != gateway.CodeDenied || p.sent != "" {
		t.Errorf("%v, sent %s", err, p.sent)
	}
}

func TestRetain(t *testing.T) {
	t.Parallel()
	retain := func(floor, ceiling int) gateway.Obligation {
		return oblige(gateway.ObligationRetain, map[string]any{"floor_days": floor, "ceiling_days": ceiling})
	}
	for name, c := range map[string]struct {
		risk        string
		obligations []gateway.Obligation
		want        gateway.Retention
	}{
		"as said":                       {"out_of_scope", []gateway.Obligation{retain(0, 90)}, gateway.Retention{CeilingDays: 90}},
		"the narrowest of several":      {"out_of_scope", []gateway.Obligation{retain(30, 400), retain(10, 90)}, gateway.Retention{FloorDays: 30, CeilingDays: 90}},
		"high-risk never below 6 month": {"high_risk", []gateway.Obligation{retain(10, 400)}, gateway.Retention{FloorDays: 183, CeilingDays: 400}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := obliging(t, c.risk, c.obligations...)
			if _, err := askFor(t, g, hello+"}"); err != nil {
				t.Fatal(err)
			}
			if got := p.records[0].Retain; got == nil || *got != c.want {
				t.Errorf("retained %+v, want %+v", got, c.want)
			}
		})
	}
	p, g := obliging(t, "high_risk", retain(10, 90))
	if _, err := askFor(t, g, hello+"}"); gateway.CodeOf(err) != gateway.CodeDenied || p.sent != "" {
		t.Errorf("a ceiling below the floor of high-risk systems: %v", err)
	}
}

func TestCiteSources(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		passages int
		answer   string
		missing  bool
	}{
		"cited":                      {2, "Die Miete beträgt 720 Euro [2].", false},
		"several in one":             {3, "So steht es dort [1, 3].", false},
		"a range":                    {3, "So steht es dort [1-3].", false},
		"none":                       {2, "Die Miete beträgt 720 Euro.", true},
		"a number that is no source": {2, "Die Miete beträgt 720 Euro [3].", true},
		"zero":                       {2, "Die Miete [0]", true},
		"not a number":               {2, "Die Miete [NAME_1]", true},
		"a number within words":      {2, "Die Miete [siehe 1]", true},
		"without brackets":           {2, "Die Miete 1", true},
		"nothing was found":          {0, "Dazu weiß ich nichts [1].", true},
		"no text":                    {2, "", false},
		"a huge number":              {2, "[99999999999999999999999999999999999999991]", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := obliging(t, "", oblige(gateway.ObligationCiteSources, nil))
			p.passages = nil
			for range c.passages {
				p.passages = append(p.passages, gateway.Passage{Text: "Miete 720 Euro", Citation: gateway.Citation{Title: "Mietvertrag"}})
			}
			p.answer = `{"choices":[{"index":0,"message":{"content":` + quoted(c.answer) + `},"finish_reason":"stop"}]}`
			r, err := askFor(t, g, hello+"}", "akten")
			if err != nil {
				t.Fatal(err)
			}
			said, _ := fields(t, string(r.Body))["schleuse"].(map[string]any)
			if marked := said["citations_missing"] == true; marked != c.missing {
				t.Errorf("marked %v: %s", marked, r.Body)
			}
			if p.closings[0].CitationsMissing != c.missing || !slices.Contains(p.records[0].Applied, gateway.ObligationCiteSources) {
				t.Errorf("closing %+v, applied %v", p.closings[0], p.records[0].Applied)
			}
		})
	}
}

func TestCiteSourcesInStreams(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pieces  []string
		missing bool
	}{
		"cited in pieces": {[]string{"Die Miete [", "2", "]."}, false},
		"not cited":       {[]string{"Die Miete [", "9", "]."}, true},
	} {
		for _, held := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				obligations := []gateway.Obligation{oblige(gateway.ObligationCiteSources, nil)}
				if held {
					obligations = append(obligations, oblige(gateway.ObligationReview, map[string]any{"max_bytes": 20}))
				}
				p, g := obliging(t, "", obligations...)
				p.passages = []gateway.Passage{{Text: "a"}, {Text: "b"}}
				p.events = nil
				for _, piece := range c.pieces {
					p.events = append(p.events, `{"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":`+quoted(piece)+`}}]}`)
				}
				p.events = append(p.events, `{"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
				events := streamed(t, g)
				last := fields(t, events[len(events)-1])
				said, _ := last["schleuse"].(map[string]any)
				if marked := said["citations_missing"] == true; marked != c.missing || last["id"] != "c1" {
					t.Errorf("last event %v", last)
				}
				if len(p.closings) != 1 || p.closings[0].CitationsMissing != c.missing {
					t.Errorf("closings %+v", p.closings)
				}
			})
		}
	}
}

func streamed(t *testing.T, g *gateway.Gateway) []string {
	t.Helper()
	b, err := gateway.ParseBody([]byte(hello + `,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := g.Stream(t.Context(), gateway.Request{Operation: gateway.OperationChat, Body: b, Sources: []string{"akten"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var out []string
	for {
		e, err := s.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(e))
	}
}

func quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(raw)
}

func fields(t *testing.T, raw string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(raw), &out); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return out
}

// TestWhatTheRulesHear: the rules hear of a tenor only when it stands in
// the request, and of names only when somebody knows them.
func TestWhatTheRulesHear(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tenor string
		made  bool
	}{
		"stands in the request": {" Das Wohngeld wird bewilligt. ", true},
		"stands elsewhere":      {"Das Wohngeld wird abgelehnt.", false},
		"is empty":              {"  ", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := obliging(t, "")
			var heard gateway.Request
			decide := p.decide
			p.decide = func(q gateway.Question) (gateway.Decision, error) {
				heard = q.Request
				return decide(q)
			}
			g.KnownPurpose = func(p gateway.Purpose) bool { return p == "extraction" }
			g.KnownField = func(_ gateway.ServiceID, name string) bool { return name == "miete" }
			g.KnownSource = func(gateway.TenantID, string) bool { return false }
			b, err := gateway.ParseBody([]byte(`{"messages":[{"role":"user","content":"Tenor: Das Wohngeld wird bewilligt. Bitte formulieren."}]}`))
			if err != nil {
				t.Fatal(err)
			}
			ruling := gateway.Ruling{Tenor: c.tenor, Burdening: true}
			_, err = g.Complete(t.Context(), gateway.Request{
				Operation: gateway.OperationCompletion, Body: b, Ruling: &ruling, Fields: []string{"miete", "Erika"},
				Chain: []gateway.Purpose{"extraction", "Erika"}, Sources: []string{"*", "erika"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if made := heard.Ruling.Tenor != ""; made != c.made || !heard.Ruling.Burdening || ruling.Tenor != c.tenor {
				t.Errorf("heard %+v of %q", heard.Ruling, ruling.Tenor)
			}
			if !slices.Equal(heard.Fields, []string{"miete", "unknown"}) || !slices.Equal(heard.Chain, []gateway.Purpose{"extraction", "unknown"}) || !slices.Equal(heard.Sources, []string{"*", "unknown"}) {
				t.Errorf("heard %v %v %v", heard.Fields, heard.Chain, heard.Sources)
			}
		})
	}
}
