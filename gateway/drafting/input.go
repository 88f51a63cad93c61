// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/drafting/deadline"
)

// Kind of letter.
type Kind string

// Kinds.
const (
	KindRequest Kind = "nachforderung"        // letter_request_documents
	KindReceipt Kind = "eingangsbestaetigung" // letter_receipt
)

// Purpose is what policies are asked about.
func (k Kind) Purpose() gateway.Purpose {
	if k == KindReceipt {
		return gateway.PurposeLetterReceipt
	}
	return gateway.PurposeLetterRequestDocuments
}

// Regime is the procedural code a letter follows.
type Regime string

// Regimes. Gewo is a notice under the trade code, which the VwVfG supplements.
const (
	RegimeSGB    Regime = "sgb"
	RegimeVwVfG  Regime = "vwvfg"
	RegimeLVwVfG Regime = "lvwvfg"
	RegimeAO     Regime = "ao"
	RegimeGewO   Regime = "gewo"
)

func (r Regime) code() deadline.Code {
	switch r {
	case RegimeSGB:
		return deadline.SGB
	case RegimeAO:
		return deadline.AO
	default: // the VwVfG of the federation or of a Land; it also supplements the GewO
		return deadline.VwVfG
	}
}

// Service is what a letter needs to know about a public service.
type Service struct {
	ID gateway.ServiceID `json:"id"`
	// Title is German, for example "Wohngeld – Mietzuschuss".
	Title  string `json:"title"`
	Regime Regime `json:"regime"`
	// Nature is "Antrag" (default) or "Anzeige".
	Nature string `json:"nature,omitempty"`
	// Preserves is the norm that keeps the date of the application: "§ 25 Abs. 2 WoGG".
	Preserves string `json:"preserves,omitempty"`
	// Via is the norm that makes the regime applicable: "§ 3 Abs. 1 KAG BW".
	Via string `json:"via,omitempty"`
	// PeriodDays is the period for handing in; 0 means 21.
	PeriodDays  int                 `json:"period_days,omitempty"`
	DataClasses []gateway.DataClass `json:"data_classes,omitempty"`
}

const defaultPeriodDays = 21

// ServiceOf takes the facts from a service definition. A remark in brackets
// behind the title is left out.
func ServiceOf(s completeness.Service) Service {
	title, _, _ := strings.Cut(s.Title.DE, " (")
	out := Service{ID: s.ID, Title: title, Regime: Regime(s.Procedure.Regime), Nature: s.Nature, DataClasses: s.DataClasses}
	if (out.Regime == RegimeVwVfG || out.Regime == RegimeLVwVfG) && slices.Contains(s.Procedure.Laws, "GewO") {
		out.Regime = RegimeGewO
	}
	if slices.Contains(s.Procedure.Laws, "KAG BW") {
		out.Via = "§ 3 Abs. 1 KAG BW"
	}
	if slices.Contains(s.Procedure.Laws, "WoGG") {
		out.Preserves = "§ 25 Abs. 2 WoGG"
	}
	for _, p := range s.Params {
		if days, ok := wholeNumber(p.Default); ok && p.ID == s.Nachforderung.PeriodParam {
			out.PeriodDays = days
		}
	}
	return out
}

func wholeNumber(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case uint64:
		return int(n), n < 1<<31
	case float64:
		return int(n), n == float64(int(n))
	}
	return 0, false
}

// Recipient is to whom the letter goes.
type Recipient struct {
	// Salutation is "Frau", "Herr" or empty when unknown or neither.
	Salutation string `json:"salutation,omitempty"`
	// AcademicTitle is for example "Dr.".
	AcademicTitle string `json:"academic_title,omitempty"`
	First         string `json:"first,omitempty"`
	Last          string `json:"last,omitempty"`
	Company       string `json:"company,omitempty"`
	// CareOf is for example "c/o Beispiel" or "vertreten durch …".
	CareOf   string `json:"care_of,omitempty"`
	Street   string `json:"street"`
	Postcode string `json:"postcode"`
	City     string `json:"city"`
	Country  string `json:"country,omitempty"`
}

// Person is a caseworker (Sachbearbeitung).
type Person struct {
	Name  string `json:"name"`
	Phone string `json:"phone,omitempty"`
	Email string `json:"email,omitempty"`
	Room  string `json:"room,omitempty"`
}

// Item is one thing that is asked for. Items come from a report's findings; a
// caseworker may add others.
type Item struct {
	// Title names the field or evidence, Person whom it concerns.
	Title  string `json:"title"`
	Person string `json:"person,omitempty"`
	// Ask is what to do, Why the reason.
	Ask string `json:"ask,omitempty"`
	Why string `json:"why,omitempty"`
	// Alternatives are what is accepted instead.
	Alternatives []string `json:"alternatives,omitempty"`
	// Basis holds one citation per element.
	Basis []string `json:"basis,omitempty"`
	// ByAuthority: the authority gets this itself.
	ByAuthority bool `json:"by_authority,omitempty"`
	// Requirement of the report the item comes from.
	Requirement string `json:"requirement,omitempty"`
}

// Input is everything a letter is made of, besides template and profile.
type Input struct {
	Kind    Kind    `json:"kind"`
	Service Service `json:"service"`
	// Report of the check; its findings of severity ask become items.
	Report *completeness.Report `json:"report,omitempty"`
	// Items are further things to ask for.
	Items []Item `json:"items,omitempty"`
	// Case is the Aktenzeichen, Reference the recipient's own sign.
	Case      string    `json:"case"`
	Reference string    `json:"reference,omitempty"`
	Recipient Recipient `json:"recipient"`
	// Received is the day on which the application came in.
	Received   time.Time `json:"-"`
	Caseworker Person    `json:"caseworker"`
	// Date of the letter and of posting; zero means today.
	Date time.Time `json:"-"`
	// PeriodDays replaces the service's.
	PeriodDays int `json:"period_days,omitempty"`
	// Duration is how long the procedure will take, for an acknowledgement:
	// "etwa acht Wochen".
	Duration string `json:"duration,omitempty"`
}

// inputFields are the fields of an Input without its methods.
type inputFields Input

// inputDays are the fields written as YYYY-MM-DD.
type inputDays struct {
	Received string `json:"received,omitempty"`
	Date     string `json:"date,omitempty"`
}

// UnmarshalJSON reads an input; unknown fields are errors, days are YYYY-MM-DD.
func (in *Input) UnmarshalJSON(data []byte) error {
	var fields inputFields
	raw := struct {
		*inputFields
		inputDays
	}{inputFields: &fields}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&raw); err != nil {
		return &gateway.Error{Op: "read letter input", Code: gateway.CodeInvalid, Err: err, Message: "Die Angaben für das Schreiben sind kein gültiges JSON oder enthalten unbekannte Felder."}
	}
	for path, day := range map[string]struct {
		text string
		into *time.Time
	}{"received": {raw.inputDays.Received, &fields.Received}, "date": {raw.inputDays.Date, &fields.Date}} {
		if day.text == "" {
			continue
		}
		t, err := time.Parse(time.DateOnly, day.text)
		if err != nil {
			return &gateway.Error{Op: "read letter input", Code: gateway.CodeInvalid, Path: path, Err: err, Message: "Das Datum wird als JJJJ-MM-TT erwartet."}
		}
		*day.into = t
	}
	*in = Input(fields)
	return nil
}

// MarshalJSON writes days as YYYY-MM-DD.
func (in Input) MarshalJSON() ([]byte, error) {
	fields := inputFields(in)
	return json.Marshal(struct {
		*inputFields
		inputDays
	}{&fields, inputDays{dayText(in.Received), dayText(in.Date)}})
}

func dayText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// Limits of an input.
const (
	maxItems     = 200
	maxFieldText = 2000
)

// validate reports the first thing that cannot be used, with its path.
func (in Input) validate() error {
	bad := func(path, message string) error {
		return &gateway.Error{Op: "draft letter", Code: gateway.CodeInvalid, Path: path, Message: message}
	}
	switch {
	case in.Kind != KindRequest && in.Kind != KindReceipt:
		return bad("kind", "Diese Art von Schreiben gibt es nicht. Möglich sind „nachforderung“ und „eingangsbestaetigung“.")
	case in.Service.ID == "" || in.Service.Title == "":
		return bad("service", "Die Leistung ist nicht angegeben.")
	case !slices.Contains([]Regime{RegimeSGB, RegimeVwVfG, RegimeLVwVfG, RegimeAO, RegimeGewO}, in.Service.Regime):
		return bad("service.regime", "Für die Leistung ist kein bekanntes Verfahrensrecht hinterlegt.")
	case in.Report != nil && in.Report.Service != in.Service.ID:
		return bad("report.service", "Der Prüfbericht gehört zu einer anderen Leistung.")
	case in.PeriodDays < 0 || in.PeriodDays > 366:
		return bad("period_days", "Die Frist muss zwischen 1 und 366 Tagen liegen.")
	case !slices.Contains([]string{"", "Frau", "Herr"}, in.Recipient.Salutation):
		return bad("recipient.salutation", "Die Anrede ist „Frau“, „Herr“ oder leer.")
	}
	return in.bounded(bad)
}

func (in Input) bounded(bad func(path, message string) error) error {
	items := len(in.Items)
	if in.Report != nil {
		items += len(in.Report.Findings)
	}
	if items > maxItems {
		return bad("items", "Das sind zu viele Punkte für ein Schreiben.")
	}
	r, c := in.Recipient, in.Caseworker
	for path, text := range map[string]string{
		"case": in.Case, "reference": in.Reference, "duration": in.Duration, "service.title": in.Service.Title,
		"recipient":  r.AcademicTitle + r.First + r.Last + r.Company + r.CareOf + r.Street + r.Postcode + r.City + r.Country,
		"caseworker": c.Name + c.Phone + c.Email + c.Room,
	} {
		if !usable(text) {
			return bad(path, "Der Wert ist zu lang oder enthält unzulässige Zeichen.")
		}
	}
	for i, item := range in.Items {
		if strings.TrimSpace(item.Title) == "" {
			return bad(fmt.Sprintf("items[%d].title", i), "Der Punkt hat keine Bezeichnung.")
		}
		for _, text := range append(append([]string{item.Title, item.Person, item.Ask, item.Why}, item.Alternatives...), item.Basis...) {
			if len(text) > maxFieldText || !utf8.ValidString(text) {
				return bad(fmt.Sprintf("items[%d]", i), "Der Text ist zu lang oder enthält unzulässige Zeichen.")
			}
		}
	}
	return nil
}

// usable says whether a short text can stand on one line of a letter.
func usable(s string) bool {
	return len(s) <= maxFieldText && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}
