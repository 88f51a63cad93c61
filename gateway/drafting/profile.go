// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/drafting/deadline"
)

// Profile is what every letter of one authority shows. What is missing becomes a
// named placeholder that keeps a letter from being released.
type Profile struct {
	// Authority is the name at the top: "Stadt Musterstadt".
	Authority string `json:"authority"`
	// Department is for example "Wohngeldbehörde".
	Department string `json:"department,omitempty"`
	Street     string `json:"street"`
	Postcode   string `json:"postcode"`
	City       string `json:"city"`
	// Land decides about holidays and procedural law: "BW".
	Land  deadline.Land `json:"land"`
	Phone string        `json:"phone"`
	Email string        `json:"email"`
	Web   string        `json:"web,omitempty"`
	// Upload is the address of the online return channel.
	Upload string `json:"upload"`
	// Visit says where and when to come in person.
	Visit string `json:"visit"`
	// ProcedureLaw is the law on administrative procedure; empty: LVwVfG in BW,
	// else VwVfG.
	ProcedureLaw string `json:"procedure_law,omitempty"`
	// DataProtectionOfficer and Supervision are contacts, PrivacyURL the full
	// notice, Recipients and Retention sentences for Art. 13 DSGVO.
	DataProtectionOfficer string `json:"data_protection_officer"`
	Supervision           string `json:"supervision"`
	PrivacyURL            string `json:"privacy_url"`
	Recipients            string `json:"recipients"`
	Retention             string `json:"retention"`
	// Footer lines, for example bank and contact.
	Footer []string `json:"footer,omitempty"`
}

// filled returns the profile with a placeholder for each missing value, and the
// names of what is missing.
func (p Profile) filled() (Profile, []string) {
	var missing []string
	need := func(value *string, name string) {
		if strings.TrimSpace(*value) == "" {
			*value = placeholder(name)
			missing = append(missing, name)
		}
	}
	need(&p.Authority, "Name der Behörde")
	need(&p.Street, "Straße der Behörde")
	need(&p.Postcode, "Postleitzahl der Behörde")
	need(&p.City, "Ort der Behörde")
	need(&p.Phone, "Telefon der Behörde")
	need(&p.Email, "E-Mail der Behörde")
	need(&p.Upload, "Adresse für das Hochladen von Unterlagen")
	need(&p.Visit, "Ort und Zeiten für die persönliche Abgabe")
	need(&p.DataProtectionOfficer, "Kontakt der oder des Datenschutzbeauftragten")
	need(&p.Supervision, "Aufsichtsbehörde für den Datenschutz")
	need(&p.PrivacyURL, "Adresse der Datenschutzhinweise")
	need(&p.Recipients, "Empfänger der Daten")
	need(&p.Retention, "Speicherdauer")
	return p, missing
}

// law is the law on administrative procedure of the authority.
func (p Profile) law() string {
	switch {
	case p.ProcedureLaw != "":
		return p.ProcedureLaw
	case p.Land == "BW":
		return "LVwVfG"
	}
	return "VwVfG"
}

func (p Profile) place() string { return p.Postcode + " " + p.City }

const placeholderStart, placeholderEnd = "[[", "]]"

func placeholder(name string) string { return placeholderStart + name + placeholderEnd }
