// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// germanLeft are words that no English text of the library has.
var germanLeft = regexp.MustCompile(`[äöüßÄÖÜ]|\b(?:und|der|die|das|nicht|bis|Abs|Buchst|Nr|Anhang|KI-VO|DSGVO|Bescheid)\b`)

// TestEveryRuleIsSaidInEnglish: no rule of the library is without an English title
// and sentence, and none repeats the German one.
func TestEveryRuleIsSaidInEnglish(t *testing.T) {
	t.Parallel()
	rules := shippedEngine(t).Rules()
	if len(rules) < 63 {
		t.Fatalf("%d rules: the test sees not all", len(rules))
	}
	for _, r := range rules {
		title, text := r.Words("en")
		if r.EnglishTitle == "" || title != r.EnglishTitle || title == r.Title || germanLeft.MatchString(title) {
			t.Errorf("%s has the English title %q", r.ID, title)
		}
		if text == "" || text == r.Text || germanLeft.MatchString(text) {
			t.Errorf("%s has the English sentence %q", r.ID, text)
		}
		if basis := NormEnglish(r.Basis); strings.ContainsAny(basis, "äöü") || germanLeft.MatchString(strings.ReplaceAll(basis, "SÜG", "")) {
			t.Errorf("%s: %s is %q in English", r.ID, r.Basis, basis)
		}
		if title, text := r.Words("de"); title != r.Title || text != r.Text {
			t.Errorf("%s in German: %q, %q", r.ID, title, text)
		}
	}
}

// TestGuideInEnglish compares both guides field by field: the same shape, and every
// text that people read is another one.
func TestGuideInEnglish(t *testing.T) {
	t.Parallel()
	e := shippedEngine(t)
	german, err := e.Guide(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	english, err := e.GuideEnglish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(german.Classes) != len(english.Classes) || len(german.Purposes) != len(english.Purposes) || len(german.Examples) != len(english.Examples) || len(english.Examples) < 55 {
		t.Fatalf("the shapes differ: %d classes, %d purposes, %d examples", len(english.Classes), len(english.Purposes), len(english.Examples))
	}
	texts := map[string]bool{"Title": true, "Text": true, "Duty": true, "Who": true, "How": true, "Area": true, "Why": true, "Basis": true, "Norm": true, "Source": true, "Paragraph": true, "Day": true}
	seen := 0
	var walk func(where string, v reflect.Value)
	walk = func(where string, v reflect.Value) {
		switch v.Kind() { //nolint:exhaustive // what a guide is made of beside its texts
		case reflect.Slice:
			for i := range v.Len() {
				walk(where, v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				name := v.Type().Field(i).Name
				if f := v.Field(i); texts[name] && f.Kind() == reflect.String {
					seen++
					if text := f.String(); germanLeft.MatchString(text) {
						t.Errorf("%s.%s is still German: %q", where, name, text)
					}
					continue
				}
				walk(where+"."+name, v.Field(i))
			}
		}
	}
	walk("guide", reflect.ValueOf(english))
	if seen < 700 {
		t.Errorf("%d texts were looked at: the test sees not all", seen)
	}
	if again, err := e.Guide(t.Context()); err != nil || !reflect.DeepEqual(german, again) {
		t.Error("the English guide changed the German one")
	}
}

func TestEveryTextHasOneTranslation(t *testing.T) {
	t.Parallel()
	e := shippedEngine(t)
	g, texts, err := e.guide(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	missing := func(list ...string) {
		for _, s := range list {
			used[s] = true
			if s != "" && texts[s] == "" {
				t.Errorf("english.yaml does not have %q", s)
			}
		}
	}
	for _, c := range g.Classes {
		missing(c.Title, c.Text)
		for _, d := range c.Checklist {
			missing(d.Duty, d.Who, d.How)
		}
	}
	for _, p := range g.Purposes {
		missing(p.Title, p.Text)
		for _, r := range p.Rows {
			used[r.Source] = true
		}
	}
	for _, x := range g.Examples {
		missing(x.Area, x.Title, x.Why)
	}
	for german := range texts {
		if !used[german] {
			t.Errorf("english.yaml translates what nobody says any more: %q", german)
		}
	}
}

func TestNormEnglish(t *testing.T) {
	t.Parallel()
	for german, want := range map[string]string{
		"Art. 6 Abs. 2 KI-VO":                             "Art. 6(2) AI Act",
		"Art. 6 Abs. 2 bis 4 KI-VO":                       "Art. 6(2) to (4) AI Act",
		"Art. 3 Nr. 12, Art. 6 Abs. 2 KI-VO":              "Art. 3(12), Art. 6(2) AI Act",
		"Art. 26, 27 und 49 Abs. 3 KI-VO, Art. 35 DSGVO":  "Art. 26, 27 and 49(3) AI Act, Art. 35 GDPR",
		"Art. 5 Abs. 1 Buchst. c und f DSGVO":             "Art. 5(1)(c) and (f) GDPR",
		"Anhang III Nr. 5 Buchst. a KI-VO":                "Annex III point 5(a) AI Act",
		"Art. 6 Abs. 3 Unterabs. 2 Buchst. a und d KI-VO": "Art. 6(3) subpara. 2 point (a) and (d) AI Act",
		"§ 30 Abs. 1, 4 und 9 AO":                         "§ 30(1), (4) and (9) AO",
		"§ 24 Abs. 1 Satz 3 VwVfG":                        "§ 24(1) sentence 3 VwVfG",
		"§ 80 Abs. 1 bis 3 SGB X":                         "§ 80(1) to (3) SGB X",
		"Abschn. 3.5 Rn. 290 bis 292":                     "section 3.5 para. 290 to 292",
		"Dienstanweisung":                                 "Dienstanweisung",
		"":                                                "",
	} {
		if got := NormEnglish(german); got != want {
			t.Errorf("%s is %q, want %q", german, got, want)
		}
	}
	if got := dayEnglish(time.Date(2027, 12, 2, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)); got != "2 December 2027" {
		t.Errorf("the day is %q", got)
	}
}

func shippedEngine(t *testing.T) *Engine {
	t.Helper()
	e, err := New(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
