// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Words are title and sentence of a rule in a language: "en" for English, anything
// else for German. What a bundle does not say in English is said in German.
func (r RuleInfo) Words(language string) (title, text string) {
	if language != "en" {
		return r.Title, r.Text
	}
	return cmp.Or(r.EnglishTitle, r.Title), cmp.Or(r.English, r.Text)
}

// GuideEnglish is Guide in English, of the same shape. What the table english of the
// bundle does not know stays German; the names of German statutes always do.
func (e *Engine) GuideEnglish(ctx context.Context) (Guide, error) {
	g, texts, err := e.guide(ctx)
	if err != nil {
		return Guide{}, err
	}
	return g.english(texts), nil
}

// english puts the English texts in the place of the German ones, in copies.
func (g Guide) english(texts map[string]string) Guide {
	say := func(german string) string { return cmp.Or(texts[german], german) }
	g.Examples = englishExamples(g.Examples, say)
	g.Classes = slices.Clone(g.Classes)
	for i, c := range g.Classes {
		c.Title, c.Text, c.Basis = say(c.Title), say(c.Text), NormEnglish(c.Basis)
		c.Examples = englishExamples(c.Examples, say)
		c.Checklist = slices.Clone(c.Checklist)
		for j, d := range c.Checklist {
			d.Duty, d.Who, d.How, d.Norm, d.Day = say(d.Duty), say(d.Who), say(d.How), NormEnglish(d.Norm), dayEnglish(d.Since)
			c.Checklist[j] = d
		}
		g.Classes[i] = c
	}
	g.Purposes = slices.Clone(g.Purposes)
	for i, p := range g.Purposes {
		p.Title, p.Text = say(p.Title), say(p.Text)
		p.Rows = slices.Clone(p.Rows)
		for j, r := range p.Rows {
			r.Basis, r.Source = NormEnglish(r.Basis), cmp.Or(texts[r.Source], NormEnglish(r.Source))
			p.Rows[j] = r
		}
		g.Purposes[i] = p
	}
	slices.SortStableFunc(g.Purposes, func(a, b GuidePurpose) int { return strings.Compare(fold(a.Title), fold(b.Title)) })
	return g
}

func englishExamples(list []Example, say func(string) string) []Example {
	list = slices.Clone(list)
	for i, x := range list {
		x.Area, x.Title, x.Why = say(x.Area), say(x.Title), say(x.Why)
		x.Norm, x.Paragraph = NormEnglish(x.Norm), NormEnglish(x.Paragraph)
		list[i] = x
	}
	return list
}

func dayEnglish(date string) string {
	d, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return d.Format("2 January 2006")
}

// citation are the parts of a German citation and what they are in English, in the
// order in which they are replaced: the longer ones first.
var citation = []struct {
	german  *regexp.Regexp
	english string
}{
	{regexp.MustCompile(`Verordnung \(EU\)`), "Regulation (EU)"},
	{regexp.MustCompile(` und Landesrecht`), " and the law of the federal states"},
	{regexp.MustCompile(`, Verschlusssachenanweisung`), ", general administrative instruction on classified information (VSA)"},
	{regexp.MustCompile(`Anhangs? III`), "Annex III"},
	{regexp.MustCompile(`KI-VO`), "AI Act"},
	{regexp.MustCompile(`DSGVO`), "GDPR"},
	{regexp.MustCompile(`i\. V\. m\. `), "in conjunction with "},
	{regexp.MustCompile(`Erwägungsgrund`), "recital"},
	{regexp.MustCompile(`Abschn\. `), "section "},
	{regexp.MustCompile(`Rn\. `), "para. "},
	{regexp.MustCompile(`Unterabs\. ([0-9]+)`), "subpara. $1"},
	{regexp.MustCompile(`([0-9]+[a-z]?) (?:Abs\.|Nr\.) ([0-9]+)`), "$1($2)"},
	{regexp.MustCompile(`(\([0-9]+\)), ([0-9]+) (und|bis) ([0-9]+)`), "$1, ($2) $3 ($4)"},
	{regexp.MustCompile(`(\([0-9]+\)) (und|bis) ([0-9]+)`), "$1 $2 ($3)"},
	{regexp.MustCompile(`Abs\. ([0-9]+)`), "para. $1"},
	{regexp.MustCompile(`Satz ([0-9]+)`), "sentence $1"},
	{regexp.MustCompile(`Nr\. ([0-9]+)`), "point $1"},
	{regexp.MustCompile(`(\)|point [0-9]+|section [0-9.]+) Buchst\. ([a-z])\b`), "$1($2)"},
	{regexp.MustCompile(`Buchst\. ([a-z])\b`), "point ($1)"},
	{regexp.MustCompile(`(\([a-z]\)) und ([a-z])\b`), "$1 und ($2)"},
	{regexp.MustCompile(` bis `), " to "},
	{regexp.MustCompile(` und `), " and "},
}

// NormEnglish writes a citation as it is usual in English: "Art. 6 Abs. 2 KI-VO" is
// "Art. 6(2) AI Act". Names of German statutes stay.
func NormEnglish(norm string) string {
	for _, part := range citation {
		norm = part.german.ReplaceAllString(norm, part.english)
	}
	return norm
}
