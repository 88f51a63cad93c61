// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package screen finds personal data in German administrative text, replaces it
// by placeholders and restores it, also in a text that comes in pieces.
//
// Start at [Screener.Screen]. The bytes are read once: a hand-written scanner
// cuts them into tokens and hashes each token while reading (token.go); every
// later step walks tokens. Words are looked up in a fixed lexicon (lexicon.go)
// and in a table built from what the Fachverfahren already knows about the case
// (casetable.go). Numbers are recognised by shape and confirmed by their check
// digits (checks.go). Where two recognisers claim the same place, the better
// evidence wins: validated, known, trigger, list (resolve.go).
//
// A chat grows turn by turn, and every request carries all of it. What a longer
// text came to is remembered for some minutes in places and kinds, never in text
// (memory.go, outcome.go), so only new turns are read. A name that a new turn
// reveals is looked for in the old ones as well (reading.go): the result is the
// same as if all were read anew, which the tests compare.
//
// It is not a guarantee: a name nobody announced (no title, no label, not part
// of the case, not a common first name) is not found. It decides nothing about
// what may be sent where; that is the policies' work. Hints of special
// categories (category.go) are for routing, they mask nothing.
package screen

import "github.com/ki-schleuse/schleuse/gateway"

// Kinds of findings.
const (
	KindIBAN            gateway.FindingKind = "iban"
	KindBIC             gateway.FindingKind = "bic"
	KindTaxID           gateway.FindingKind = "tax_id"                  // Steuerliche Identifikationsnummer, § 139b AO
	KindTaxNumber       gateway.FindingKind = "tax_number"              // Steuernummer
	KindVATID           gateway.FindingKind = "vat_id"                  // Umsatzsteuer-Identifikationsnummer
	KindBusinessID      gateway.FindingKind = "business_id"             // Wirtschafts-Identifikationsnummer, § 139c AO
	KindPensionNumber   gateway.FindingKind = "pension_number"          // Versicherungsnummer, § 147 SGB VI
	KindHealthInsurance gateway.FindingKind = "health_insurance_number" // Krankenversichertennummer, § 290 SGB V
	KindIDCard          gateway.FindingKind = "id_card"                 // Personalausweis
	KindPassport        gateway.FindingKind = "passport"                // Reisepass
	KindDrivingLicence  gateway.FindingKind = "driving_licence"         // Führerschein
	KindEmail           gateway.FindingKind = "email"
	KindPhone           gateway.FindingKind = "phone"
	KindDateOfBirth     gateway.FindingKind = "date_of_birth"
	KindAddress         gateway.FindingKind = "address"
	KindLicencePlate    gateway.FindingKind = "licence_plate" // Kfz-Kennzeichen
	KindFileNumber      gateway.FindingKind = "file_number"   // Aktenzeichen, Kassenzeichen and the like
	KindPerson          gateway.FindingKind = "person"
	KindCreditCard      gateway.FindingKind = "credit_card"
	KindCreditorID      gateway.FindingKind = "creditor_id" // Gläubiger-Identifikationsnummer
	KindIPAddress       gateway.FindingKind = "ip_address"
	KindOther           gateway.FindingKind = "other" // a known value of the case without a kind of its own
)
