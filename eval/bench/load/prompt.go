// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package load

import "strings"

// sentences of letters of an authority, without personal data.
func sentences() []string {
	return []string{
		"Mit dem Antrag sind die Nachweise über das Einkommen aller Haushaltsmitglieder vorzulegen.",
		"Nach § 24 Abs. 1 WoGG wird über den Antrag schriftlich entschieden; fehlende Unterlagen sind gemäß § 60 SGB I nachzureichen.",
		"Die Behörde hört die Beteiligten nach § 28 VwVfG an, bevor sie einen Verwaltungsakt erlässt, der in Rechte eingreift.",
		"Bitte fassen Sie die Hinweise der Dienstanweisung zur Belegprüfung in einfacher Sprache zusammen.",
		"Die Frist für die Vorlage beträgt vier Wochen und kann auf Antrag verlängert werden.",
		"Maßgeblich ist das zu erwartende monatliche Gesamteinkommen zum Zeitpunkt der Antragstellung.",
		"Zuständig ist die Wohngeldbehörde, in deren Bezirk der Wohnraum liegt, für den der Zuschuss beantragt wird.",
		"Ein Bescheid ist mit einer Rechtsbehelfsbelehrung zu versehen, die Frist, Form und Stelle nennt.",
		"Für die Berechnung werden Miete, Mietenstufe und die Zahl der Haushaltsmitglieder zugrunde gelegt.",
		"Unterlagen in fremder Sprache werden auf Verlangen mit einer Übersetzung vorgelegt (§ 23 Abs. 2 VwVfG).",
	}
}

// personal are sentences about invented people.
func personal() []string {
	return []string{
		"Die Antragstellerin Frau Ida Zöllner, geboren am 14.03.1987, wohnt in der Königstraße 12, 77999 Tannberg.",
		"Das Wohngeld soll auf das Konto DE89 3704 0044 0532 0130 00 überwiesen werden.",
		"Herr Jonas Achterberg ist unter jonas.achterberg@example.org oder 07999 4711-21 zu erreichen.",
	}
}

// Prompt is German administrative text of so many bytes; with personal data every
// third sentence is about a person.
func Prompt(size int, withPersonal bool) string {
	plain, people := sentences(), personal()
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		if withPersonal && i%3 == 0 {
			b.WriteString(people[i/3%len(people)])
		} else {
			b.WriteString(plain[i%len(plain)])
		}
		b.WriteByte(' ')
	}
	return strings.ToValidUTF8(b.String()[:size], "")
}
