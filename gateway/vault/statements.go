// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// conclude writes the sentences for the person, in the order of Art. 15 Abs. 1.
func (d *Disclosure) conclude() {
	d.Statements = []Statement{
		{"Art. 15 Abs. 1 DSGVO", "Ob Daten verarbeitet werden", d.whether()},
		{"Art. 15 Abs. 1 lit. a DSGVO", "Zwecke der Verarbeitung", orNone(often(d.Purposes, purposeName), "Es wurden keine Daten verarbeitet.")},
		{"Art. 15 Abs. 1 lit. b DSGVO", "Kategorien personenbezogener Daten", d.categories()},
		{"Art. 15 Abs. 1 lit. c DSGVO", "Empfänger", d.recipients()},
		{"Art. 15 Abs. 1 lit. d DSGVO", "Speicherdauer", d.storage()},
		{
			"Art. 15 Abs. 1 lit. e DSGVO", "Ihre Rechte", []string{
				"Sie können verlangen, dass unrichtige Daten berichtigt (Art. 16 DSGVO), Daten gelöscht (Art. 17 DSGVO) oder in der Verarbeitung eingeschränkt werden (Art. 18 DSGVO), und der Verarbeitung widersprechen (Art. 21 DSGVO), soweit kein Gesetz entgegensteht.",
			},
		},
		{
			"Art. 15 Abs. 1 lit. f DSGVO", "Beschwerderecht", []string{
				"Sie können sich bei einer Aufsichtsbehörde für den Datenschutz beschweren (Art. 77 DSGVO).",
			},
		},
		{"Art. 15 Abs. 1 lit. g DSGVO", "Herkunft der Daten", d.origin()},
		{
			"Art. 15 Abs. 1 lit. h DSGVO", "Automatisierte Entscheidung", []string{
				"Die KI-Schleuse trifft keine Entscheidung über Personen und bildet keine Profile (Art. 22 DSGVO). Sie vermittelt Texte zwischen Fachverfahren und Sprachmodellen; über Anträge entscheiden Menschen. Ihre eigenen Prüfungen betreffen nur, ob eine Anfrage an ein Modell gehen darf.",
			},
		},
	}
	if abroad := d.abroad(); len(abroad) > 0 {
		d.Statements = append(d.Statements, Statement{"Art. 15 Abs. 2 DSGVO", "Übermittlung in Drittländer", abroad})
	}
	d.Statements = append(d.Statements, Statement{"Art. 15 Abs. 3 DSGVO", "Kopie der Daten", d.copies()})
}

func (d *Disclosure) whether() []string {
	if d.Total+len(d.Contents)+len(d.Retrievals) == 0 {
		return []string{"Zu dieser Angabe ist in der KI-Schleuse nichts gespeichert."}
	}
	line := "In der KI-Schleuse sind zu dieser Angabe gespeichert: " + count(d.Total, "Eintrag im Protokoll", "Einträge im Protokoll") + ", " +
		count(len(d.Contents), "aufbewahrter Inhalt", "aufbewahrte Inhalte") + ", " + count(len(d.Retrievals), "Abruf aus Dokumenten", "Abrufe aus Dokumenten") + "."
	if d.Total > 0 {
		line += " Die Einträge stammen aus der Zeit vom " + day(d.First) + " bis zum " + day(d.Last) + "."
	}
	lines := []string{line, "Das Protokoll enthält Zeit, Zweck, Entscheidung und Modell. Aktenzeichen und Benutzerkennung stehen dort nur als Pseudonym; Texte stehen dort nicht."}
	if !d.Erased.IsZero() {
		lines = append(lines, "Früher aufbewahrte Inhalte wurden am "+day(d.Erased)+" gelöscht. Ihr Schlüssel ist vernichtet.")
	}
	return lines
}

func (d *Disclosure) categories() []string {
	lines := often(d.Classes, className)
	if found := often(d.Findings, kindName); len(found) > 0 {
		lines = append(lines, "Beim Prüfen der Texte erkannte Angaben (Anzahl, ohne die Werte): "+strings.Join(found, ", "))
	}
	return orNone(lines, "Es wurden keine Daten verarbeitet.")
}

func (d *Disclosure) recipients() []string {
	var lines []string
	for _, r := range d.Recipients {
		var models []string
		for _, m := range r.Models {
			models = append(models, string(m))
		}
		lines = append(lines, fmt.Sprintf("%s, %s, %s: Modelle %s (%s)", orUnknown(r.Operator), orUnknown(r.Country), residencyName(r.Residency), strings.Join(models, ", "), count(r.Count, "Anfrage", "Anfragen")))
	}
	if len(lines) > 0 && slices.ContainsFunc(d.Entries, func(e DisclosedEntry) bool { return e.Masked > 0 }) {
		lines = append(lines, "Erkannte personenbezogene Angaben wurden vor dem Versand an Modelle außerhalb des eigenen Rechenzentrums durch Platzhalter ersetzt.")
	}
	return orNone(lines, "Es wurde nichts an ein Sprachmodell gesendet.")
}

func (d *Disclosure) storage() []string {
	lines := []string{fmt.Sprintf(
		"Einträge des Protokolls bleiben mindestens %d Tage; so lange verlangt es Art. 26 Abs. 6 der KI-Verordnung für Hochrisiko-Systeme. Danach löscht sie die Behörde nach ihren Fristen.", int(d.recordFloor.Hours()/24),
	)}
	var last time.Time
	for _, c := range d.Contents {
		if c.Expires.After(last) {
			last = c.Expires
		}
	}
	if !last.IsZero() {
		lines = append(lines, "Aufbewahrte Inhalte werden verschlüsselt gespeichert und spätestens am "+day(last)+" gelöscht, wenn keine Sperre für ein Verfahren besteht.")
	}
	if d.retrievalCeiling > 0 {
		lines = append(lines, fmt.Sprintf("Einträge des Abrufprotokolls werden nach höchstens %d Tagen gelöscht (§ 79 Abs. 4 SGB X).", int(d.retrievalCeiling.Hours()/24)))
	}
	return append(lines, "Prüfergebnisse und Entwürfe von Schreiben werden nur kurz zwischengespeichert und nicht nach Personen geordnet.")
}

func (d *Disclosure) origin() []string {
	var lines []string
	for _, s := range often(d.Systems, func(id gateway.SystemID) string { return string(id) }) {
		lines = append(lines, "Fachverfahren "+s)
	}
	if len(d.Sources) > 0 {
		lines = append(lines, "Fundstellen aus den Dokumentquellen "+strings.Join(often(d.Sources, func(s string) string { return s }), ", ")+". Über die Dokumente selbst gibt die Stelle Auskunft, die die Akte führt.")
	}
	return orNone(lines, "Es liegen keine Daten vor.")
}

func (d *Disclosure) abroad() []string {
	var lines []string
	for _, r := range d.Recipients {
		if r.Residency == gateway.ResidencyNonEU || r.Residency == gateway.ResidencyUnknown {
			lines = append(lines, fmt.Sprintf("An %s (%s) wurde übermittelt. Welche Garantien nach Art. 46 DSGVO bestehen, teilt Ihnen die Behörde gesondert mit.", orUnknown(r.Operator), orUnknown(r.Country)))
		}
	}
	return lines
}

func (d *Disclosure) copies() []string {
	switch {
	case len(d.Contents) == 0:
		return []string{"Es sind keine Inhalte aufbewahrt. Die Einträge des Protokolls stehen in der Anlage."}
	case d.User != "":
		return []string{"Die aufbewahrten Inhalte sind mit Zeit und Umfang aufgeführt. Ihr Text betrifft Verfahren anderer Personen und wird deshalb nicht herausgegeben (Art. 15 Abs. 4 DSGVO)."}
	}
	return []string{"Die Einträge des Protokolls und die aufbewahrten Inhalte stehen in der Anlage. Platzhalter wie [PERSON_1] stehen dort, wo eine Angabe vor dem Aufbewahren ersetzt wurde."}
}

func orNone(lines []string, none string) []string {
	if len(lines) == 0 {
		return []string{none}
	}
	return lines
}

func orUnknown(s string) string {
	if s == "" {
		return "ohne Angabe"
	}
	return s
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// day is a date as people in Germany write and count it.
func day(t time.Time) string {
	if zone, err := time.LoadLocation("Europe/Berlin"); err == nil {
		t = t.In(zone)
	}
	return t.Format("02.01.2006")
}
