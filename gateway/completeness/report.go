// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import "github.com/ki-schleuse/schleuse/gateway"

// Status is the overall result of a check.
type Status string

// Statuses. Unverifiable wins over unclear, unclear over incomplete only in
// what it says; Report.Complete is true for StatusComplete alone.
const (
	StatusComplete     Status = "vollstaendig"
	StatusIncomplete   Status = "unvollstaendig"
	StatusUnclear      Status = "klaerung_noetig"
	StatusUnverifiable Status = "nicht_pruefbar"
)

// Severity says what a finding leads to.
type Severity string

// Severities.
const (
	SeverityAsk      Severity = "ask"      // goes into the Nachforderung
	SeverityHint     Severity = "hint"     // shown to the caseworker only
	SeverityOfficial Severity = "official" // leaves an automatic path
)

// Report is the result of a Vollständigkeitsprüfung. Same input and service
// version: same ids.
type Report struct {
	ID             string            `json:"id"`
	Service        gateway.ServiceID `json:"service"`
	ServiceVersion string            `json:"service_version"`
	RulesSHA256    string            `json:"rules_sha256"`
	// Date is the date of the case, YYYY-MM-DD: law and rules are those of that day.
	Date     string `json:"date"`
	Status   Status `json:"status"`
	Complete bool   `json:"complete"`
	// MissingFields are paths such as "haushalt[p3].geschlecht".
	MissingFields []string       `json:"missing_fields"`
	InvalidFields []InvalidField `json:"invalid_fields"`
	// MissingEvidence are "requirement" or "requirement:person".
	MissingEvidence []string   `json:"missing_evidence"`
	Findings        []Finding  `json:"findings"`
	Documents       []Document `json:"documents"`
	DecisionIDs     []string   `json:"decision_ids"`
}

// InvalidField is a field whose value has the wrong type or is outside its values.
type InvalidField struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Finding is one thing a person should look at or ask for.
type Finding struct {
	ID string `json:"id"`
	// Requirement is the rule id ("WG-04"), the field path or the evidence id
	// (with ":person").
	Requirement string `json:"requirement"`
	// Code is missing_field, invalid_field, missing_evidence, rule, unreadable,
	// wrong_person, wrong_period, expired, not_passed, locked, unknown_field,
	// unknown_type, art9_unrequested …
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Message says in German what is the case, Question what to ask the applicant.
	Message  string `json:"message"`
	Question string `json:"question"`
	// Label is the German name of the field or evidence, Person whom it concerns
	// (display name), Alternatives what would be accepted instead.
	Label        string   `json:"label,omitempty"`
	Person       string   `json:"person,omitempty"`
	Alternatives []string `json:"alternatives,omitempty"`
	// Basis holds one citation per element, for example "§ 60 Abs. 1 Nr. 3 SGB I".
	// Sources that are no norm ("Praxis") stand in Origin only.
	Basis []string `json:"basis"`
	// Origin is law, practice, tenant, secondary or unverified.
	Origin string `json:"origin,omitempty"`
	// ByAuthority: the authority gets this itself (§ 65 Abs. 1 Nr. 3 SGB I).
	ByAuthority bool       `json:"by_authority,omitempty"`
	Evidence    []Evidence `json:"evidence"`
	// Source is rule, model or ocr.
	Source     string  `json:"source"`
	Confidence float64 `json:"confidence"`
}

// Evidence is the place a finding rests on.
type Evidence struct {
	Document string      `json:"document"`
	Page     int         `json:"page,omitempty"`
	Box      *[4]float64 `json:"box,omitempty"`
	Quote    string      `json:"quote,omitempty"`
	// Path is the place in the application, for findings on fields.
	Path string `json:"path,omitempty"`
}

// Document is what the check took a document for.
type Document struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	Type string `json:"type"`
	// Parts of a file that holds several documents.
	Pages  [2]int            `json:"pages,omitzero"`
	Person string            `json:"person,omitempty"`
	Fields map[string]string `json:"fields,omitempty"`
	// Usable is false when it cannot count as evidence; Problem says why.
	Usable  bool   `json:"usable"`
	Problem string `json:"problem,omitempty"`
}
