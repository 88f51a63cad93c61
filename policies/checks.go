// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Finding is something a configuration leaves undone: a duty that no request shows,
// because it is fulfilled or not before the first one.
type Finding struct {
	// Check is the name of the check, Object what it is about, like "model/klein".
	Check  string `json:"check"`
	Object string `json:"object"`
	Basis  string `json:"basis"`
	// Text is a German sentence.
	Text string `json:"text"`
}

// Setup is what the checks look at.
type Setup struct {
	Tenants  map[gateway.TenantID]Tenant
	Services []gateway.ServiceCard
	Models   []gateway.ModelCard
	// Now is the day for which duties are looked at.
	Now time.Time
}

// setupCheck looks at one duty.
type setupCheck struct {
	name, basis string
	find        func(s Setup, say func(object, text string))
}

var setupChecks = [...]setupCheck{
	{"model_contract", "Art. 28 Abs. 3 DSGVO", func(s Setup, say func(string, string)) {
		eachModel(s.Models, gateway.ModelCard.External, func(m gateway.ModelCard) {
			if m.Contract == "" {
				say(model(m), "Es ist kein Vertrag über die Auftragsverarbeitung hinterlegt; das Modell erhält keine Anfragen (DSG-001).")
			}
		})
	}},
	{"model_sozialdaten", "§ 80 Abs. 1 und 3 SGB X", func(s Setup, say func(string, string)) {
		eachModel(s.Models, releasedFor(gateway.DataSozialdaten), func(m gateway.ModelCard) {
			switch {
			case !m.External():
			case m.Para80Notice == "":
				say(model(m), "Das Modell ist für Sozialdaten freigegeben, die Anzeige an die Aufsichtsbehörde fehlt (DSG-004).")
			case m.ProcessorKind == "private" && m.Para80Ground == "":
				say(model(m), "Das Modell ist für Sozialdaten freigegeben, wird privat betrieben und nennt keinen Grund nach § 80 Abs. 3 SGB X (DSG-019).")
			}
		})
	}},
	{"model_steuer", "§ 30 Abs. 9 AO", func(s Setup, say func(string, string)) {
		eachModel(s.Models, releasedFor(gateway.DataSteuer), func(m gateway.ModelCard) {
			if m.External() && !m.Para30AO {
				say(model(m), "Das Modell ist für Steuerdaten freigegeben, die Verpflichtung auf das Steuergeheimnis fehlt (DSG-006).")
			}
		})
	}},
	{"model_art9", "Art. 9 DSGVO, § 22 Abs. 2 BDSG", func(s Setup, say func(string, string)) {
		eachModel(s.Models, releasedFor(gateway.DataArt9), func(m gateway.ModelCard) {
			if !m.Art9 {
				say(model(m), "Das Modell nennt die Klasse „art9“, ist aber nicht für besondere Kategorien freigegeben (DSG-007).")
			}
		})
	}},
	{"model_training", "Art. 5 Abs. 1 Buchst. b DSGVO, § 67c Abs. 3 SGB X", func(s Setup, say func(string, string)) {
		eachModel(s.Models, func(m gateway.ModelCard) bool { return m.TrainsOnInput }, func(m gateway.ModelCard) {
			if slices.ContainsFunc(m.DataClasses, func(c gateway.DataClass) bool { return c != gateway.DataPublic }) {
				say(model(m), "Der Betreiber darf mit Eingaben trainieren; das Modell erhält nur Öffentliches, ist aber für mehr freigegeben (DSG-002, DSG-005).")
			}
		})
	}},
	{"service_legal_basis", "Art. 6 Abs. 1 Buchst. e und Abs. 3 DSGVO", func(s Setup, say func(string, string)) {
		for _, card := range s.Services {
			if len(card.LegalBasis) == 0 {
				say("service/"+string(card.ID), "Für die Leistung ist keine Rechtsgrundlage hinterlegt.")
			}
		}
	}},
	{"tenant_training", "Art. 4 KI-VO", func(s Setup, say func(string, string)) {
		eachTenant(s, func(id gateway.TenantID, t Tenant) {
			if !reached(t.Trained, s.Now) {
				say(tenant(id), "Es ist nicht hinterlegt, wann die Beschäftigten geschult wurden.")
			}
		})
	}},
	{"tenant_staff_informed", "Art. 26 Abs. 7 KI-VO", func(s Setup, say func(string, string)) {
		eachTenant(s, func(id gateway.TenantID, t Tenant) {
			if len(t.Releases) > 0 && !reached(t.StaffInformed, s.Now) {
				say(tenant(id), "Ein Hochrisiko-Zweck ist freigegeben; es ist nicht hinterlegt, wann Beschäftigte und Personalrat informiert wurden (ab 2. Dezember 2027: AIA-019).")
			}
		})
	}},
	{"tenant_release", "Art. 26, 27 und 49 Abs. 3 KI-VO, Art. 35 DSGVO", func(s Setup, say func(string, string)) {
		eachTenant(s, func(id gateway.TenantID, t Tenant) {
			for _, r := range t.Releases {
				if r.ValidFrom != "" && r.Undated() {
					say(tenant(id), fmt.Sprintf("Die Freigabe für „%s“ gilt nicht: Ein Tag fehlt oder hat nicht die Form JJJJ-MM-TT (AIA-003).", r.Service))
				}
				if missing := r.missing(); len(missing) > 0 {
					say(tenant(id), fmt.Sprintf("Der Freigabe für „%s“ fehlt: %s (AIA-003).", r.Service, strings.Join(missing, ", ")))
				}
			}
		})
	}},
	{"tenant_release_ends", "Art. 26 Abs. 1 KI-VO", func(s Setup, say func(string, string)) {
		eachTenant(s, func(id gateway.TenantID, t Tenant) {
			soon := s.Now.AddDate(0, 0, 60).Format(time.DateOnly)
			for _, r := range t.Releases {
				if r.ValidTo != "" && r.ValidTo <= soon {
					say(tenant(id), fmt.Sprintf("Die Freigabe für „%s“ endet am %s oder ist abgelaufen.", r.Service, dayOf(r.ValidTo)))
				}
			}
		})
	}},
	{"tenant_keep_content", "Art. 5 Abs. 1 Buchst. e DSGVO", func(s Setup, say func(string, string)) {
		eachTenant(s, func(id gateway.TenantID, t Tenant) {
			for _, purpose := range slices.Sorted(maps.Keys(t.KeepContent)) {
				if days := t.KeepContent[purpose]; days < 1 {
					say(tenant(id), fmt.Sprintf("Für „%s“ sollen Inhalte %d Tage aufbewahrt werden; das bewirkt nichts.", purpose, days))
				}
			}
		})
	}},
}

// CheckNames are the names of the checks of a configuration.
func CheckNames() []string {
	var names []string
	for _, c := range setupChecks {
		names = append(names, c.name)
	}
	return names
}

// Check looks at a configuration for duties that no request shows. It finds what is
// missing; whether the gateway starts without it is for its operator to say.
func Check(s Setup) []Finding {
	out := []Finding{}
	for _, c := range setupChecks {
		c.find(s, func(object, text string) {
			out = append(out, Finding{Check: c.name, Object: object, Basis: c.basis, Text: text})
		})
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(a.Object, b.Object) })
	return out
}

// missing are the references a release does not name.
func (r Release) missing() []string {
	var out []string
	for _, field := range [...]struct{ name, value string }{
		{"Registrierung", r.Registration},
		{"Grundrechte-Folgenabschätzung", r.FRIA},
		{"Datenschutz-Folgenabschätzung", r.DPIA},
		{"benannte Aufsicht", r.Oversight},
		{"Beginn", r.ValidFrom},
	} {
		if field.value == "" {
			out = append(out, field.name)
		}
	}
	return out
}

// reached says that a day is written down and not in the future.
func reached(day string, now time.Time) bool {
	_, err := time.Parse(time.DateOnly, day)
	return err == nil && day <= now.Format(time.DateOnly)
}

func model(m gateway.ModelCard) string { return "model/" + string(m.ID) }

func tenant(id gateway.TenantID) string { return "tenant/" + string(id) }

func releasedFor(class gateway.DataClass) func(gateway.ModelCard) bool {
	return func(m gateway.ModelCard) bool { return slices.Contains(m.DataClasses, class) }
}

func eachModel(models []gateway.ModelCard, which func(gateway.ModelCard) bool, do func(gateway.ModelCard)) {
	for _, m := range models {
		if which(m) {
			do(m)
		}
	}
}

func eachTenant(s Setup, do func(gateway.TenantID, Tenant)) {
	for _, id := range slices.Sorted(maps.Keys(s.Tenants)) {
		if t := s.Tenants[id]; t.Active {
			do(id, t)
		}
	}
}
