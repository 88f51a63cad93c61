// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// keeper keeps contents in memory.
type keeper struct {
	p       *parts
	kept    []gateway.Content
	dropped []string
	spools  int
	most    int
	err     func(gateway.Content) error
}

func (k *keeper) Keep(ctx context.Context, c gateway.Content) error {
	k.p.call("keep")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if k.err != nil {
		if err := k.err(c); err != nil {
			return err
		}
	}
	k.kept = append(k.kept, c)
	return nil
}

func (k *keeper) Drop(_ context.Context, _ gateway.TenantID, id string) error {
	k.dropped = append(k.dropped, id)
	return nil
}

func (k *keeper) Spool() gateway.Spool {
	k.spools++
	return &memorySpool{k: k, texts: map[int]string{}}
}

type memorySpool struct {
	k      *keeper
	texts  map[int]string
	cut    bool
	closed bool
}

func (s *memorySpool) Write(text int, piece string) {
	if s.k.most > 0 && len(s.texts[text])+len(piece) > s.k.most {
		s.cut = true
		return
	}
	s.texts[text] += piece
}

func (s *memorySpool) Texts() ([]string, bool, error) {
	var out []string
	for i := range len(s.texts) {
		out = append(out, s.texts[i])
	}
	return out, s.cut, nil
}

func (s *memorySpool) Close() error {
	if !s.closed {
		s.closed = true
		s.k.spools--
	}
	return nil
}

// keeping has the rules demand that the content be kept.
func keeping(t *testing.T, params map[string]any, more ...gateway.Obligation) (*parts, *gateway.Gateway, *keeper) {
	t.Helper()
	p, g := setup(t)
	k := &keeper{p: p}
	g.Vault = k
	allow := p.decide
	p.decide = func(q gateway.Question) (gateway.Decision, error) {
		d, err := allow(q)
		d.Obligations = append(append(d.Obligations, gateway.Obligation{ID: gateway.ObligationLogContent, Params: params}), more...)
		return d, err
	}
	return p, g, k
}

func TestContentIsKeptBeforeItLeavesAndAfterItCame(t *testing.T) {
	t.Parallel()
	p, g, k := keeping(t, map[string]any{"days": 30})
	response, err := g.Complete(t.Context(), chat(t, "Wo wohnt Erika?"))
	if err != nil {
		t.Fatal(err)
	}
	order := strings.Join(p.calls, " → ")
	if i, j := strings.Index(order, "keep → open → complete"), strings.LastIndex(order, "keep → close answered"); i < 0 || j < i {
		t.Errorf("order %s", order)
	}
	if len(k.kept) != 2 || k.kept[0].Answer || !k.kept[1].Answer {
		t.Fatalf("kept %+v", k.kept)
	}
	for i, c := range k.kept {
		if strings.Contains(string(c.Body), "Erika") || !strings.Contains(string(c.Body), "[NAME_1]") {
			t.Errorf("content %d: %s, want the name replaced", i, c.Body)
		}
		if c.ID != "e-1" || c.Case != "p:case" || c.Days != 30 || c.Bytes != len(c.Body) || c.Content != "p:content" {
			t.Errorf("content %d: %+v", i, c)
		}
	}
	if !strings.Contains(string(response.Body), "Erika") {
		t.Errorf("the caller got %s, want the name back", response.Body)
	}
	rec, end := p.records[0], p.closings[0]
	if rec.Kept == nil || rec.Kept.Days != 30 || end.Kept == nil || end.Kept.Bytes != len(k.kept[1].Body) || !slices.Contains(rec.Applied, gateway.ObligationLogContent) {
		t.Errorf("record %+v, closing %+v", rec.Kept, end.Kept)
	}
}

func TestContentIsKeptAsItIsOnlyWhenDemanded(t *testing.T) {
	t.Parallel()
	_, g, k := keeping(t, map[string]any{"days": 30, "original": true}, gateway.Obligation{ID: gateway.ObligationLogContent, Rule: "X-2", Params: map[string]any{"days": 90}})
	if _, err := g.Complete(t.Context(), chat(t, "Wo wohnt Erika?")); err != nil {
		t.Fatal(err)
	}
	for i, c := range k.kept {
		if !strings.Contains(string(c.Body), "Erika") || !c.Original || c.Days != 90 {
			t.Errorf("content %d: %+v %s", i, c, c.Body)
		}
	}
}

// What no screener can read is not kept beside texts in which names are replaced.
func TestWhatCannotBeReadIsNotKept(t *testing.T) {
	t.Parallel()
	image := strings.Repeat("RXJpa2EgTXVzdGVy", 40)
	ask := func(p *parts) gateway.Request {
		p.answer = `{"choices":[{"message":{"content":"Guten Tag Erika"},"logprobs":{"content":[{"token":"Erika","bytes":[69,114,105,107,97],"logprob":-1}]},"finish_reason":"stop"}]}`
		q := chat(t, "Wer ist Erika?")
		q.Body = parse(t, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Wer ist Erika?"},`+
			`{"type":"image_url","image_url":{"url":"data:image/png;base64,`+image+`"}}]},`+
			`{"role":"user","content":"{\"scan\":\"`+image+`\"}"}]}`)
		return q
	}
	p, g, k := keeping(t, map[string]any{"days": 30})
	if _, err := g.Complete(t.Context(), ask(p)); err != nil {
		t.Fatal(err)
	}
	if len(k.kept) != 2 || !k.kept[0].Truncated || !strings.Contains(string(k.kept[0].Body), "[NAME_1]") {
		t.Fatalf("kept %+v", k.kept)
	}
	for i, c := range k.kept {
		for _, secret := range []string{"Erika", image, "logprob"} {
			if strings.Contains(string(c.Body), secret) {
				t.Errorf("content %d holds %q: %s", i, secret, c.Body)
			}
		}
	}
	p, g, k = keeping(t, map[string]any{"days": 30, "original": true})
	if _, err := g.Complete(t.Context(), ask(p)); err != nil {
		t.Fatal(err)
	}
	if len(k.kept) != 2 || k.kept[0].Truncated || !strings.Contains(string(k.kept[0].Body), image) || !strings.Contains(string(k.kept[1].Body), "logprob") {
		t.Errorf("kept %+v, want all of it where the original is demanded", k.kept)
	}
}

func TestWhatCannotBeKeptIsDenied(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params map[string]any
		more   []gateway.Obligation
		change func(*gateway.Gateway, *keeper)
	}{
		"no vault": {params: map[string]any{"days": 30}, change: func(g *gateway.Gateway, _ *keeper) { g.Vault = nil }},
		"vault fails": {params: map[string]any{"days": 30}, change: func(_ *gateway.Gateway, k *keeper) {
			k.err = func(gateway.Content) error { return errors.New("disk full") }
		}},
		"vault has it already": {params: map[string]any{"days": 30}, change: func(_ *gateway.Gateway, k *keeper) {
			k.err = func(gateway.Content) error { return &gateway.Error{Op: "keep", Code: gateway.CodeConflict} }
		}},
		"no days":        {},
		"days in words":  {params: map[string]any{"days": "dreißig"}},
		"for ever":       {params: map[string]any{"days": 40_000}},
		"both are asked": {params: map[string]any{"days": 30}, more: []gateway.Obligation{{ID: gateway.ObligationNoContentLog}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g, k := keeping(t, c.params, c.more...)
			if c.change != nil {
				c.change(g, k)
			}
			_, err := g.Complete(t.Context(), chat(t, "Hallo"))
			if gateway.CodeOf(err) != gateway.CodeDenied || p.sent != "" {
				t.Errorf("error %v, sent %q", err, p.sent)
			}
			if fails := name == "vault fails"; fails != slices.Equal(k.dropped, []string{"e-1"}) {
				t.Errorf("dropped %v: only a vault that fails may have kept this content all the same", k.dropped)
			}
			if len(p.closings) != 1 || p.closings[0].Outcome != gateway.OutcomeDenied || p.records[0].Kept != nil || slices.Contains(p.records[0].Applied, gateway.ObligationLogContent) {
				t.Errorf("records %+v, closings %+v", p.records, p.closings)
			}
		})
	}
}

func TestAnAnswerThatCannotBeKeptIsWithheld(t *testing.T) {
	t.Parallel()
	p, g, k := keeping(t, map[string]any{"days": 30})
	k.err = func(c gateway.Content) error {
		if c.Answer {
			return errors.New("disk full")
		}
		return nil
	}
	response, err := g.Complete(t.Context(), chat(t, "Hallo"))
	if gateway.CodeOf(err) != gateway.CodeNoRecord || response != nil {
		t.Errorf("response %+v, %v", response, err)
	}
	if len(p.closings) != 1 || p.closings[0].Outcome != gateway.OutcomeFailed || p.closings[0].Code != gateway.CodeNoRecord || p.closings[0].Kept != nil {
		t.Errorf("closings %+v", p.closings)
	}
}

func TestContentWithoutARecordIsDropped(t *testing.T) {
	t.Parallel()
	p, g, k := keeping(t, map[string]any{"days": 30})
	p.openErr = errors.New("disk full")
	if _, err := g.Complete(t.Context(), chat(t, "Hallo")); gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Fatalf("error %v", err)
	}
	if !slices.Equal(k.dropped, []string{"e-1"}) {
		t.Errorf("dropped %v", k.dropped)
	}
	p, g, k = keeping(t, map[string]any{"days": 30})
	p.panicAt = "open"
	if _, err := g.Complete(t.Context(), chat(t, "Hallo")); gateway.CodeOf(err) != gateway.CodeNoRecord || !slices.Equal(k.dropped, []string{"e-1"}) {
		t.Errorf("a recorder that panics: dropped %v, %v", k.dropped, err)
	}
}

func TestAStreamIsKeptWhenItEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end     error
		most    int
		outcome gateway.Outcome
		cut     bool
	}{
		"whole":           {outcome: gateway.OutcomeAnswered},
		"cut by us":       {most: 10, outcome: gateway.OutcomeAnswered, cut: true},
		"cut by a server": {end: &gateway.Error{Code: gateway.CodeTruncated}, outcome: gateway.OutcomeTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g, k := keeping(t, map[string]any{"days": 30})
			k.most = c.most
			p.events = []string{event("Guten Tag", ""), event(" [NAME", ""), event("_1], wie geht es?", "stop")}
			p.eventErr = c.end
			s, err := g.Stream(t.Context(), chat(t, "Erika?"))
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = s.Next()
			}
			if c.end == nil && !errors.Is(err, io.EOF) {
				t.Fatalf("the stream ended with %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if len(k.kept) != 2 || k.spools != 0 {
				t.Fatalf("kept %+v, %d spools open", k.kept, k.spools)
			}
			answer := k.kept[1]
			if strings.Contains(string(answer.Body), "Erika") || !strings.Contains(string(answer.Body), "Guten Tag") || answer.Truncated != c.cut ||
				!c.cut && !strings.Contains(string(answer.Body), "Guten Tag [NAME_1], wie geht es?") {
				t.Errorf("answer %s, truncated %v", answer.Body, answer.Truncated)
			}
			if p.closings[0].Outcome != c.outcome || p.closings[0].Kept == nil || p.closings[0].Kept.Truncated != c.cut {
				t.Errorf("closing %+v", p.closings[0])
			}
		})
	}
}

// A stream may speak: the pieces of its sound are no text.
func TestWhatNobodyCanReadOfAStreamIsNotKept(t *testing.T) {
	t.Parallel()
	p, g, k := keeping(t, map[string]any{"days": 30})
	sound := strings.Repeat("RXJpa2EgTXVzdGVy", 20)
	for range 3 {
		p.events = append(p.events, `{"choices":[{"index":0,"delta":{"audio":{"data":"`+sound+`"}}}]}`)
	}
	p.events = append(p.events, event("Guten Tag", "stop"))
	if _, err := readAll(t, g, chat(t, "Erika?")); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if len(k.kept) != 2 || !k.kept[1].Truncated || strings.Contains(string(k.kept[1].Body), sound) || !strings.Contains(string(k.kept[1].Body), "Guten Tag") {
		t.Errorf("kept %+v", k.kept)
	}
}

// A tool call of an answer may have members of any name.
func TestNoNameOfAMemberHidesAPerson(t *testing.T) {
	t.Parallel()
	p, g, k := keeping(t, map[string]any{"days": 30})
	p.answer = `{"choices":[{"message":{"tool_calls":[{"function":{"name":"mail","arguments":"{\"logprobs\":\"Erika\"}"}}]},"finish_reason":"tool_calls"}]}`
	if _, err := g.Complete(t.Context(), chat(t, "Hallo")); err != nil {
		t.Fatal(err)
	}
	if len(k.kept) != 2 || strings.Contains(string(k.kept[1].Body), "Erika") {
		t.Errorf("kept %s", k.kept[1].Body)
	}
}

func TestAPermitKeepsTheRequestAlone(t *testing.T) {
	t.Parallel()
	p, g, k := keeping(t, map[string]any{"days": 30})
	permit, err := g.Permit(t.Context(), chat(t, "Erika"))
	if err != nil {
		t.Fatal(err)
	}
	if err := permit.Close(t.Context(), gateway.OutcomeAnswered, "fertig"); err != nil {
		t.Fatal(err)
	}
	if len(k.kept) != 1 || k.kept[0].Answer || strings.Contains(string(k.kept[0].Body), "Erika") || p.closings[0].Kept != nil {
		t.Errorf("kept %+v", k.kept)
	}
}
