// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// policyRoles may see all pages of policies and of the record's proof.
var policyRoles = []string{identity.RolePolicy, identity.RoleRevision, identity.RoleOperator}

// policySights are the pages of policies and of the record's proof, with something
// to see on them.
func (s *stage) policySights(t *testing.T) []sight {
	t.Helper()
	return []sight{
		{"policies", "/admin/policies", 1440},
		{"policies-filtered", "/admin/policies?q=Sozialdaten&wirkung=narrow", 1440},
		{"policies-none", "/admin/policies?q=GIBTESNICHT", 1440},
		{"rule", "/admin/policies/rules/DSG-002", 1440},
		{"integrity", "/admin/integrity", 1440},
		{"journal", "/admin/journal", 1440},
		{"journal-none", "/admin/journal?gegenstand=nichts", 1440},
	}
}
