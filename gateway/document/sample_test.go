// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document_test

import (
	"time"

	"github.com/ki-schleuse/schleuse/gateway/document"
)

// sample is a request for missing documents as an invented Wohngeldbehörde sends
// it: long enough for a second page, with every kind of block.
func sample() document.Letter {
	return document.Letter{
		Lang: "de-DE", Title: "Anforderung fehlender Unterlagen, WG-2026-004711",
		Created: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC),
		Letterhead: document.Letterhead{
			Authority: "Stadt Tannberg", Department: "Amt für Soziales und Wohnen · Wohngeldbehörde",
			Lines: []string{"Rathausplatz 1, 70999 Tannberg"},
		},
		ReturnLine: "Stadt Tannberg · Wohngeldbehörde · Rathausplatz 1 · 70999 Tannberg",
		Recipient:  []string{"Frau", "Zoë Ağaoğlu-Müßig", "Lindenstraße 27", "Hinterhaus, 2. OG", "70999 Tannberg"},
		Info: []document.Pair{
			{Label: "Aktenzeichen", Value: "WG-2026-004711"},
			{Label: "Ihr Antrag vom", Value: "09.11.2026"},
			{Label: "Auskunft erteilt", Value: "Herr Öztürk"},
			{Label: "Zimmer", Value: "214"},
			{Label: "Telefon", Value: "07999 123-456"},
			{Label: "E-Mail", Value: "wohngeld@tannberg.example"},
			{Label: "Datum", Value: "23.11.2026"},
		},
		Subject: "Ihr Antrag auf Wohngeld (Mietzuschuss): Bitte reichen Sie Unterlagen nach",
		Draft:   true,
		Body: []document.Block{
			document.Text("Sehr geehrte Frau Ağaoğlu-Müßig,"),
			document.Text("vielen Dank für Ihren Antrag auf Wohngeld vom 9. November 2026. Wir haben ihn geprüft. Damit wir über Ihren Antrag entscheiden können, fehlen uns noch die folgenden Angaben und Unterlagen."),
			document.Heading{Level: 1, Text: "1. Was uns noch fehlt"},
			document.Table{
				Caption: "Fehlende Angaben und Unterlagen",
				Header:  []string{"Nr.", "Angabe oder Unterlage", "Person", "Warum wir das brauchen"},
				Rows: [][]string{
					{"1", "Verdienstbescheinigung des Arbeitgebers oder die Lohnabrechnungen der letzten zwölf Monate", "Zoë Ağaoğlu-Müßig", "Wir müssen das Jahreseinkommen jedes Haushaltsmitglieds ermitteln (§ 14 Abs. 1 WoGG)."},
					{"2", "Mietvertrag mit allen Seiten, auch der Seite mit den Unterschriften", "alle", "Die Miete bestimmt die Höhe des Wohngeldes (§ 9 Abs. 1 und § 11 Abs. 1 WoGG)."},
					{"3", "Kontoauszug mit der Abbuchung der letzten Monatsmiete", "alle", "Wir brauchen den Nachweis, dass Sie die Miete tatsächlich zahlen (§ 23 Abs. 1 WoGG)."},
					{"4", "Immatrikulationsbescheinigung und der Bescheid über die Ausbildungsförderung", "Emre Ağaoğlu", "Wer dem Grunde nach Ausbildungsförderung erhalten kann, ist unter Umständen vom Wohngeld ausgeschlossen (§ 20 Abs. 2 WoGG)."},
					{"5", "Nachweis über den Unterhalt, den Sie zahlen oder erhalten", "Zoë Ağaoğlu-Müßig", "Gezahlter Unterhalt kann vom Einkommen abgezogen werden (§ 18 WoGG)."},
				},
				Widths: []int{1, 6, 4, 7},
			},
			document.Heading{Level: 1, Text: "2. Bis wann und wie Sie antworten können"},
			document.Paragraph{Runs: []document.Run{{Text: "Bitte reichen Sie alles "}, {Text: "bis zum 14. Dezember 2026", Strong: true}, {Text: " ein. Das sind 21 Tage ab dem Datum dieses Schreibens. Sie haben diese Möglichkeiten:"}}, KeepWithNext: true},
			document.List{Items: [][]document.Paragraph{
				{document.Text("online: www.tannberg.example/wohngeld, unter „Unterlagen nachreichen“ mit Ihrem Aktenzeichen,")},
				{document.Text("per Post oder im Hausbriefkasten: Stadt Tannberg, Wohngeldbehörde, Rathausplatz 1, 70999 Tannberg,")},
				{document.Text("persönlich: Montag bis Freitag von 8 Uhr bis 12 Uhr, Zimmer 214. Bitte bringen Sie keine Originale mit, die Sie noch brauchen.")},
			}},
			document.Heading{Level: 1, Text: "3. Was passiert, wenn Unterlagen fehlen"},
			document.Text("Wer Sozialleistungen beantragt, muss an der Aufklärung des Sachverhalts mitwirken (§ 60 Abs. 1 SGB I). Wenn Sie die Unterlagen nicht bis zu dem genannten Tag einreichen, können wir das Wohngeld ohne weitere Ermittlungen ganz oder teilweise versagen, bis Sie die Mitwirkung nachholen (§ 66 Abs. 1 und 3 SGB I). Holen Sie die Mitwirkung später nach, können wir das Wohngeld nachträglich ganz oder teilweise zahlen (§ 67 SGB I)."),
			document.Heading{Level: 2, Text: "Wenn Sie etwas nicht bekommen können"},
			document.Text("Bitte schreiben Sie uns dann, woran es liegt, z. B. weil Ihr Arbeitgeber die Bescheinigung nicht ausstellt. Wir beraten Sie gern und suchen mit Ihnen einen anderen Weg. Sie müssen nichts einreichen, was wir selbst mit weniger Aufwand beschaffen können (§ 65 Abs. 1 Nr. 3 SGB I). Deshalb fragen wir selbst ab:"),
			document.List{Ordered: true, Items: [][]document.Paragraph{
				{document.Text("die Meldedaten aller Haushaltsmitglieder beim Bürgeramt,")},
				{document.Text("ob Sie Leistungen des Jobcenters erhalten.")},
			}},
			document.Heading{Level: 1, Text: "4. Ihre Daten"},
			document.Paragraph{Runs: []document.Run{{Text: "Wir verarbeiten Ihre Daten, um über Ihren Antrag zu entscheiden (Art. 6 Abs. 1 Buchst. e DSGVO, § 67a SGB X). Die Informationen nach "}, {Text: "Art. 13 DSGVO", Emph: true}, {Text: " finden Sie unter www.tannberg.example/datenschutz. Auf Wunsch senden wir sie Ihnen zu."}}},
			document.Paragraph{Runs: []document.Run{{Text: "Mit freundlichen Grüßen"}}, KeepWithNext: true},
			document.Text("Im Auftrag\nÖztürk"),
		},
		Footer: []string{
			"Stadt Tannberg · Rathausplatz 1 · 70999 Tannberg · Telefon 07999 123-0 · www.tannberg.example",
			"Öffnungszeiten: Mo–Fr 8–12 Uhr, Do 14–18 Uhr · Sparkasse Tannberg · IBAN DE02 1203 0000 0000 2020 51",
		},
	}
}
