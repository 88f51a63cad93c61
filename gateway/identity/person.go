// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"cmp"
	"slices"

	"github.com/ki-schleuse/schleuse/gateway"
)

// OperatorTenant stands in the record where something concerns no single tenant
// but the operator; audit.Operator is the same. No tenant can have this name.
const OperatorTenant gateway.TenantID = "_betrieb"

// Person is who is signed in to the pages.
type Person struct {
	Tenant gateway.TenantID `json:"tenant,omitempty"`
	Name   string           `json:"name"`
	// Subject is the name that the provider of the sign-in never gives to anybody
	// else; empty: Name has to do.
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

// User tells persons of one tenant apart. It is for pseudonyms and is not shown.
func (p Person) User() string { return cmp.Or(p.Subject, p.Name) }

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
