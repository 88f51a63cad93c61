// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

func bilingual(t *testing.T) *UI {
	t.Helper()
	l, err := newLocale()
	if err != nil {
		t.Fatal(err)
	}
	return &UI{Config: Config{Directory: oneTown{}}, locale: l, zone: time.UTC}
}

// What an obligation changed is said in one sentence, in both languages.
func TestChangesInWords(t *testing.T) {
	t.Parallel()
	u := bilingual(t)
	for _, c := range []struct {
		change          gateway.Change
		german, english []string
	}{
		{
			gateway.Change{ID: "strip_fields", Fields: []string{"prompt_cache_key", "user"}},
			[]string{"Felder entfernt: prompt_cache_key, user"},
			[]string{"Fields removed: prompt_cache_key, user"},
		},
		{gateway.Change{ID: "block_tools", Fields: []string{"tools"}, Count: 2}, []string{"Werkzeuge nicht angeboten: 2"}, []string{"Tools not offered: 2"}},
		{gateway.Change{ID: "block_tools", Fields: []string{"tool_choice"}}, []string{"Angaben zu Werkzeugen entfernt: tool_choice"}, []string{"Settings for tools removed: tool_choice"}},
		{gateway.Change{ID: "cap_tokens", From: 4000, To: 800}, []string{"Antwort auf 800 statt 4\u202f000 Tokens begrenzt"}, []string{"Answer capped at 800 instead of 4\u202f000 tokens"}},
		{
			gateway.Change{ID: "cap_tokens", To: 800, Fields: []string{"n"}},
			[]string{"Antwort auf 800 Tokens begrenzt, vorher ohne Grenze", "Angaben zur Länge und Zahl der Antworten entfernt: n"},
			[]string{"Answer capped at 800 tokens, no bound before", "Settings for length and number of answers removed: n"},
		},
		{gateway.Change{ID: "restrict_models", Models: []gateway.ModelID{"a", "b"}}, []string{"Modelle ausgeschlossen: a, b"}, []string{"Models excluded: a, b"}},
		{gateway.Change{ID: "pseudonymise", Count: 1}, []string{"Eine Stelle mit Personenbezug ersetzt"}, []string{"One place with personal data replaced"}},
		{gateway.Change{ID: "pseudonymise", Count: 3}, []string{"3 Stellen mit Personenbezug ersetzt"}, []string{"3 places with personal data replaced"}},
	} {
		said := changePhrases(c.change)
		for lang, want := range map[string][]string{"de": c.german, "en": c.english} {
			var got []string
			for _, p := range said {
				got = append(got, p.in(u.translate(lang)))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v reads %q, want %q", c.change, got, want)
			}
		}
	}
}

// An obligation that found nothing to do never reads as if it had done something; a
// record of before says nothing about it.
func TestFulfilledObligations(t *testing.T) {
	t.Parallel()
	u := bilingual(t)
	texts := func(r gateway.Record) map[string]string {
		out := map[string]string{}
		for _, f := range fulfilledOf(r) {
			out[f.ID] = ""
			for _, p := range f.Done {
				out[f.ID] += p.in(u.translate("de"))
			}
		}
		return out
	}
	r := gateway.Record{
		Applied: []string{"strip_fields", "strip_fields", "block_tools", "notice"},
		Changes: []gateway.Change{{ID: "block_tools", Count: 1}},
	}
	if got := texts(r); len(got) != 3 || got["strip_fields"] != "nichts zu ändern" || got["block_tools"] != "Werkzeuge nicht angeboten: 1" || got["notice"] != "" {
		t.Errorf("fulfilled: %q", got)
	}
	r.Changes = nil
	if got := texts(r); len(got) != 3 || got["strip_fields"]+got["block_tools"]+got["notice"] != "" {
		t.Errorf("of before: %q", got)
	}
	if evidenceChanges(r, nil) != "" || evidenceChanges(gateway.Record{Changes: []gateway.Change{}}, nil) != "nichts" {
		t.Error("the evidence takes a record that does not say for one of which nothing was changed")
	}
}

// The page says which model answered, and what became of the other attempt.
func TestAttemptsInWords(t *testing.T) {
	t.Parallel()
	u := bilingual(t)
	began := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	i := audit.Item{
		Record: gateway.Record{
			Time: began, Route: &gateway.Route{Model: "erst", Endpoint: "a"},
			Decisions: []gateway.Decision{{Effect: gateway.EffectAllow}},
		},
		Closing: &gateway.Closing{
			Outcome: gateway.OutcomeAnswered, Total: 3 * time.Second, Answered: &gateway.Route{Model: "zweit", Endpoint: "b", Residency: gateway.ResidencyOwn},
			Attempts: []gateway.Attempt{
				{Model: "erst", Endpoint: "a", Started: began, Duration: 4 * time.Second, Code: gateway.CodeSuperseded},
				{Model: "zweit", Endpoint: "b", Started: began.Add(time.Second), Duration: time.Second},
			},
		},
	}
	for lang, want := range map[string][]string{
		"de": {"Versuch: zweit über b hat geantwortet", "Versuch: erst über a ein zweiter Weg war schneller, dieser wurde abgebrochen"},
		"en": {"Attempt: zweit via b answered", "Attempt: erst via a a second way was faster, this one was broken off"},
	} {
		var got []string
		for _, s := range steps(i) {
			if s.At > i.Closing.Total {
				t.Errorf("%+v is after the end", s)
			}
			got = append(got, s.Text.in(u.translate(lang))+" "+s.Note.in(u.translate(lang)))
		}
		for _, one := range want {
			if !slices.Contains(got, one) {
				t.Errorf("the course of events lacks %q: %q", one, got)
			}
		}
	}
	if got := u.row(i); got.Model != "zweit" {
		t.Errorf("the list names %s", got.Model)
	}
}

// Every code of an attempt that is not a fault of the gateway has words of its own.
func TestAttemptCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []gateway.Code{
		"", gateway.CodeSuperseded, gateway.CodeTimeout, gateway.CodeUnavailable, gateway.CodeUpstream, gateway.CodeRateLimited,
		gateway.CodeOverloaded, gateway.CodeTruncated, gateway.CodeDenied, gateway.CodeCancelled,
	} {
		if p := attemptText(c); len(p.args) > 0 || p.text == "" {
			t.Errorf("%s reads %q", c, p.text)
		}
	}
}

// No class of the catalogue is shown by its id, in neither language.
func TestEveryClassHasAName(t *testing.T) {
	t.Parallel()
	u := bilingual(t)
	raw, err := os.ReadFile("../../policies/catalog/guide.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ids := regexp.MustCompile(`(?m)^  - id: (\w+)$`).FindAllStringSubmatch(string(raw), -1)
	if len(ids) < 9 {
		t.Fatalf("only %d classes", len(ids))
	}
	for _, id := range ids {
		german, english := riskName(id[1]), u.translate("en")(riskName(id[1]))
		if german == id[1] || english == german {
			t.Errorf("%s is called %q and %q", id[1], german, english)
		}
	}
}

// A look changes nothing: the journal says its filter in words, not as old and new.
func TestLooksInWords(t *testing.T) {
	t.Parallel()
	u := bilingual(t)
	note := func(topic, before, after string) audit.NotedAt {
		return audit.NotedAt{Note: audit.Note{Topic: topic, Old: json.RawMessage(before), New: json.RawMessage(after)}}
	}
	look := note(audit.TopicListViewed, "", `{"zeitraum":"alle","zweck":"social_scoring","q":"(freie Eingabe, 16 Zeichen)","neu":"x"}`)
	german := []filterPair{{"Zeitraum", "Gesamt"}, {"Anwendungsfall", "Soziale Bewertung"}, {"Suche", "(freie Eingabe, 16 Zeichen)"}, {"neu", "x"}}
	english := []filterPair{{"Period", "All time"}, {"Use case", "Social scoring"}, {"Search", "(free text, 16 characters)"}, {"neu", "x"}}
	if line := u.journalLine(look, "de"); !slices.Equal(line.Filter, german) || line.Changes != nil {
		t.Errorf("a look: %+v, %+v", line.Filter, line.Changes)
	}
	if line := u.journalLine(look, "en"); !slices.Equal(line.Filter, english) {
		t.Errorf("a look in English: %+v", line.Filter)
	}
	cells := u.journalCells(look)
	if n := len(cells); cells[n-3]+cells[n-2] != "" || cells[n-1] != "Zeitraum: Gesamt; Anwendungsfall: Soziale Bewertung; Suche: (freie Eingabe, 16 Zeichen); neu: x" {
		t.Errorf("a look in the file: %q", cells)
	}
	change := note(audit.TopicTenantChanged, `{"active":true}`, `{"active":false}`)
	if line := u.journalLine(change, "de"); line.Filter != nil || len(line.Changes) != 1 {
		t.Errorf("a change: %+v, %+v", line.Filter, line.Changes)
	}
	if cells := u.journalCells(change); cells[len(cells)-2] != `{"active":false}` || cells[len(cells)-1] != "" {
		t.Errorf("a change in the file: %q", cells)
	}
}
