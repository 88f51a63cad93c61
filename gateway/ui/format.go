// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
)

//go:embed locale/*.json
var localeFiles embed.FS

// locale maps the German texts of the templates to English.
type locale map[string]string

func newLocale() (locale, error) {
	names, err := fs.Glob(localeFiles, "locale/*.json")
	if err != nil {
		return nil, fmt.Errorf("find locale: %w", err)
	}
	all := locale{}
	for _, name := range names {
		raw, err := localeFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read locale: %w", err)
		}
		var l locale
		if err := json.Unmarshal(raw, &l); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		maps.Copy(all, l)
	}
	return all, nil
}

// phrase is a German sentence with values, translated when it is shown.
type phrase struct {
	text string
	args []any
}

func say(text string, args ...any) phrase { return phrase{text, args} }

// sayCount chooses between one and many; many takes the number.
func sayCount(n int, one, many phrase) phrase {
	if n == 1 {
		return one
	}
	many.args = append(many.args, n)
	return many
}

// in is the phrase in a language.
func (p phrase) in(t func(string, ...any) string) string {
	args := make([]any, len(p.args))
	for i, a := range p.args {
		if inner, ok := a.(phrase); ok {
			a = inner.in(t)
		}
		args[i] = a
	}
	return t(p.text, args...)
}

// translate says a German text in a language, with values.
func (u *UI) translate(lang string) func(text string, args ...any) string {
	return func(text string, args ...any) string {
		if lang == "en" {
			if english, ok := u.locale[text]; ok {
				text = english
			}
		}
		if len(args) > 0 {
			return fmt.Sprintf(text, args...)
		}
		return text
	}
}

// functions are what templates may call, for one language.
func (u *UI) functions(lang string) template.FuncMap {
	t := u.translate(lang)
	speak := func(p phrase) string { return p.in(t) }
	rules := u.rulebook(lang)
	return template.FuncMap{
		"t":         t,
		"say":       speak,
		"role":      func(r string) string { return t(roleName(r)) },
		"roles":     func(roles string) string { return roleNames(roles, func(s string) string { return t(s) }) },
		"risk":      func(c string) string { return t(riskName(c)) },
		"percent":   percent,
		"explain":   func(f completeness.Finding) string { return speak(explain(f)) },
		"asset":     u.static.url,
		"time":      func(at time.Time) string { return at.In(u.zone).Format("15:04:05") },
		"date":      func(at time.Time) string { return at.In(u.zone).Format("02.01.2006") },
		"day":       day,
		"iso":       func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"count":     count,
		"ms":        milliseconds,
		"short":     short,
		"purpose":   func(p gateway.Purpose) string { return t(purposeName(p)) },
		"operation": func(o gateway.Operation) string { return t(operationName(o)) },
		"class":     func(c gateway.DataClass) string { return t(className(c)) },
		"kind":      func(k gateway.FindingKind) string { return t(kindName(k)) },
		"residency": func(r gateway.Residency) string { return t(residencyName(r)) },
		"duty":      func(id string) string { return t(dutyName(id)) },
		"join":      strings.Join,
		"current":   current,
		"word":      func(table, key string) string { return t(word(table, key)) },
		"lower":     strings.ToLower,
		"ruletitle": rules.title,
		"ruletext":  rules.sentence,
		"ruleinfo":  rules.info,
		"norm":      rules.norm,
		"inc":       func(n int) int { return n + 1 },
		"num":       number,
		"formats":   func() []string { return []string{"ODT", "PDF", "DOCX", "HTML"} },
	}
}

// current reports whether a page belongs to an item of the menu.
func current(page, item string) bool {
	return page == item || item != "/admin" && strings.HasPrefix(page, item+"/")
}

// day writes a date of the register as Germans do; what is no date stays.
func day(s string) string {
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return s
	}
	return at.Format("02.01.2006")
}

// count groups digits by thin spaces: 4 168.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// percent of all, for the line below a figure.
func percent(n, all int) string {
	if all == 0 {
		return ""
	}
	return strconv.Itoa((n*100+all/2)/all) + "\u202f%"
}

func milliseconds(d time.Duration) string {
	if d > 0 && d < time.Millisecond {
		return "<\u202f1\u00a0ms"
	}
	return count(int(d.Milliseconds())) + "\u00a0ms"
}

// short shows the ends of a long digest.
func short(p gateway.Pseudonym) string {
	s := string(p)
	if len(s) <= 18 {
		return s
	}
	return s[:8] + "…" + s[len(s)-6:]
}

func name(names map[string]string, key string) string {
	if n, ok := names[key]; ok {
		return n
	}
	return key
}

func purposeName(p gateway.Purpose) string { return name(purposeNames(), string(p)) }

func purposeNames() map[string]string {
	return map[string]string{
		"chat": "Freitext-Anfrage", "research": "Recherche", "factual_qa": "Sachfrage zur Akte", "legal_references": "Fundstellen im Recht",
		"summarise": "Zusammenfassung", "transcribe": "Abschrift", "translate": "Übersetzung", "simplify_language": "Einfache Sprache",
		"extraction": "Datenübernahme", "document_classification": "Dokumente zuordnen", "completeness_check": "Vollständigkeitsprüfung",
		"letter_request_documents": "Schreiben: Nachforderung", "letter_receipt": "Schreiben: Eingangsbestätigung",
		"letter_hearing": "Schreiben: Anhörung", "letter_from_human_decision": "Schreiben nach Entscheidung eines Menschen",
		"citizen_information": "Auskunft für Bürgerinnen und Bürger", "service_finder": "Leistung finden", "routing": "Zuständigkeit finden",
		"social_scoring": "Soziale Bewertung", "eligibility_evaluation": "Anspruch bewerten", "recommendation": "Empfehlung zur Entscheidung",
		"prioritise": "Anträge priorisieren", "irregularity_flagging": "Auffälligkeiten markieren", "": "ohne Zweck", "other": "Sonstige Zwecke",
		"legal_qa_case": "Rechtsfrage zum Fall", "document_ranking": "Dokumente gewichten", "next_step_suggestion": "Nächsten Schritt vorschlagen",
		"letter_without_decision": "Bescheid ohne Entscheidung", "citizen_eligibility": "Anspruch für Bürger bewerten", "hr_screening": "Bewerbungen sichten",
		"exam_grading": "Prüfungen bewerten", "profiling": "Profilbildung", "emotion_recognition": "Emotionserkennung",
	}
}

// purposes are all with a name, without those that are none of their own.
func purposes() []gateway.Purpose {
	var out []gateway.Purpose
	for p := range purposeNames() {
		if p != "" && p != "other" {
			out = append(out, gateway.Purpose(p))
		}
	}
	return out
}

// cutText is a text of a form without blanks at its ends, empty if it is too long.
func cutText(s string, most int) string {
	s = strings.TrimSpace(s)
	if len([]rune(s)) > most {
		return ""
	}
	return s
}

func operationName(o gateway.Operation) string {
	return name(map[string]string{
		"chat": "Sprachmodell", "embeddings": "Vektoren", "search": "Suche", "check": "Prüfung nach Regeln", "draft": "Schreiben aus Vorlage",
	}, string(o))
}

func className(c gateway.DataClass) string {
	return name(map[string]string{
		"public": "öffentlich", "internal": "intern", "personal": "Personenbezug", "art9": "Besondere Kategorien", "sozialdaten": "Sozialdaten",
		"steuer": "Steuergeheimnis", "trade": "Gewerbedaten", "confidential": "Verschlusssache",
	}, string(c))
}

func kindName(k gateway.FindingKind) string {
	return name(map[string]string{ //nolint:gosec // words for people, no credentials
		"person": "Personen", "address": "Anschriften", "iban": "IBAN", "tax_id": "Steuer-ID", "tax_number": "Steuernummer", "vat_id": "USt-IdNr.",
		"business_id": "Wirtschafts-IdNr.", "pension_number": "Rentenversicherungsnummer", "health_insurance_number": "Krankenversichertennummer",
		"id_card": "Personalausweis", "passport": "Reisepass", "driving_licence": "Führerschein", "email": "E-Mail-Adresse", "phone": "Telefonnummer",
		"date_of_birth": "Geburtsdatum", "licence_plate": "Kfz-Kennzeichen", "file_number": "Aktenzeichen", "credit_card": "Kreditkarte",
		"creditor_id": "Gläubiger-ID", "ip_address": "IP-Adresse",
	}, string(k))
}

func residencyName(r gateway.Residency) string {
	return name(map[string]string{
		"own_datacentre": "Eigenes RZ", "public_sector_eu": "Öffentlicher Anbieter, EU", "private_eu": "EU-Anbieter",
		"eu_subsidiary_of_non_eu": "EU-Tochter eines Drittlands", "non_eu": "Drittland", "": "Ort unbekannt",
	}, string(r))
}

// placeName says where a model ran, in a sentence.
func placeName(r gateway.Residency) string {
	return name(map[string]string{
		"own_datacentre": "im eigenen Rechenzentrum", "public_sector_eu": "bei einem öffentlichen Anbieter in der EU", "private_eu": "bei einem Anbieter in der EU",
		"eu_subsidiary_of_non_eu": "bei der EU-Tochter eines Anbieters aus einem Drittland", "non_eu": "in einem Drittland", "": "an einem unbekannten Ort",
	}, string(r))
}

func roleName(role string) string {
	return name(map[string]string{
		"revision": "Revision", "sachbearbeitung": "Sachbearbeitung", "mandant": "Mandantenverwaltung", "betrieb": "Betrieb", "richtlinien": "Richtlinien",
	}, role)
}

// roleNames names the roles of a note.
func roleNames(roles string, translate func(string) string) string {
	var out []string
	for role := range strings.SplitSeq(roles, ",") {
		if role != "" {
			out = append(out, translate(roleName(role)))
		}
	}
	return strings.Join(out, ", ")
}

func riskName(class string) string {
	return name(map[string]string{
		"prohibited": "Verbotene Praktik", "high_risk": "Hochrisiko", "transparency": "Transparenzpflicht", "out_of_scope": "kein Hochrisiko",
		"exempt_6_3_a": "Ausnahme nach Art. 6 Abs. 3 Buchst. a", "exempt_6_3_b": "Ausnahme nach Art. 6 Abs. 3 Buchst. b",
		"exempt_6_3_c": "Ausnahme nach Art. 6 Abs. 3 Buchst. c", "exempt_6_3_d": "Ausnahme nach Art. 6 Abs. 3 Buchst. d",
		"exempt_6_3_a_d": "Ausnahme nach Art. 6 Abs. 3 Buchst. a und d", "unclassified": "nicht einzustufen",
	}, class)
}

func dutyName(id string) string {
	return name(map[string]string{ //nolint:gosec // words for people, no credentials
		"pseudonymise": "Personenbezug ersetzen", "notice": "KI-Hinweis", "human_release": "Freigabe durch einen Menschen",
		"no_content_log": "Inhalt nicht speichern", "watermark": "Als KI-erzeugt kennzeichnen", "strip_fields": "Felder entfernen",
		"review_output": "Ausgabe abschnittsweise prüfen", "restrict_models": "Modelle einschränken", "require_entities": "Personen des Falles nötig",
		"log_content": "Inhalt verschlüsselt aufbewahren", "cap_tokens": "Antwortlänge begrenzen", "cite_sources": "Quellen nötig",
		"block_tools": "Werkzeuge sperren", "retain": "Aufbewahrung befristen",
	}, id)
}

// kinds are the counted findings in a stable order, the most frequent first.
func kinds(s gateway.Screened) []gateway.FindingKind {
	var out []gateway.FindingKind
	for k, n := range s.Counts {
		if n > 0 {
			out = append(out, k)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if s.Counts[out[i]] != s.Counts[out[j]] {
			return s.Counts[out[i]] > s.Counts[out[j]]
		}
		return out[i] < out[j]
	})
	return out
}
