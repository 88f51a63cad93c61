// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Whoever audits does not administrate: no key has both, and a person with both
// stays outside unless the configuration says so, which it is warned of.
func TestAuditorsDoNotAdministrate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		roles   []string
		allowed bool
		in      bool
	}{
		{[]string{"ki-revision", "ki-mandant"}, false, false},
		{[]string{"ki-revision", "ki-betrieb"}, false, false},
		{[]string{"ki-revision", "ki-mandant"}, true, true},
		{[]string{"ki-revision", "ki-amt"}, false, true},
		{[]string{"ki-mandant", "ki-betrieb"}, false, true},
	} {
		d := openSignIn(t, func(s *identity.SignIn) {
			s.Roles.Map = map[string]string{"ki-revision": identity.RoleRevision, "ki-mandant": identity.RoleTenant, "ki-betrieb": identity.RoleOperator, "ki-amt": identity.RoleCase}
			s.Roles.AuditorsAdministrate = c.allowed
		})
		if warned := strings.Contains(strings.Join(d.config.Warnings(), " "), "auditors_administrate"); warned != c.allowed {
			t.Errorf("allowed %v, warned %v", c.allowed, warned)
		}
		who := auditor()
		who["realm_access"], who["groups"] = map[string]any{"roles": c.roles}, []string{"rechenzentrum"}
		d.issuer.Visitor(who)
		_, err := d.signIn()
		var refused *gateway.Error
		if c.in && err != nil || !c.in && (!errors.As(err, &refused) || refused.Code != gateway.CodeDenied || !strings.Contains(refused.Message, "Wer prüft, verwaltet nicht")) {
			t.Errorf("%v, allowed %v: %v", c.roles, c.allowed, err)
		}
	}
}

func TestAuditorsDoNotAdministrateInSessionsUnderWay(t *testing.T) {
	t.Parallel()
	both := func(allowed bool) func(*identity.SignIn) {
		return func(s *identity.SignIn) {
			s.Roles.Map = map[string]string{"ki-revision": identity.RoleRevision, "uninteressant": identity.RoleTenant}
			s.Roles.AuditorsAdministrate = allowed
		}
	}
	d := openSignIn(t, both(true))
	d.issuer.Visitor(auditor())
	in, err := d.signIn()
	if err != nil {
		t.Fatal(err)
	}
	s := sit(t, d.sessions, in)
	d.sessions.Govern(identity.SessionRules{Person: d.openID.Person})
	if !s.signedIn() {
		t.Fatal("the session has not begun")
	}
	d.sessions.Govern(identity.SessionRules{Person: openSignInAt(t, d, both(false)).Person})
	if s.signedIn() {
		t.Error("the session outlives the rule")
	}
}

func TestKeysDoNotAuditAndAdministrate(t *testing.T) {
	t.Parallel()
	for _, roles := range [][]string{{identity.RoleRevision, identity.RoleOperator}, {identity.RoleTenant, identity.RoleRevision}} {
		err := identity.Access{OIDC: []identity.Issuer{{
			Issuer: "https://id.example", Audience: "schleuse", Tenant: "lohe", Purposes: []gateway.Purpose{"chat"},
			Clients: []identity.Client{{ID: "a", System: "woga", Roles: roles}},
		}}}.Validate()
		if err == nil || !strings.Contains(err.Error(), "clients[0].roles") {
			t.Errorf("%v of a client: %v", roles, err)
		}
		d, err := identity.New(identity.Config{Tenants: []identity.Tenant{{ID: "lohe", Systems: []identity.System{{ID: "woga", Keys: []identity.Key{{
			ID: "abcdefgh", Hash: strings.Repeat("ab", 32), Expires: time.Now().AddDate(0, 1, 0), Roles: roles,
		}}}}}}, Pepper: []byte(strings.Repeat("p", 32))})
		if err == nil || !strings.Contains(err.Error(), "keys[0].roles") {
			t.Errorf("%v of a key: %v, %v", roles, d, err)
		}
	}
}
