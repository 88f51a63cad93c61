// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// registerRoutes is what is documented and set up: classes under the AI Act, the
// register, models, usage, tenants, persons' requests, the system. An area
// without its port has no pages.
func (u *UI) registerRoutes() []route {
	p := u.Register
	if p == nil {
		return nil
	}
	var out []route
	if p.Classes != nil {
		out = append(out, route{"GET /admin/classify", forOffice, u.classify})
	}
	if p.Register != nil {
		out = append(out,
			route{"GET /admin/register", forOffice, u.registerShow},
			route{"GET /admin/register.json", forOffice, ownClick(u.registerJSON)},
			route{"GET /verzeichnis/{tenant}", nil, u.registerPublic},
			route{"GET /verzeichnis/{tenant}/verzeichnis.json", nil, u.registerPublicJSON})
		if p.Tenants != nil {
			out = append(out, route{"POST /admin/register", forSetUp, u.registerChange})
		}
	}
	if p.Models != nil {
		out = append(out,
			route{"GET /admin/models", forOffice, u.modelList},
			route{"GET /admin/models/{id...}", forOffice, u.modelShow})
	}
	if p.Usage != nil {
		out = append(out,
			route{"GET /admin/usage", forUsage, u.usageShow},
			route{"GET /admin/usage.csv", forUsage, ownClick(u.usageCSV)})
	}
	if p.Tenants != nil {
		out = append(out,
			route{"GET /admin/tenants", forSetUp, u.tenantList},
			route{"POST /admin/tenants", forOperator, u.tenantCreate},
			route{"GET /admin/tenants/{id}", forSetUp, u.tenantShow},
			route{"POST /admin/tenants/{id}", forSetUp, u.tenantChange},
			route{"POST /admin/tenants/{id}/systems/{system}/keys", forSetUp, u.keyChange})
	}
	if p.Persons != nil {
		out = append(out,
			route{"GET /admin/persons", forTenant, u.personDesk},
			route{"POST /admin/persons/access", forTenant, u.personAccess},
			route{"POST /admin/persons/erase", forTenant, u.personErase},
			route{"POST /admin/persons/holds", forTenant, u.personHold})
	}
	if p.System != nil {
		out = append(out,
			route{"GET /admin/system", forOperator, u.systemShow},
			route{"GET /admin/system/sbom.json", forOperator, u.systemSBOM})
	}
	return out
}

var (
	// forUsage are those who answer for money or watch the operation.
	forUsage = anyOf(forOperator, forTenant, forRevision)
	// forSetUp are those who set up tenants.
	forSetUp = anyOf(forOperator, forTenant)
)

// seesAll reports whether what belongs to any tenant is shown to a person;
// everybody else sees the own.
func seesAll(p identity.Person) bool { return p.Operator || p.Has(identity.RoleOperator) }

// scopeOf is the tenant to which a person is confined; empty: none.
func scopeOf(p identity.Person) gateway.TenantID {
	if seesAll(p) {
		return ""
	}
	return p.Home()
}
