// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import "github.com/ki-schleuse/schleuse/gateway"

// word is the name of a key, or the key itself.
func word(names map[string]string, key string) string {
	if n, ok := names[key]; ok {
		return n
	}
	return key
}

func purposeName(p gateway.Purpose) string {
	return word(map[string]string{
		"chat": "freie Anfrage", "research": "Recherche", "factual_qa": "Sachfrage zur Akte", "legal_references": "Fundstellen im Recht",
		"summarise": "Zusammenfassung", "transcribe": "Abschrift", "translate": "Übersetzung", "simplify_language": "Einfache Sprache",
		"extraction": "Übernahme von Daten", "document_classification": "Zuordnung von Dokumenten", "completeness_check": "Prüfung auf Vollständigkeit",
		"letter_request_documents": "Schreiben zur Nachforderung von Unterlagen", "letter_receipt": "Eingangsbestätigung",
		"letter_hearing": "Schreiben zur Anhörung", "letter_from_human_decision": "Schreiben nach der Entscheidung eines Menschen",
		"citizen_information": "Auskunft für Bürgerinnen und Bürger", "service_finder": "Suche nach einer Leistung", "routing": "Suche nach der zuständigen Stelle",
		"": "ohne Zweck",
	}, string(p))
}

func className(c gateway.DataClass) string {
	return word(map[string]string{
		"public": "öffentliche Daten", "internal": "interne Daten", "personal": "personenbezogene Daten",
		"art9": "besondere Kategorien nach Art. 9 DSGVO", "sozialdaten": "Sozialdaten nach § 67 Abs. 2 SGB X",
		"steuer": "Daten unter dem Steuergeheimnis (§ 30 AO)", "trade": "Gewerbedaten (§ 14 GewO)", "confidential": "Verschlusssache",
	}, string(c))
}

func kindName(k gateway.FindingKind) string {
	return word(map[string]string{ //nolint:gosec // words for people, no credentials
		"person": "Personennamen", "address": "Anschriften", "iban": "IBAN", "bic": "BIC", "tax_id": "Steuer-ID", "tax_number": "Steuernummern",
		"vat_id": "USt-IdNr.", "business_id": "Wirtschafts-IdNr.", "pension_number": "Rentenversicherungsnummern",
		"health_insurance_number": "Krankenversichertennummern", "id_card": "Personalausweisnummern", "passport": "Reisepassnummern",
		"driving_licence": "Führerscheinnummern", "email": "E-Mail-Adressen", "phone": "Telefonnummern", "date_of_birth": "Geburtsdaten",
		"licence_plate": "Kfz-Kennzeichen", "file_number": "Aktenzeichen", "credit_card": "Kreditkarten", "creditor_id": "Gläubiger-ID",
		"ip_address": "IP-Adressen", "other": "weitere Angaben zum Fall",
	}, string(k))
}

func residencyName(r gateway.Residency) string {
	return word(map[string]string{
		"own_datacentre": "eigenes Rechenzentrum", "public_sector_eu": "öffentlicher Anbieter in der EU", "private_eu": "privater Anbieter in der EU",
		"eu_subsidiary_of_non_eu": "EU-Tochter eines Anbieters außerhalb der EU", "non_eu": "Anbieter außerhalb der EU", "": "ohne Angabe zum Standort",
	}, string(r))
}

func outcomeName(o gateway.Outcome) string {
	return word(map[string]string{
		"answered": "beantwortet", "denied": "abgelehnt", "stopped": "Antwort zurückgehalten", "truncated": "unvollständig beantwortet",
		"failed": "fehlgeschlagen", "cancelled": "abgebrochen", "interrupted": "unterbrochen", "": "noch offen",
	}, string(o))
}

func kindOfContent(k Kind) string {
	if k == KindAnswer {
		return "Antwort"
	}
	return "Anfrage"
}
