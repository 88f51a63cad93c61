// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness_test

import (
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/completeness"
)

// change sets values in an application by dotted path; nil deletes. Paths
// beginning with "$" start at the whole input.
func change(t *testing.T, in map[string]any, set map[string]any) {
	t.Helper()
	for path, v := range set {
		o, rest := in["application"].(map[string]any), path
		if strings.HasPrefix(path, "$.") {
			o, rest = in, path[2:]
		}
		parts := strings.Split(rest, ".")
		for _, p := range parts[:len(parts)-1] {
			if list, ok := o[p].([]any); ok {
				o = list[0].(map[string]any)
				continue
			}
			next, ok := o[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				o[p] = next
			}
			o = next
		}
		if v == nil {
			delete(o, parts[len(parts)-1])
			continue
		}
		o[parts[len(parts)-1]] = v
	}
}

type object = map[string]any

// TestMeaning: what rules mean, where a naive reading of them would differ, and
// their edges. Lists are changed at their first item.
func TestMeaning(t *testing.T) {
	t.Parallel()
	c := setup(t)
	base := map[string]string{}
	for _, a := range readApplications(t, "../../policies/services/testdata/applications.jsonl") {
		base[a.ID] = string(a.raw)
	}
	for _, tc := range []struct {
		name     string
		base     string
		set      map[string]any
		rules    []string
		evidence []string
		fields   []string
		invalid  []string
		status   completeness.Status
	}{
		// Money
		{name: "one cent is tolerated", base: "wohngeld-01", set: object{"miete.gesamt": 720.01}, status: completeness.StatusComplete},
		{name: "two cents are not", base: "wohngeld-01", set: object{"miete.gesamt": 720.02}, rules: []string{"WG-01"}, status: completeness.StatusUnclear},
		{name: "sums are exact", base: "wohngeld-01", set: object{"miete.kalt": 0.1, "miete.betriebskosten": 0.2, "miete.heizkosten": 0.3, "miete.gesamt": 0.61}, status: completeness.StatusComplete},
		{name: "thousandths are no amount", base: "wohngeld-01", set: object{"miete.kalt": 540.005}, invalid: []string{"miete.kalt"}, rules: []string{"WG-01"}, status: completeness.StatusUnclear},
		{name: "zero is a value", base: "wohngeld-01", set: object{"miete.heizkosten": 0, "miete.kalt": 620}, status: completeness.StatusComplete},
		// Wohngeld
		{name: "wrong check digits", base: "wohngeld-01", set: object{"antragsteller.iban": "DE89370400440532013001"}, rules: []string{"WG-04"}, status: completeness.StatusUnclear},
		{name: "iban with blanks", base: "wohngeld-01", set: object{"antragsteller.iban": "DE89 3704 0044 0532 0130 00"}, status: completeness.StatusComplete},
		{name: "no transfer benefit", base: "wohngeld-01", set: object{"haushalt.transferleistung": "keine"}, status: completeness.StatusComplete},
		{name: "transfer benefit", base: "wohngeld-01", set: object{"haushalt.transferleistung": "Bürgergeld"}, evidence: []string{"transfer:p1"}, rules: []string{"WG-06"}, status: completeness.StatusIncomplete},
		{name: "applicant not in the list", base: "wohngeld-01", set: object{"haushalt.ist_antragsteller": false}, rules: []string{"WG-03"}, status: completeness.StatusUnclear},
		{name: "born after the application", base: "wohngeld-01", set: object{"haushalt.geburtsdatum": "2026-11-03"}, rules: []string{"WG-09"}, status: completeness.StatusUnclear},
		{name: "own property", base: "wohngeld-01", set: object{"wohnverhaeltnis": "eigentum"}, rules: []string{"WG-05"}, status: completeness.StatusComplete},
		{name: "wealth is only a hint", base: "wohngeld-01", set: object{"erhebliches_vermoegen": true}, rules: []string{"WG-11"}, status: completeness.StatusComplete},
		{name: "exactly two months before the end", base: "wohngeld-07", set: object{"ende_bewilligungszeitraum": "2027-01-02", "miete.geaendert": false}, status: completeness.StatusComplete},
		{name: "third country", base: "wohngeld-01", set: object{"haushalt.staatsangehoerigkeit_gruppe": "drittstaat"}, evidence: []string{"aufenthalt:p1"}, status: completeness.StatusIncomplete},
		{name: "outside the enum", base: "wohngeld-01", set: object{"haushalt.status": "arbeitnehmr"}, invalid: []string{"haushalt[p1].status"}, status: completeness.StatusUnclear},
		{name: "not a date", base: "wohngeld-01", set: object{"einzugsdatum": "2023-02-30"}, invalid: []string{"einzugsdatum"}, status: completeness.StatusUnclear},
		{name: "empty list", base: "wohngeld-01", set: object{"haushalt": []any{}}, fields: []string{"haushalt"}, rules: []string{"WG-02", "WG-03"}, status: completeness.StatusIncomplete},
		{name: "slips are not twelve", base: "wohngeld-01", set: object{"$.documents": []any{object{"type": "mietvertrag"}, object{"type": "mietquittung"}, object{"type": "lohnabrechnung", "person": "p1", "zeitraum": "2026-10"}}}, evidence: []string{"verdienst:p1"}, status: completeness.StatusIncomplete},
		{name: "twelve slips in a row", base: "wohngeld-01", set: object{"$.documents": []any{object{"type": "mietvertrag"}, object{"type": "mietquittung"}, object{"type": "lohnabrechnung", "person": "p1", "zeitraum": "2025-11,2025-12,2026-01,2026-02,2026-03,2026-04,2026-05,2026-06,2026-07,2026-08,2026-09,2026-10"}}}, status: completeness.StatusComplete},
		{name: "a statement without rent", base: "wohngeld-01", set: object{"$.documents": []any{object{"type": "mietvertrag"}, object{"type": "kontoauszug"}, object{"type": "verdienstbescheinigung", "person": "p1"}}}, evidence: []string{"mietzahlung"}, status: completeness.StatusIncomplete},
		{name: "refused allowance counts", base: "wohngeld-01", set: object{"haushalt.status": "azubi", "$.documents": []any{object{"type": "mietvertrag"}, object{"type": "mietquittung"}, object{"type": "ausbildungsvertrag", "person": "p1"}, object{"type": "bab_ablehnung", "person": "p1"}}}, status: completeness.StatusComplete},
		{name: "before the rules begin", base: "wohngeld-01", set: object{"$.date": "2019-05-01"}, status: completeness.StatusUnverifiable},
		// Gewerbe
		{name: "short and precise", base: "gewerbe-01", set: object{"taetigkeit": "Uhrenreparatur"}, status: completeness.StatusComplete},
		{name: "vague", base: "gewerbe-01", set: object{"taetigkeit": "Handel aller Art"}, rules: []string{"GW-01"}, status: completeness.StatusUnclear},
		{name: "import/export", base: "gewerbe-01", set: object{"taetigkeit": "Import/Export"}, rules: []string{"GW-01"}, status: completeness.StatusUnclear},
		{name: "no activity", base: "gewerbe-01", set: object{"taetigkeit": nil}, fields: []string{"taetigkeit"}, status: completeness.StatusIncomplete},
		{name: "key without its zero", base: "gewerbe-01", set: object{"betrieb.ags": 8111000}, status: completeness.StatusComplete},
		{name: "parameter without its zero", base: "gewerbe-01", set: object{"$.params.ags": 8111000}, status: completeness.StatusComplete},
		{name: "no key of the municipality", base: "gewerbe-01", set: object{"$.params.ags": nil}, status: completeness.StatusUnverifiable},
		{name: "identity card as a copy", base: "gewerbe-01", set: object{"$.documents": []any{object{"type": "personalausweis"}}}, status: completeness.StatusComplete},
		{name: "minor without date of notice", base: "gewerbe-01", set: object{"anzeigedatum": nil, "person.geburtsdatum": "2010-01-01"}, rules: []string{"GW-09"}, status: completeness.StatusUnclear},
		{name: "permit is a hint", base: "gewerbe-01", set: object{"taetigkeit_kategorie": "bewachung"}, rules: []string{"GW-04"}, status: completeness.StatusComplete},
		{name: "partnership in foundation", base: "gewerbe-01", set: object{"in_gruendung": true, "rechtsform": "gbr"}, rules: []string{"GW-08"}, status: completeness.StatusUnclear},
		// Bau
		{name: "structural proof may follow", base: "bau-01", set: object{"vorhaben.art": "neubau", "$.documents.type": "lageplan_zeichnerisch"}, rules: []string{"BA-05"}, status: completeness.StatusComplete},
		{name: "the same parcel", base: "bau-01", set: object{"grundstueck.flurstueck": "77", "extrahiert.lageplan.flurstueck": "77/0"}, rules: []string{"BA-05"}, status: completeness.StatusComplete},
		{name: "another parcel", base: "bau-01", set: object{"grundstueck.flurstueck": "77", "extrahiert.lageplan.flurstueck": "770"}, rules: []string{"BA-04", "BA-05"}, status: completeness.StatusUnclear},
		{name: "before the fiction", base: "bau-01", set: object{"eingangsdatum": "2025-06-27"}, status: completeness.StatusComplete},
		{name: "deviation in the short procedure", base: "bau-01", set: object{"verfahren": "kenntnisgabe", "abweichungen": true}, evidence: []string{"befreiungsantrag"}, rules: []string{"BA-03", "BA-06"}, status: completeness.StatusIncomplete},
		// Parken
		{name: "missing area", base: "park-01", set: object{"gebiet": nil}, fields: []string{"gebiet"}, status: completeness.StatusIncomplete},
		{name: "plate in another writing", base: "park-01", set: object{"extrahiert.zb1.kennzeichen": "S AB1234"}, status: completeness.StatusComplete},
		{name: "car sharing", base: "park-01", set: object{"fahrzeug": object{"halter": "carsharing"}, "$.documents": []any{object{"type": "carsharing_vertrag"}}}, status: completeness.StatusComplete},
		{name: "existing permit leaves the automatic path", base: "park-01", set: object{"vorhandener_ausweis_gueltig": true}, rules: []string{"BP-06"}, status: completeness.StatusComplete},
		// Hund
		{name: "breed in another writing", base: "hund-05", set: object{"hund.rasse": "Pitbull-Terrier", "hund.wurfdatum": "2025-01-15"}, rules: []string{"HS-04"}, status: completeness.StatusComplete},
		{name: "mix with a listed breed", base: "hund-05", set: object{"hund.rasse": "Mischling aus American Staffordshire und Boxer", "hund.wurfdatum": "2025-01-15"}, rules: []string{"HS-04"}, status: completeness.StatusComplete},
		{name: "a similar word is no listed breed", base: "hund-05", set: object{"hund.rasse": "Französische Bulldogge", "hund.wurfdatum": "2025-01-15"}, status: completeness.StatusComplete},
		{name: "no dog", base: "hund-05", set: object{"hunde_im_haushalt": 0}, rules: []string{"HS-01", "HS-06"}, status: completeness.StatusUnclear},
		{name: "wrong mark", base: "hund-05", set: object{"ermaessigung": "merkzeichen", "merkzeichen": "G"}, evidence: []string{"merkzeichen"}, rules: []string{"HS-01", "HS-07"}, status: completeness.StatusIncomplete},
		{name: "one mark of several", base: "hund-05", set: object{"ermaessigung": "merkzeichen", "merkzeichen": "G, aG", "$.documents": []any{object{"type": "schwerbehindertenausweis"}}}, rules: []string{"HS-01"}, status: completeness.StatusComplete},
		// Fahrerlaubnis
		{name: "six months before the birthday", base: "fe-02", set: object{"person.geburtsdatum": "2009-05-15"}, status: completeness.StatusComplete},
		{name: "a day more", base: "fe-02", set: object{"person.geburtsdatum": "2009-05-16"}, rules: []string{"FE-01"}, status: completeness.StatusUnclear},
		{name: "six months before 31 August", base: "fe-02", set: object{"person.geburtsdatum": "2009-08-31", "antragsdatum": "2027-02-28"}, status: completeness.StatusComplete},
		{name: "old test beside a recent one", base: "fe-02", set: object{"person.geburtsdatum": "1990-01-01", "$.documents": []any{object{"type": "reisepass"}, object{"type": "lichtbild"}, object{"type": "sehtestbescheinigung", "date": "2020-01-01"}, object{"type": "augenarzt_zeugnis", "date": "2026-10-01"}, object{"type": "erste_hilfe_bescheinigung", "unterrichtseinheiten": 9}}}, status: completeness.StatusComplete},
		{name: "abroad", base: "fe-02", set: object{"person.geburtsdatum": "1990-01-01", "person.wohnsitz_inland": false}, rules: []string{"FE-07"}, status: completeness.StatusComplete},
		{name: "no companions", base: "fe-03", set: object{"begleitpersonen": nil}, fields: []string{"begleitpersonen"}, status: completeness.StatusIncomplete},
		{name: "companion without a name", base: "fe-03", set: object{"begleitpersonen": []any{object{"geburtsdatum": "1970-01-01", "fahrerlaubnis_seit": "1990-01-01"}}}, fields: []string{"begleitpersonen[0].name"}, status: completeness.StatusIncomplete},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := decode(t, []byte(base[tc.base]))
			if d, ok := tc.set["$.documents.type"]; ok {
				// Replace the structural proof by another document.
				in["documents"].([]any)[5].(map[string]any)["type"] = d
				delete(tc.set, "$.documents.type")
			}
			change(t, in, tc.set)
			r := checkTree(t, c, in)
			same(t, "rules", ruleFindings(r), tc.rules)
			same(t, "missing evidence", r.MissingEvidence, tc.evidence)
			same(t, "missing fields", r.MissingFields, tc.fields)
			var invalid []string
			for _, i := range r.InvalidFields {
				invalid = append(invalid, i.Path)
			}
			same(t, "invalid fields", invalid, tc.invalid)
			if r.Status != tc.status {
				t.Errorf("status %s, expected %s", r.Status, tc.status)
			}
		})
	}
}
