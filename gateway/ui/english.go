// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// said is a text with its language, where that is not the page's.
type said struct{ Text, Lang string }

// ruleInfo is a rule in the language of a page.
type ruleInfo struct{ Title, Text, Basis string }

// rulebook says the texts of rules in a language. The record keeps the German ones
// that counted then: the English ones of the rules in force stand for them only as
// long as the German ones are the same.
type rulebook struct {
	lang  string
	rules func() map[string]Rule
}

func (u *UI) rulebook(lang string) rulebook {
	return rulebook{lang: lang, rules: sync.OnceValue(func() map[string]Rule {
		byID := map[string]Rule{}
		for _, r := range u.Rules() {
			byID[r.ID] = r
		}
		return byID
	})}
}

// title of a rule, as the record or a decision has it.
func (b rulebook) title(id, german string) said {
	if b.lang != "en" {
		return said{Text: german}
	}
	if r := b.rules()[id]; r.Title == german && r.EnglishTitle != "" {
		return said{Text: r.EnglishTitle}
	}
	return said{german, "de"}
}

// sentence of a rule, likewise.
func (b rulebook) sentence(id, german string) said {
	if b.lang != "en" {
		return said{Text: german}
	}
	if r := b.rules()[id]; r.Text == german && r.English != "" {
		return said{Text: r.English}
	}
	return said{german, "de"}
}

// norm is a legal basis as it is cited in the language, with the breaks of lines
// that people expect.
func (b rulebook) norm(basis string) string {
	return citation.ReplaceAllString(cited(b.lang, basis), "$1\u00a0")
}

// cited is a legal basis as it is cited in a language.
func cited(lang, basis string) string {
	if lang == "en" {
		return policies.NormEnglish(basis)
	}
	return basis
}

// citation are the abbreviations that stay in one line with what follows them.
var citation = regexp.MustCompile(`(§§?|Art\.|Abs\.|Nr\.|Buchst\.|lit\.|Satz|SGB|Anhangs?|Annex) `)

// info is a rule of a bundle with its own words.
func (b rulebook) info(r policies.RuleInfo) ruleInfo {
	title, text := r.Words(b.lang)
	return ruleInfo{title, text, b.norm(r.Basis)}
}

// inLanguage puts the words of the guide and of the catalogue into a register.
// What a tenant wrote stays as it is.
func (u *UI) inLanguage(ctx context.Context, lang string, b Book) (Book, error) {
	if lang != "en" || u.Register.Classes == nil {
		return b, nil
	}
	german, err := u.Register.Classes.Guide(ctx, "de")
	if err != nil {
		return b, err
	}
	english, err := u.Register.Classes.Guide(ctx, "en")
	if err != nil {
		return b, err
	}
	t := u.translate(lang)
	b.Entries = slices.Clone(b.Entries)
	for i, e := range b.Entries {
		was, is := german.purpose(e.Purpose), english.purpose(e.Purpose)
		if e.Text == was.Text {
			e.Text = is.Text
		}
		e.PurposeTitle = cmp.Or(is.Title, e.PurposeTitle)
		e.ServiceTitle = cmp.Or(english.service(e.Service).Title, e.ServiceTitle)
		if class := classOf(english, e.Class); class.Text != "" {
			e.ClassTitle = class.Title
		}
		e.ClassTitle, e.Retention = t(e.ClassTitle), t(e.Retention)
		if e.Basis, err = u.riskBasis(ctx, lang, e.Basis); err != nil {
			return b, err
		}
		e.Basis = cited(lang, e.Basis)
		b.Entries[i] = e
	}
	return b, nil
}

// riskBasis is the basis of a class with its source in brackets, in a language.
func (u *UI) riskBasis(ctx context.Context, lang, basis string) (string, error) {
	norm, source, ok := strings.Cut(strings.TrimSuffix(basis, ")"), " (")
	if lang != "en" || !ok || u.Register == nil || u.Register.Classes == nil {
		return basis, nil
	}
	german, err := u.Register.Classes.Guide(ctx, "de")
	if err != nil {
		return basis, err
	}
	english, err := u.Register.Classes.Guide(ctx, "en")
	if err != nil {
		return basis, err
	}
	for _, p := range german.Purposes {
		is := english.purpose(p.ID)
		for i, row := range p.Rows {
			if row.Source == source && i < len(is.Rows) {
				return cited(lang, norm) + " (" + is.Rows[i].Source + ")", nil
			}
		}
	}
	return basis, nil
}

func (g ClassGuide) purpose(id gateway.Purpose) GuidePurpose {
	if i := slices.IndexFunc(g.Purposes, func(p GuidePurpose) bool { return p.ID == id }); i >= 0 {
		return g.Purposes[i]
	}
	return GuidePurpose{}
}

func (g ClassGuide) service(id gateway.ServiceID) gateway.ServiceCard {
	if i := slices.IndexFunc(g.Services, func(s gateway.ServiceCard) bool { return s.ID == id }); i >= 0 {
		return g.Services[i]
	}
	return gateway.ServiceCard{}
}
