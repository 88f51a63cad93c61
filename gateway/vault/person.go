// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Actor is who asks, at a page or at the command line.
type Actor struct {
	// Tenant the person belongs to; empty for one of the operator.
	Tenant gateway.TenantID
	// Name goes into the record as a pseudonym only.
	Name  string
	Roles []string
	// Operator says that the person acts for the operator, for every tenant.
	Operator bool
	// Reason is the justification of what has none of its own, for its note.
	Reason string
}

// Roles that may do something here.
const (
	roleRevision = "revision" // opens content of the own tenant
	roleTenant   = "mandant"  // answers access requests, erases, places holds
)

// Subject is whom a request for access or erasure is about: one file number or
// one user, as the Fachverfahren writes it.
type Subject struct {
	Tenant gateway.TenantID
	Case   string
	User   string
}

// subject is a Subject by the names it has in the stores.
type subject struct {
	Subject
	file, person gateway.Pseudonym
}

const maxSubject = 200

// find turns file number or user into pseudonyms.
func (v *Vault) find(s Subject) (subject, error) {
	s.Case, s.User = strings.TrimSpace(s.Case), strings.TrimSpace(s.User)
	for _, text := range []string{s.Case, s.User, string(s.Tenant)} {
		if len(text) > maxSubject || !utf8.ValidString(text) {
			return subject{}, invalid("subject", "Die Angabe ist zu lang oder enthält unzulässige Zeichen.")
		}
	}
	switch {
	case s.Tenant == "":
		return subject{}, invalid("tenant", "Bitte geben Sie den Mandanten an.")
	case (s.Case == "") == (s.User == ""):
		return subject{}, invalid("case", "Bitte geben Sie entweder ein Aktenzeichen oder eine Benutzerkennung an.")
	case s.Case != "":
		return subject{Subject: s, file: v.config.Pseudonymise(s.Tenant, "case", s.Case)}, nil
	}
	return subject{Subject: s, person: v.config.Pseudonymise(s.Tenant, "user", s.User)}, nil
}

// may refuses whoever does not administer the tenant.
func (a Actor) may(op string, tenant gateway.TenantID) error {
	if !slices.Contains(a.Roles, roleTenant) {
		return denied(op, "Auskunft, Löschung und Sperren gehören zur Mandantenadministration.")
	}
	if !a.Operator && (a.Tenant == "" || a.Tenant != tenant) {
		return denied(op, "Das gehört zu einem anderen Mandanten.")
	}
	return nil
}

// actor is who asks in the record: the pseudonym of the tenant the person belongs
// to, the same for what is done for any tenant.
func (v *Vault) actor(a Actor) gateway.Pseudonym {
	return v.config.Pseudonymise(cmp.Or(a.Tenant, audit.Operator), "user", a.Name)
}

// role is the role in which the actor acts.
func (a Actor) role(role string) string {
	if a.Operator {
		return "betreiber/" + role
	}
	return role
}

// reasonOf is a reason that people can follow.
func reasonOf(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n < 5 || n > audit.MaxNoteText || !utf8.ValidString(reason) {
		return "", invalid("reason", "Bitte geben Sie eine Begründung mit 5 bis 500 Zeichen an.")
	}
	return reason, nil
}

func invalid(path, message string) error {
	return &gateway.Error{Op: "check request", Code: gateway.CodeInvalid, Path: path, Message: message}
}

func denied(op, message string) error {
	return &gateway.Error{Op: op, Code: gateway.CodeDenied, Message: message}
}
