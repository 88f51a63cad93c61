// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// What each person of the town may open, and what not. README and
// docs/audit-walkthrough.md say the same.
var demoRights = map[string]struct{ opens, refused string }{
	"revision":               {"/admin /admin/decisions /admin/integrity /admin/journal /admin/usage /admin/register", "/admin/persons /admin/tenants /admin/policies/proposals/new /admin/system /panel/check"},
	"sachbearbeitung":        {"/panel/check /panel/draft /panel/approvals", "/admin /admin/decisions /admin/journal /admin/persons /admin/tenants /admin/policies /admin/system"},
	"verwaltung":             {"/admin /admin/persons /admin/tenants /admin/register /admin/usage", "/admin/decisions /admin/journal /admin/system /panel/check"},
	"richtlinien":            {"/admin /admin/policies /admin/policies/proposals /admin/policies/proposals/new /admin/classify", "/admin/decisions /admin/journal /admin/persons /admin/tenants /admin/system /panel/check"},
	"datenschutz":            {"/admin /admin/decisions /admin/integrity /admin/journal /admin/policies /admin/policies/proposals /admin/classify /admin/register", "/admin/persons /admin/tenants /admin/system /panel/check"},
	"informationssicherheit": {"/admin /admin/policies /admin/policies/proposals", "/admin/decisions /admin/journal /admin/persons /admin/tenants /admin/system /panel/check"},
	"betrieb":                {"/admin /admin/tenants /admin/models /admin/system /admin/usage /admin/integrity", "/admin/decisions /admin/journal /admin/persons /admin/policies/proposals/new /panel/check"},
}

func TestDemoPeopleOpenWhatIsTheirs(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	var links demoLinks
	if err := links.signIn(t.Context(), s.parts.sessions); err != nil {
		t.Fatal(err)
	}
	if len(links.Logins) != len(demoRights) || links.Login != links.Logins["revision"] {
		t.Fatalf("logins %v, of which the first is %s", links.Logins, links.Login)
	}
	for does, want := range demoRights {
		v := s.visitor(t, demoTenant)
		v.get(links.Logins[does], http.StatusOK)
		for path := range strings.FieldsSeq(want.opens) {
			v.get(path, http.StatusOK)
		}
		for path := range strings.FieldsSeq(want.refused) {
			v.get(path, http.StatusForbidden)
		}
	}
}

// Nobody of the town audits and administrates, and the signers are two persons.
func TestDemoPeopleAreSeparate(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, p := range demoPeople() {
		if names[p.person.Name] {
			t.Errorf("%s is there twice", p.person.Name)
		}
		names[p.person.Name] = true
		if p.person.Has(identity.RoleRevision) && p.person.Has(identity.RoleOperator, identity.RoleTenant) {
			t.Errorf("%s has the roles %v", p.does, p.person.Roles)
		}
	}
	for _, does := range []string{"datenschutz", "informationssicherheit"} {
		if !slices.ContainsFunc(demoPeople(), func(p struct {
			does   string
			person identity.Person
		},
		) bool {
			return p.does == does && p.person.Has(identity.RolePolicy)
		}) {
			t.Errorf("%s cannot sign", does)
		}
	}
}

// High-risk purposes are released in the file of the operator, and by no key and no
// command.
func TestReleasesComeFromTheConfiguration(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "")
	tenants := p.write(t, "tenants.yaml", "tenants:\n  - id: lohe\n    name: Lohe\n    active: true\n    settings:\n      releases: [{service: wohngeld-mietzuschuss, purposes: [eligibility_evaluation], registration: r, fria: f, dpia: d, oversight: o, valid_from: 2026-01-01}]\n")
	code, out := p.run(t, tenantCommand(), "apply", "-f", tenants)
	if code == 0 || !strings.Contains(out, "nur in der Konfigurationsdatei des Betriebs") || !strings.Contains(out, "settings.releases") {
		t.Errorf("exit code %d: %s", code, out)
	}
	// The interface asks the same registry.
	registry := p.serving(t)
	operator := identity.Actor{Name: "schluessel abcdefgh", Operator: true}
	wish := identity.Wish{ID: "lohe", Name: "Lohe", Settings: identity.Settings{"releases": []byte("[]")}}
	for _, try := range []func() error{
		func() error { _, err := registry.Create(t.Context(), operator, wish, ""); return err },
		func() error { _, err := registry.Put(t.Context(), operator, wish); return err },
	} {
		var refused *gateway.Error
		if err := try(); !errors.As(err, &refused) || refused.Path != "settings.releases" {
			t.Errorf("a key of the operator sets releases: %v", err)
		}
	}
	if _, ok := registry.Tenant("lohe"); ok {
		t.Error("the tenant is there with its release")
	}
}

// No key audits and administrates, whoever makes it.
func TestNoKeyAuditsAndAdministrates(t *testing.T) {
	t.Parallel()
	registry := newPlace(t, "").serving(t)
	operator := identity.Actor{Name: "schluessel abcdefgh", Operator: true}
	wish := identity.Wish{ID: "lohe", Name: "Lohe", Systems: []identity.SystemWish{{ID: "woga", Channel: gateway.ChannelSystem}}}
	if _, err := registry.Create(t.Context(), operator, wish, ""); err != nil {
		t.Fatal(err)
	}
	at := identity.Place{Tenant: "lohe", System: "woga"}
	for _, admin := range []string{identity.RoleOperator, identity.RoleTenant} {
		var refused *gateway.Error
		_, err := registry.CreateKey(t.Context(), operator, at, identity.KeyWish{Label: "x", Roles: []string{identity.RoleRevision, admin}}, "")
		if !errors.As(err, &refused) || refused.Path != "roles" || !strings.Contains(refused.Message, "Wer prüft, verwaltet nicht") {
			t.Errorf("revision and %s: %v", admin, err)
		}
	}
}
