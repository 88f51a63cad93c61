// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

// word is the German word for a key of the policies and of the journal; a key
// that is not in the table stands for itself.
func word(table, key string) string {
	return name(map[string]map[string]string{
		"area": {
			"kernel": "Kern", "tenant": "Mandant und System", "aiact": "KI-Verordnung", "dataprotection": "Datenschutz", "routing": "Modell und Ort",
			"procedure": "Verwaltungsverfahren",
		},
		"source": {
			"embedded": "Mitgeliefert", "file": "Datei", "folder": "Ordner", "url": "Netzadresse", "rollback": "Rückkehr", "restore": "Wiederherstellung",
		},
		"effect": {"allow": "zugelassen", "deny": "abgelehnt"},
		"topic": {
			"record_opened": "Eintrag geöffnet", "list_viewed": "Liste angesehen", "exported": "Ausgegeben", "verified": "Protokoll geprüft",
			"released": "Entwurf freigegeben", "rejected": "Entwurf abgelehnt", "policy_proposed": "Richtlinie vorgeschlagen",
			"policy_signed": "Richtlinie unterschrieben", "policy_activated": "Richtlinie in Kraft gesetzt", "policy_in_force": "Richtlinie in Kraft",
			"policy_restored": "Richtlinie wiederhergestellt", "policy_withdrawn": "Richtlinie zurückgezogen",
			"shadow_started": "Schattenlauf begonnen", "shadow_ended": "Schattenlauf beendet", "tenant_changed": "Mandant geändert",
			"configuration_changed": "Konfiguration geändert", "rules_changed": "Mitgelieferte Regeln geändert", "hold_placed": "Sperre gesetzt", "hold_lifted": "Sperre aufgehoben",
			"retained": "Inhalte entfernt", "retention_postponed": "Entfernen verschoben", "key_destroyed": "Schlüssel vernichtet",
			"access_given": "Auskunft erteilt", "erased": "Gelöscht", "signed_in": "Angemeldet", "budget_notice": "Budget-Hinweis",
		},
		"object": {"record": "Protokoll", "decisions": "Entscheidungen", "approvals": "Freigaben", "policies": "Richtlinien", "journal": "Journal", "configuration": "Konfiguration"},
		"problem": {
			"leaf": "Inhalt geändert", "column": "Angabe geändert", "node": "Prüfwert geändert", "missing": "Blatt fehlt", "truncated": "Protokoll gekürzt",
			"uncovered": "Ohne Prüfpunkt", "checkpoint": "Prüfpunkt weicht ab", "pair": "Ende ohne Anfang", "pending": "Liste der offenen Anfragen",
			"proof": "Nachweis weicht ab", "witness": "Zeuge widerspricht", "summary": "Zählung weicht ab", "removed": "Entfernter Inhalt",
		},
		"change": {"added": "Neu aufgenommen", "changed": "Geändert", "removed": "Entfernt"},
	}[table], key)
}
