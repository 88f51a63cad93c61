// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// listFilter is the query of the page, as it stands in the address. Whoever has
// the address sees the same, within the own rights.
type listFilter struct {
	Period   string // 24h, 7d, 30d, alle; or empty with From or To
	From, To string // 2006-01-02T15:04 in Berlin, or RFC 3339
	Tenant   string
	System   string
	Purpose  string
	Service  string
	Result   string
	// Query is an id, a rule, or words of a legal basis.
	Query     string
	Rule      string
	Basis     string
	Model     string
	Residency string
	Revision  string
	Case      string // a pseudonym
	cursor    string
}

// filterFields are the names in the address, in the order of the page.
func (f *listFilter) fields() []filterField {
	return []filterField{
		{"zeitraum", "Zeitraum", &f.Period},
		{"von", "von", &f.From},
		{"bis", "bis", &f.To},
		{"mandant", "Mandant", &f.Tenant},
		{"verfahren", "Fachverfahren", &f.System},
		{"zweck", "Anwendungsfall", &f.Purpose},
		{"leistung", "Leistung", &f.Service},
		{"ergebnis", "Ergebnis", &f.Result},
		{"q", "Suche", &f.Query},
		{"regel", "Regel", &f.Rule},
		{"grundlage", "Rechtsgrundlage", &f.Basis},
		{"modell", "Modell", &f.Model},
		{"ort", "Ort", &f.Residency},
		{"stand", "Regelstand", &f.Revision},
		{"vorgang", "Vorgang", &f.Case},
	}
}

type filterField struct {
	name, title string
	value       *string
}

const maxField = 200

func readFilter(q url.Values) (listFilter, error) {
	f := listFilter{cursor: q.Get("ab")}
	for _, field := range f.fields() {
		*field.value = strings.TrimSpace(q.Get(field.name))
		if len(*field.value) > maxField {
			return f, invalid(field.name, "Diese Angabe des Filters ist zu lang.")
		}
	}
	switch {
	case f.From != "" || f.To != "":
		f.Period = ""
	case f.Period == "" || f.Period == "eigen":
		f.Period = "24h"
	}
	return f, nil
}

// values is the query again, for links.
func (f *listFilter) values(cursor string) url.Values {
	v := url.Values{}
	for _, field := range f.fields() {
		if *field.value != "" {
			v.Set(field.name, *field.value)
		}
	}
	if cursor != "" {
		v.Set("ab", cursor)
	}
	return v
}

const decisionsPath = "/admin/decisions"

func (f *listFilter) address(cursor string) string {
	return decisionsPath + "?" + f.values(cursor).Encode()
}

// without is the filter without one of its fields.
func (f *listFilter) without(name string) *listFilter {
	out := *f
	f = &out
	for _, field := range f.fields() {
		if field.name == name {
			*field.value = ""
		}
	}
	if f.Period == "" && f.From == "" && f.To == "" {
		f.Period = "24h"
	}
	f.cursor = ""
	return f
}

// chip is an active part of the filter with the address without it.
type chip struct{ Title, Text, Remove string }

// chips are the parts that restrict beyond the usual period.
func (u *UI) chips(f listFilter, lang string) []chip {
	var out []chip
	say := u.translate(lang)
	for _, field := range f.fields() {
		value := *field.value
		if value == "" || field.name == "zeitraum" {
			continue
		}
		out = append(out, chip{say(field.title), u.filterWord(field.name, value, say), f.without(field.name).address("")})
	}
	return out
}

// filterWord is the value of a field in words.
func (u *UI) filterWord(field, value string, say func(string, ...any) string) string {
	if typed := 0; strings.HasPrefix(value, "(freie") {
		if n, err := fmt.Sscanf(value, freeText, &typed); n == 1 && err == nil {
			return say(freeText, typed)
		}
	}
	switch field {
	case "zeitraum":
		return say(name(map[string]string{"24h": "24 Stunden", "7d": "7 Tage", "30d": "30 Tage", "365d": "1 Jahr", "alle": "Gesamt"}, value))
	case "mandant":
		return u.tenantName(gateway.TenantID(value))
	case "leistung":
		return u.serviceName(gateway.ServiceID(value))
	case "zweck":
		return say(purposeName(gateway.Purpose(value)))
	case "ergebnis":
		return say(resultText(resultKeys[value]))
	case "ort":
		return say(residencyName(gateway.Residency(value)))
	case "vorgang":
		return short(gateway.Pseudonym(value))
	case "von", "bis":
		if at, err := u.readTime(value); err == nil {
			return at.In(u.zone).Format("02.01.2006 15:04")
		}
	}
	return value
}

// resultKeys are the results by their names in the address.
var resultKeys = map[string]audit.Result{
	"zugelassen": audit.ResultAllowed, "auflagen": audit.ResultDuties, "freigabe": audit.ResultRelease, "abgelehnt": audit.ResultDenied,
	"gestoppt": audit.ResultStopped, "fehlgeschlagen": audit.ResultFailed, "laeuft": audit.ResultOpen,
}

// resultNames are those names in the order of the page.
var resultNames = []string{"zugelassen", "auflagen", "freigabe", "abgelehnt", "gestoppt", "fehlgeschlagen", "laeuft"}

// query turns the address into a filter of the record. What is asked for stays
// within what the person may see.
func (u *UI) query(f listFilter, p identity.Person) (audit.Filter, error) {
	out := audit.Filter{
		Scope: scope(p), System: gateway.SystemID(f.System), Purpose: gateway.Purpose(f.Purpose), Service: gateway.ServiceID(f.Service),
		Model: gateway.ModelID(f.Model), Residency: gateway.Residency(f.Residency), Revision: f.Revision, Rule: f.Rule,
		Case: gateway.Pseudonym(f.Case), Cursor: f.cursor, Limit: 25, Zone: u.zone,
	}
	if f.Tenant != "" {
		if !p.Sees(gateway.TenantID(f.Tenant)) {
			return out, &gateway.Error{Op: "read filter", Code: gateway.CodeDenied, Path: "mandant", Message: "Sie sehen nur die Einträge Ihres Mandanten."}
		}
		out.Scope = audit.Scope{Tenant: gateway.TenantID(f.Tenant)}
	}
	if f.Result != "" {
		result, ok := resultKeys[f.Result]
		if !ok {
			return out, invalid("ergebnis", "Das Ergebnis ist unbekannt. Möglich sind "+strings.Join(resultNames, ", ")+".")
		}
		out.Result = result
	}
	if err := u.filterPeriod(f, &out); err != nil {
		return out, err
	}
	u.search(f, &out)
	return out, nil
}

func (u *UI) filterPeriod(f listFilter, out *audit.Filter) (err error) {
	switch f.Period {
	case "24h":
		out.From = u.Now().Add(-24 * time.Hour)
	case "7d":
		out.From = u.Now().AddDate(0, 0, -7)
	case "30d":
		out.From = u.Now().AddDate(0, 0, -30)
	case "alle":
	case "":
		if f.From != "" {
			if out.From, err = u.readTime(f.From); err != nil {
				return invalid("von", "Der Beginn ist kein Zeitpunkt wie 2026-11-21T14:30.")
			}
		}
		if f.To != "" {
			if out.To, err = u.readTime(f.To); err != nil {
				return invalid("bis", "Das Ende ist kein Zeitpunkt wie 2026-11-21T14:30.")
			}
		}
		if !out.To.IsZero() && !out.From.Before(out.To) {
			return invalid("bis", "Das Ende liegt vor dem Beginn.")
		}
	default:
		return invalid("zeitraum", "Der Zeitraum ist unbekannt. Möglich sind 24h, 7d, 30d und alle.")
	}
	return nil
}

// readTime takes what a field for date and time sends, a day, or an exact time.
func (u *UI) readTime(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, s, u.zone); err == nil {
			return at, nil
		}
	}
	return time.Parse(time.RFC3339, s)
}

// localTime is a time as a field for date and time shows it.
func (u *UI) localTime(s string) string {
	at, err := u.readTime(s)
	if err != nil {
		return ""
	}
	return at.In(u.zone).Format("2006-01-02T15:04")
}

var ruleID = regexp.MustCompile(`^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$`)

// noRule finds nothing: no rule has this id.
const noRule = "-"

// search understands the one field for ids, rules and legal bases.
func (u *UI) search(f listFilter, out *audit.Filter) {
	if f.Basis != "" {
		out.Rules = u.rulesWith(f.Basis, func(r Rule) []string { return []string{r.Basis} })
	}
	switch {
	case f.Query == "":
	case strings.HasPrefix(f.Query, "e-"):
		out.IDPrefix = f.Query
	case ruleID.MatchString(f.Query) && out.Rule == "":
		out.Rule = f.Query
	default:
		found := u.rulesWith(f.Query, func(r Rule) []string { return []string{r.ID, r.Title, r.Basis} })
		if out.Rules != nil {
			found = slices.DeleteFunc(found, func(id string) bool { return !slices.Contains(out.Rules, id) })
			found = append(found, noRule)
		}
		out.Rules = found
	}
}

// rulesWith are the ids of the rules in which words stand, and one that no rule has.
func (u *UI) rulesWith(words string, of func(Rule) []string) []string {
	wanted := wordsOf(words)
	ids := []string{noRule}
	for _, r := range u.Rules() {
		if slices.ContainsFunc(of(r), func(text string) bool { return says(text, wanted) }) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// says reports whether words stand in one of the citations of a text, in their
// order but not necessarily side by side: „Art. 5 KI-VO“ is in „Art. 5 Abs. 1
// Buchst. c KI-VO“.
func says(text string, wanted []string) bool {
	for _, citation := range citations(text) {
		for at := range citation {
			if len(wanted) > 0 && follow(citation[at:], wanted) {
				return true
			}
		}
	}
	return false
}

// follow reports whether the words begin with the first wanted one and go on with
// the others. A number is that of the word before it („Art. 5“ is in „Art. 4 und 5“,
// not in „Art. 26 Abs. 5“ nor in „Art. 50“); words may be left out between words.
func follow(words, wanted []string) bool {
	listed := true // only numbers stood since the word that was met last
	met := 0
	for i, word := range words {
		switch {
		case i == 0 && !alike(word, wanted[0]):
			return false
		case alike(word, wanted[met]) && (listed || !isNumber(wanted[met])):
			if met++; met == len(wanted) {
				return true
			}
			listed = true
		default:
			listed = listed && (isNumber(word) || word == "und" || word == "bis")
		}
	}
	return false
}

func alike(word, wanted string) bool {
	switch {
	case word == wanted:
		return true
	case isNumber(wanted):
		return false
	case len(wanted) > 3:
		return strings.Contains(word, wanted)
	}
	return strings.HasPrefix(word, wanted)
}

var lastOfLaw = regexp.MustCompile(`[\p{Lu}][^ ]*[\p{Lu}][^,;]*$`)

// citations are the words of the parts of an enumeration, each with the „Art.“ and
// the law that the others state for it: „Art. 26, 27 KI-VO“.
func citations(text string) [][]string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == ',' })
	out := make([][]string, len(parts))
	law, sign := "", ""
	for i, part := range slices.Backward(parts) {
		out[i] = wordsOf(part)
		if stated := lastOfLaw.FindString(part); stated != "" {
			law = stated
		} else {
			out[i] = append(out[i], wordsOf(law)...)
		}
	}
	for i, words := range out {
		if len(words) > 0 && isNumber(words[0]) {
			out[i] = append([]string{sign}, words...)
		} else if len(words) > 0 {
			sign = words[0]
		}
	}
	return out
}

var wordsIn = regexp.MustCompile(`§+|[0-9]+[a-z]?|[\p{L}\p{M}][\p{L}\p{M}0-9-]*`)

// wordsOf makes „§ 80 sgb x“ and „§80 SGB X“ the same.
func wordsOf(s string) []string { return wordsIn.FindAllString(strings.ToLower(s), -1) }

// isNumber is also the number of a book of the SGB.
func isNumber(word string) bool {
	return word[0] >= '0' && word[0] <= '9' || strings.Trim(word, "ivx") == ""
}

// pick is one of the values of a field.
type pick struct {
	Value, Text string
	Chosen      bool
}

func picks[T ~string](values []T, chosen string, text func(T) string) []pick {
	var out []pick
	known := false
	for _, v := range values {
		out = append(out, pick{string(v), text(v), string(v) == chosen})
		known = known || string(v) == chosen
	}
	slices.SortStableFunc(out, func(a, b pick) int { return cmp.Compare(a.Text, b.Text) })
	if chosen != "" && !known {
		out = append(out, pick{chosen, chosen, true})
	}
	return out
}
