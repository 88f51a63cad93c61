// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

// word is the German word for a key of the policies and of the journal; a key
// that is not in the table stands for itself.
func word(table, key string) string {
	return name(map[string]map[string]string{
		"area": {
			"kernel": "Kern", "tenant": "Mandant und System", "aiact": "KI-Verordnung", "dataprotection": "Datenschutz", "routing": "Modell und Ort",
		},
		"source": {
			"shipped": "Mitgeliefert", "file": "Datei", "folder": "Ordner", "url": "Netzadresse", "release": "Freigabe",
		},
		"effect": {"allow": "zugelassen", "deny": "abgelehnt"},
		"change": {"added": "Neu aufgenommen", "changed": "Geändert", "removed": "Entfernt"},
	}[table], key)
}
