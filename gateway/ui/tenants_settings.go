// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// limitField is a limit in the form. The operator's limits and those that the
// tenant sets below them have the same fields.
type limitField struct{ Name, Title, Unit, Value, Operators string }

var limitNames = []limitField{
	{Name: "requests_per_minute", Title: "Anfragen je Minute"},
	{Name: "concurrent", Title: "Gleichzeitige Anfragen"},
	{Name: "input_tokens_per_minute", Title: "Token Eingabe je Minute"},
	{Name: "output_tokens_per_minute", Title: "Token Ausgabe je Minute"},
	{Name: "budget_per_day", Title: "Budget am Tag", Unit: "€"},
	{Name: "budget_per_month", Title: "Budget im Monat", Unit: "€"},
}

// limitSetting is where the limits of an actor stand: the tenant's own never
// take the place of the operator's.
func limitSetting(operator bool) string {
	if operator {
		return "limits"
	}
	return "own_limits"
}

func limitFields(settings identity.Settings, operator bool) []limitField {
	own, above := numbers(settings[limitSetting(operator)]), numbers(settings["limits"])
	out := make([]limitField, 0, len(limitNames))
	for _, f := range limitNames {
		f.Value = strings.Replace(own[f.Name].String(), ".", ",", 1)
		if !operator {
			f.Operators = strings.Replace(above[f.Name].String(), ".", ",", 1)
		}
		out = append(out, f)
	}
	return out
}

// numbers are the fields of a setting that are numbers.
func numbers(raw json.RawMessage) map[string]json.Number {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(raw, &fields) // checked when it was stored; nothing: no limits
	out := map[string]json.Number{}
	for name, value := range fields {
		var n json.Number
		if json.Unmarshal(value, &n) == nil {
			out[name] = n
		}
	}
	return out
}

// readLimits keeps what the form does not show: limits of systems and purposes.
func readLimits(r *http.Request, old json.RawMessage) (json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	_ = json.Unmarshal(old, &fields) // nothing: no limits yet
	for _, f := range limitNames {
		text := strings.ReplaceAll(strings.ReplaceAll(field(r, f.Name), ".", ""), ",", ".")
		text = strings.TrimSpace(strings.TrimSuffix(text, "€"))
		if text == "" || text == "0" {
			delete(fields, f.Name)
			continue
		}
		var n json.Number
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			return nil, invalid(f.Name, "„"+f.Title+"“ ist keine Zahl. Leer heißt: keine Grenze.")
		}
		fields[f.Name] = json.RawMessage(n)
	}
	if len(fields) == 0 {
		return nil, nil
	}
	return json.Marshal(fields)
}

// readOrigins reads one origin a line.
func readOrigins(r *http.Request) (json.RawMessage, error) {
	origins := lines(field(r, "herkunft"))
	for _, o := range origins {
		if exactOrigin(o) != nil {
			return nil, invalid("herkunft", "„"+o+"“ ist keine Adresse der Form https://rechner ohne Pfad.")
		}
	}
	if len(origins) == 0 {
		return nil, nil
	}
	return json.Marshal(origins)
}

// letterField is a line of the letterhead.
type letterField struct {
	Name, Title, Value string
	Long               bool
}

var letterNames = []letterField{
	{Name: "authority", Title: "Behörde"}, {Name: "department", Title: "Amt"}, {Name: "street", Title: "Straße"}, {Name: "postcode", Title: "Postleitzahl"},
	{Name: "city", Title: "Ort"}, {Name: "land", Title: "Land (Kürzel)"}, {Name: "phone", Title: "Telefon"}, {Name: "email", Title: "E-Mail"}, {Name: "web", Title: "Internet"},
	{Name: "upload", Title: "Adresse zum Nachreichen"}, {Name: "visit", Title: "Öffnungszeiten"},
	{Name: "data_protection_officer", Title: "Datenschutzbeauftragte", Long: true}, {Name: "supervision", Title: "Aufsicht über den Datenschutz", Long: true},
	{Name: "privacy_url", Title: "Datenschutzhinweise (Adresse)"}, {Name: "recipients", Title: "Empfänger der Daten", Long: true}, {Name: "retention", Title: "Aufbewahrung", Long: true},
}

func letterFields(raw json.RawMessage) []letterField {
	texts := letterTexts(raw)
	out := make([]letterField, 0, len(letterNames))
	for _, f := range letterNames {
		_ = json.Unmarshal(texts[f.Name], &f.Value) // nothing: empty
		out = append(out, f)
	}
	return out
}

func letterTexts(raw json.RawMessage) map[string]json.RawMessage {
	texts := map[string]json.RawMessage{}
	_ = json.Unmarshal(raw, &texts) // nothing: no letterhead yet
	return texts
}

// readLetter keeps what the form does not show.
func readLetter(r *http.Request, old json.RawMessage) (json.RawMessage, error) {
	texts := letterTexts(old)
	for _, f := range letterNames {
		value, err := json.Marshal(field(r, f.Name))
		if err != nil {
			return nil, err
		}
		texts[f.Name] = value
		if string(value) == `""` {
			delete(texts, f.Name)
		}
	}
	return json.Marshal(texts)
}
