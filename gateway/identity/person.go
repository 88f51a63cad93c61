// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// OperatorTenant stands in the record where something concerns no single tenant
// but the operator; audit.Operator is the same. No tenant can have this name.
const OperatorTenant gateway.TenantID = "_betrieb"

// Person is who is signed in to the pages.
type Person struct {
	Tenant gateway.TenantID `json:"tenant,omitempty"`
	Name   string           `json:"name"`
	// Subject is the name that the provider of the sign-in, Issuer, never gives to
	// anybody else; empty: Name has to do.
	Issuer  string   `json:"issuer,omitempty"`
	Subject string   `json:"subject,omitempty"`
	Roles   []string `json:"roles,omitempty"`
	// Operator says that the person belongs to the operator and sees all tenants,
	// as far as the roles go. Others see their own.
	Operator bool `json:"operator,omitempty"`
	// Principals the person reads documents as.
	Principals []gateway.Principal `json:"principals,omitempty"`
	// Launch is the session of a launch ticket, which confines the person to the
	// panel and to one case; nil: the person signed in.
	Launch *Launch `json:"-"`
}

// Has reports whether the person has one of the roles.
func (p Person) Has(roles ...string) bool {
	return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(p.Roles, r) })
}

// Sees reports whether what belongs to a tenant is this person's to see, as far
// as the roles go.
func (p Person) Sees(t gateway.TenantID) bool { return p.Operator || p.Tenant != "" && p.Tenant == t }

// Home is the tenant under which the record names the person.
func (p Person) Home() gateway.TenantID { return cmp.Or(p.Tenant, OperatorTenant) }

// User tells persons of one home apart, by issuer and subject. It is for
// pseudonyms and is not shown: a person has one pseudonym, that of Home and User,
// in every note, approval, hold and signature and in the records of the own
// requests, whichever tenant they concern.
func (p Person) User() string {
	if p.Subject == "" {
		return p.Name
	}
	return UserOf(p.Issuer, p.Subject)
}

// userMark stands between issuer and subject. No header and no ticket can hold
// it: a system that names its users does not name somebody of an issuer.
const userMark = "\n"

// UserOf is the user whom an issuer knows as subject.
func UserOf(issuer, subject string) string {
	if issuer == "" || subject == "" {
		return subject
	}
	return issuer + userMark + subject
}

// ParseUser reads a user as people write it: a name, or an issuer's address, a
// blank and a subject.
func ParseUser(text string) string {
	issuer, subject, ok := strings.Cut(strings.TrimSpace(text), " ")
	if _, err := providerAddress(issuer); !ok || err != nil {
		return text
	}
	return UserOf(issuer, strings.TrimSpace(subject))
}

// UserName is how a user is called where people read it, without the issuer.
func UserName(user string) string {
	if _, subject, ok := strings.Cut(user, userMark); ok {
		return subject
	}
	return user
}

// UserOfCaller is who acts when a caller changes or takes something: the person
// whom the caller's issuer vouches for, else the key. Whom a system names in a
// header has not been proved.
func UserOfCaller(c gateway.Caller) string {
	if strings.Contains(c.User, userMark) {
		return c.User
	}
	return "schluessel " + c.KeyID
}

// Caller is the person as a caller of the gateway. After a launch ticket it is
// the system that asked for it, with no more purposes than that has.
func (p Person) Caller(system gateway.SystemID, purposes ...gateway.Purpose) gateway.Caller {
	if p.Launch != nil {
		c := p.Launch.Caller
		c.Purposes = common(purposes, c.Purposes)
		return c
	}
	return gateway.Caller{
		Tenant: p.Tenant, System: system, KeyID: "sitzung", User: p.User(), Roles: p.Roles,
		Principals: p.Principals, Channel: gateway.ChannelCaseworker, Purposes: purposes, Auth: "session",
	}
}
