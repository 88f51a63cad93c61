// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

func delta(choice int, inner, finish string) string {
	end := "null"
	if finish != "" {
		end = `"` + finish + `"`
	}
	return fmt.Sprintf(`{"id":"c","choices":[{"delta":{%s},"finish_reason":%s,"index":%d}]}`, inner, end, choice)
}

// denyFindings refuses answers in which something was found, and has all held for the review.
func (p *parts) denyFindings() {
	allow := p.decide
	p.decide = func(q gateway.Question) (gateway.Decision, error) {
		d, err := allow(q)
		if q.Stage == gateway.StageResponse && (q.Screened.Total() > 0 || len(q.Screened.Categories) > 0) {
			return gateway.Decision{Effect: gateway.EffectDeny}, nil
		}
		if q.Stage != gateway.StageResponse {
			d.Obligations = append(d.Obligations, gateway.Obligation{ID: gateway.ObligationReview})
		}
		return d, err
	}
}

// Nothing may escape the review by the place where it stands or by coming mixed
// with other text.
func TestStreamReviewsEveryText(t *testing.T) {
	t.Parallel()
	for name, events := range map[string][]string{
		"two choices mixed":      {delta(0, `"content":"Frau Er"`, ""), delta(1, `"content":"xyz"`, ""), delta(0, `"content":"ika"`, "stop"), delta(1, ``, "stop")},
		"reasoning mixed":        {delta(0, `"reasoning":"Er","content":"xx"`, ""), delta(0, `"reasoning":"ika"`, "stop")},
		"a message, not a delta": {`{"choices":[{"index":0,"message":{"content":"Erika"},"delta":{},"finish_reason":"stop"}]}`},
		"outside of choices":     {`{"note":{"deep":["Erika"]},"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}`},
		"a refusal":              {delta(0, `"refusal":"Erika"`, "stop")},
		"content in parts":       {delta(0, `"content":[{"type":"text","text":"Eri"}]`, ""), delta(0, `"content":[{"type":"text","text":"ka"}]`, "stop")},
		"a name of a function":   {delta(0, `"tool_calls":[{"index":0,"function":{"name":"Erika"}}]`, "tool_calls")},
		"an escaped text":        {delta(0, `"content":"\u0045rika"`, "stop")},
		"in a second delta":      {`{"choices":[{"index":0,"delta":{"content":"a"},"delta":{"content":"Erika"},"finish_reason":"stop"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := setup(t)
			p.denyFindings()
			p.events = events
			all, err := readAll(t, g, chat(t, "x"))
			if gateway.CodeOf(err) != gateway.CodeDenied || all != "" || p.closings[0].Outcome != gateway.OutcomeStopped {
				t.Errorf("released %q, error %v", all, err)
			}
		})
	}
}

func TestStreamAsksAgainForACategory(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	p.denyFindings()
	p.category = "health"
	p.events = []string{event("Er ist krank.", "stop")}
	if all, err := readAll(t, g, chat(t, "x")); gateway.CodeOf(err) != gateway.CodeDenied || all != "" {
		t.Errorf("released %q, error %v", all, err)
	}
}

// Each text gets back its own values, whatever comes between its pieces.
func TestStreamKeepsTextsApart(t *testing.T) {
	t.Parallel()
	call := func(args string) string {
		return `{"function":{"arguments":"` + args + `"}}`
	}
	for name, c := range map[string]struct {
		events []string
		want   []string
	}{
		"choices": {
			[]string{delta(0, `"content":"A [NA"`, ""), delta(1, `"content":"B [NA"`, ""), delta(0, `"content":"ME_1]"`, ""), delta(1, `"content":"X"`, ""), delta(0, ``, "stop"), delta(1, ``, "stop")},
			[]string{`"content":"Erika"`, `"content":"[NAX"`},
		},
		"tool calls without index": {
			[]string{delta(0, `"tool_calls":[`+call("1 [NA")+`,`+call("2")+`]`, ""), delta(0, `"tool_calls":[`+call("ME_1]")+`,`+call("3")+`]`, "tool_calls")},
			[]string{`"arguments":"2"`, `"arguments":"Erika"`, `"arguments":"3"`},
		},
		"text after the end of its choice": {
			[]string{event("a", "stop"), event("b [NA", "")},
			[]string{`"content":"b "`, `"content":"[NA"`},
		},
		"content in parts": {
			[]string{delta(0, `"content":[{"type":"text","text":"[NAME"}]`, ""), delta(0, `"content":[{"type":"text","text":"_1] [N"}]`, ""), delta(0, ``, "stop")},
			[]string{`"text":"Erika "`, `"content":[{"text":"[N","type":"text"}]`},
		},
		"a name of a function": {
			[]string{delta(0, `"tool_calls":[{"index":0,"function":{"name":"f_[NAME_1]"}}]`, "tool_calls")},
			[]string{`"name":"f_Erika"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := setup(t)
			p.events = c.events
			all, err := readAll(t, g, chat(t, "Erika"))
			if !errors.Is(err, io.EOF) {
				t.Errorf("ended with %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(all, want) {
					t.Errorf("no %s in\n%s", want, all)
				}
			}
		})
	}
}

func TestStreamReleasesWhatIsLeftInTheSameOrder(t *testing.T) {
	t.Parallel()
	var first string
	for range 20 {
		p, g := setup(t)
		p.events = []string{delta(0, `"content":"[1","reasoning":"[2","refusal":"[3","tool_calls":[{"index":0,"function":{"arguments":"[4"}}]`, ""), delta(0, ``, "tool_calls")}
		all, _ := readAll(t, g, chat(t, "Erika"))
		if first == "" {
			first = all
		}
		if all != first {
			t.Fatalf("two orders:\n%s\n%s", first, all)
		}
	}
}

func TestStreamSurvivesAnyEvent(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`{"choices":[`, `[]`, `"x"`, ``, `{"choices":`, "{\"choices\":[{\"delta\":{\"a\":" + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}}]}"} {
		p, g := setup(t)
		p.events = []string{raw}
		if all, err := readAll(t, g, chat(t, "x")); gateway.CodeOf(err) != gateway.CodeTruncated || all != "" {
			t.Errorf("%.40q: released %q, error %v", raw, all, err)
		}
	}
	for _, raw := range []string{`{}`, `{"choices":null}`, `{"choices":[null,1,"a"]}`, `{"choices":[{"index":-1,"delta":null,"finish_reason":{}}]}`, `{"choices":{"index":"a"},"usage":null}`, `{"choices":[{"delta":{"tool_calls":[null,3,{"index":null}]}}]}`} {
		p, g := setup(t)
		p.events = []string{raw}
		if all, err := readAll(t, g, chat(t, "Erika")); !errors.Is(err, io.EOF) || strings.TrimSpace(all) != raw {
			t.Errorf("%s: released %q, error %v", raw, all, err)
		}
	}
}

func TestStreamBoundsWhatItRemembers(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	for i := range 3000 {
		p.events = append(p.events, delta(0, fmt.Sprintf(`"tool_calls":[{"index":%d,"function":{"arguments":"a"}}]`, i), ""))
	}
	if _, err := readAll(t, g, chat(t, "Erika")); gateway.CodeOf(err) != gateway.CodeUnavailable {
		t.Errorf("ended with %v, want upstream_unavailable", err)
	}
	p, g = setup(t)
	p.denyFindings()
	for range 5000 {
		p.events = append(p.events, `{"choices":[{"index":0,"delta":{},"finish_reason":null}]}`)
	}
	s, err := g.Stream(t.Context(), chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(); err != nil || p.read > 2000 {
		t.Errorf("the first event came after %d, error %v", p.read, err)
	}
}

// The record of a stream that was left says what had been released and used.
func TestStreamCloseKeepsUsageAndContent(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	p.events = []string{event("a", ""), event("b", "stop")}
	p.usage = &gateway.Usage{Input: 7, Output: 1, Reported: true}
	s, err := g.Stream(t.Context(), chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if c := p.closings[0]; len(p.closings) != 1 || c.Content == "" || c.Usage.Input != 7 || c.Code != gateway.CodeCancelled {
		t.Errorf("closings %+v", p.closings)
	}
	if _, err := s.Next(); gateway.CodeOf(err) != gateway.CodeCancelled {
		t.Errorf("after Close: %v", err)
	}
}

func TestStreamWithholdsTheEndWithoutRecord(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	p.denyFindings()
	p.closeErr = errors.New("disk full")
	p.events = []string{event("Ein Satz.", "stop")}
	if all, err := readAll(t, g, chat(t, "x")); gateway.CodeOf(err) != gateway.CodeNoRecord || all != "" {
		t.Errorf("released %q, error %v", all, err)
	}
}

// Any bytes of a model's server: no panic, and only JSON is released.
func FuzzStreamEvent(f *testing.F) {
	f.Add(event("a [NAME_1] b", ""), event("", "stop"))
	f.Add(`{"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"[NA"}}],"x":[["[N"]]},"index":2}]}`, delta(2, ``, "tool_calls"))
	f.Add(`{"choices":[{"text":"[N\u0041ME_1]","finish_reason":"stop"}],"schleuse":{}}`, `{}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		p, g := setup(t)
		p.events = []string{first, second}
		all, err := readAll(t, g, chat(t, "Erika"))
		if gateway.CodeOf(err) == gateway.CodeInternal && !errors.Is(err, io.EOF) {
			t.Fatalf("a panic behind %v", err)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(all, "\n"), "\n") {
			if line != "" && !strings.ContainsAny(first+second, "\r\n") && !json.Valid([]byte(line)) {
				t.Fatalf("released %q", line)
			}
		}
		if len(p.records) != 1 || len(p.closings) != 1 {
			t.Fatalf("%d records, %d closings", len(p.records), len(p.closings))
		}
	})
}
