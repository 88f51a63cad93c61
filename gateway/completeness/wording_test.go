// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness_test

import "testing"

// TestOtherWording: documents in wordings that the evidence files do not have.
// They were written before the anchors were tried on them.
func TestOtherWording(t *testing.T) {
	t.Parallel()
	c := newChecker(t, withTexts())
	right := 0
	for _, tc := range otherWording {
		docs := classify(t, c, tc.text)
		got := ""
		if len(docs) == 1 {
			got = docs[0].Type
		}
		if got == tc.docType {
			right++
			continue
		}
		t.Logf("taken for %q, is %q: %.40q", got, tc.docType, tc.text)
	}
	t.Logf("%d of %d right", right, len(otherWording))
	if 10*right < 9*len(otherWording) {
		t.Errorf("%d of %d right, expected nine of ten", right, len(otherWording))
	}
}

var otherWording = []struct{ docType, text string }{
	{"mietvertrag", "WOHNUNGSMIETVERTRAG\nzwischen Eheleute Krause als Vermieter und Herrn Paul Lenz als Mieter\n§ 1 Mietsache: 2-Zimmer-Wohnung im EG\n§ 2 Das Mietverhältnis beginnt am 1.3.2025.\n§ 3 Die Nettokaltmiete beträgt 480,00 EUR, die Betriebskostenvorauszahlung 90,00 EUR.\n§ 4 Kaution"},
	{"untermietvertrag", "Untermietvertrag über ein möbliertes Zimmer\nHauptmieterin: Ina Roth   Untermieter: Jan Beck\nDer Untermieter zahlt monatlich 300 EUR."},
	{"mietbescheinigung", "Bescheinigung des Vermieters\nzur Vorlage bei der Wohngeldstelle\nMieter: Paul Lenz\nAnzahl der Bewohner: 2\nGrundmiete 480,00 EUR\nUnterschrift des Vermieters"},
	{"mietaenderung", "Stadtbau GmbH\nHerrn Paul Lenz\nMieterhöhung zum 01.01.2027\nSehr geehrter Herr Lenz, wir passen Ihre Grundmiete an.\nNeue Gesamtmiete 620,00 EUR"},
	{"kontoauszug_miete", "Sparkasse Musterstadt\nKontoauszug 3/2026\nAnfangssaldo 900,00\n02.03. Dauerauftrag Krause Miete März -570,00\n05.03. Gutschrift Gehalt 1.900,00\nEndsaldo 2.230,00\nIBAN DE02 1203 0000 0000 2020 51"},
	{"kontoauszug", "Sparkasse Musterstadt\nKontoauszug 3/2026\nAnfangssaldo 900,00\n02.03. Mietwagen Flott -57,00\n04.03. Gutschrift Miete Garage 50,00\nEndsaldo 893,00\nLastschrift Strom"},
	{"mietquittung", "Quittung\nVon Herrn Paul Lenz die Miete für Oktober 2026 in Höhe von 570,00 EUR dankend erhalten.\nMusterstadt, 1.10.2026"},
	{"lohnabrechnung", "Entgeltabrechnung für März 2026\nPersonal-Nr. 77  St.-Kl. 1\nGesamtbrutto 2.900,00\nLohnsteuer 280,00\nRentenversicherung 269,70\nKrankenversicherung 240,00\nAuszahlungsbetrag 1.980,00"},
	{"verdienstbescheinigung", "Einkommensbescheinigung des Arbeitgebers\nfür den Antrag auf Wohngeld\nArbeitnehmer/in: Paul Lenz\nBruttoarbeitslohn in den letzten zwölf Monaten\nSonderzahlungen: Weihnachtsgeld\nFirmenstempel"},
	{"arbeitsvertrag", "Anstellungsvertrag\nzwischen Muster AG und Frau Ina Roth\n§ 1 Das Arbeitsverhältnis beginnt am 01.02.2026.\n§ 2 Probezeit sechs Monate\n§ 5 Kündigungsfrist"},
	{"rentenbescheid", "Deutsche Rentenversicherung Bund\nRentenbescheid\nSie erhalten von uns eine Rente wegen voller Erwerbsminderung.\nMonatlicher Zahlbetrag 812,11 EUR\nVersicherungsnummer 12 120360 M 000"},
	{"einkommensteuerbescheid", "Finanzamt Musterstadt\nBescheid für 2025 über Einkommensteuer\nFestgesetzt werden 812 EUR\nZu versteuerndes Einkommen 19.300 EUR\nRechtsbehelfsbelehrung: Einspruch"},
	{"gewinnermittlung", "Einnahmen-Überschuss-Rechnung 2025\nBetriebseinnahmen 41.000\nBetriebsausgaben 22.000\nGewinn 19.000"},
	{"bescheid_alg", "Agentur für Arbeit Musterstadt\nBewilligung von Arbeitslosengeld\nSie erhalten Arbeitslosengeld ab 01.06.2026. Täglicher Leistungsbetrag 30,11 EUR. Rechtsgrundlage SGB III"},
	{"bescheid_transferleistung", "Landratsamt - Sozialamt\nBescheid über Grundsicherung im Alter\nIhnen wird Grundsicherung nach dem SGB XII bewilligt. Regelbedarf 563,00 EUR"},
	{"bafoeg_bescheid", "Amt für Ausbildungsförderung\nBescheid nach dem BAföG\nFür den Bewilligungszeitraum 10/2026 bis 09/2027 wird ein Förderungsbetrag von 700,00 EUR festgesetzt. Ausbildungsstätte: Universität"},
	{"bab_bescheid", "Agentur für Arbeit\nBerufsausbildungsbeihilfe\nIhr Antrag auf BAB nach § 56 SGB III wird abgelehnt."},
	{"immatrikulation", "Universität Musterstadt\nImmatrikulationsbescheinigung\nInes Roth ist im Sommersemester 2026 im Studiengang Jura eingeschrieben. Matrikel-Nr. 12345"},
	{"ausbildungsvertrag", "Berufsausbildungsvertrag\nzwischen dem Ausbildenden Bäckerei Korn und dem Auszubildenden Jan Beck\nAusbildungsberuf Bäcker\nAusbildungsvergütung 1.020 EUR\nProbezeit vier Monate"},
	{"schwerbehindertenausweis", "Schwerbehindertenausweis\nThe holder of this card is severely disabled\nGdB 60  Merkzeichen G\nGültig bis 12/2029"},
	{"feststellungsbescheid_gdb", "Versorgungsamt\nFeststellungsbescheid\nDer Grad der Behinderung (GdB) beträgt 50. Rechtsgrundlage § 152 SGB IX"},
	{"pflegegrad_bescheid", "Pflegekasse bei der AOK\nBescheid über den Pflegegrad\nNach der Begutachtung durch den Medizinischen Dienst liegt Pflegegrad 2 vor (SGB XI)."},
	{"unterhaltstitel", "Stadt Musterstadt Jugendamt\nUnterhaltsurkunde\nIch verpflichte mich, monatlich Kindesunterhalt zu zahlen. Sofortige Zwangsvollstreckung."},
	{"aufenthaltstitel", "AUFENTHALTSTITEL\nRESIDENCE PERMIT\nArt des Titels: Aufenthaltserlaubnis § 18b AufenthG\nGültig bis 01.05.2029"},
	{"registerauszug", "Amtsgericht Musterstadt\nHandelsregister B, HRB 4711\nAnzahl der bisherigen Eintragungen: 3\nStammkapital 25.000 EUR"},
	{"gesellschaftsvertrag", "Ur.-Nr. 55/2026\nVerhandelt vor dem Notar Dr. Kern\nGesellschaftsvertrag der Korn GmbH\nStammkapital 25.000 EUR, Gesellschafter, Gegenstand des Unternehmens"},
	{"vollmacht", "Vollmacht\nHiermit bevollmächtige ich Frau Ina Roth, mich gegenüber dem Gewerbeamt zu vertreten."},
	{"meldebescheinigung", "Stadt Musterstadt Einwohnermeldeamt\nErweiterte Meldebescheinigung\nDie Person ist seit 01.01.2020 mit Hauptwohnung gemeldet. Bundesmeldegesetz"},
	{"geburtsurkunde", "Standesamt Musterstadt\nGeburtsurkunde\nKind: Lea Jung\nMutter: Eva Jung\nVater: Peter Jung\nGeburtenregister Nr. 12/2008"},
	{"erste_hilfe_bescheinigung", "Deutsches Rotes Kreuz\nBescheinigung Erste Hilfe\nFrau Lea Jung hat an der Schulung in Erster Hilfe teilgenommen (9 Unterrichtseinheiten zu 45 Minuten)."},
	{"augenarzt_zeugnis", "Augenarztpraxis Dr. Blick\nAugenärztliches Zeugnis\nnach Anlage 6 der Fahrerlaubnis-Verordnung\nSehschärfe rechts 1,0 links 0,8\nDatum 02.10.2026"},
	{"fuehrungszeugnis_behoerde", "Bundesamt für Justiz\nFührungszeugnis\nzur Vorlage bei einer Behörde, Belegart O\nInhalt: keine Eintragung im Bundeszentralregister"},
	{"brandschutzkonzept", "Ingenieurbüro Glut\nBrandschutzkonzept\nErster und zweiter Rettungsweg, Feuerwiderstand der Bauteile, Zufahrt der Feuerwehr"},
	{"stellplatznachweis", "Stellplatznachweis nach § 37 LBO\nNotwendige Kfz-Stellplätze: 2\nFahrradstellplätze: 4"},
	{"carsharing_vertrag", "Stadtflitzer eG\nCarsharing-Vertrag\nMitglied seit 01.01.2026, Mitgliedsnummer 88"},
	{"ueberlassungserklaerung", "Muster AG\nErklärung über die Überlassung eines Fahrzeugs\nWir überlassen Frau Roth das Fahrzeug mit dem Kennzeichen S-MA 12 zur ständigen Nutzung. Halter: Muster AG"},
	{"aerztliches_attest", "Praxis Dr. Mild\nÄrztliche Bescheinigung\nDie Patientin ist in meiner Behandlung. Diagnose: M54.5 (ICD-10)"},
	{"anschreiben", "Ina Roth\nAn die Wohngeldstelle\nBetreff: Mein Antrag\nSehr geehrte Damen und Herren,\nanbei die fehlenden Unterlagen: Mietvertrag, Kontoauszug, Lohnabrechnung.\nMit freundlichen Grüßen"},
	{"", "Einladung zum Sommerfest der Kita Sonnenschein am 5. Juli ab 15 Uhr. Bitte bringen Sie Kuchen mit."},
	{"", "Rezept für Apfelkuchen: 200 g Mehl, 3 Äpfel, 2 Eier. Eine halbe Stunde backen."},
	{"", "Stromrechnung 2026\nVerbrauch 2.100 kWh\nAbschlag 58,00 EUR monatlich\nStadtwerke Musterstadt"},
}
