// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Two issuers may give the same subject to two persons; a name is no subject.
func TestUserTellsPersonsApart(t *testing.T) {
	t.Parallel()
	seen := map[string]identity.Person{}
	for _, p := range []identity.Person{
		{Name: "u-1"}, {Issuer: "https://a.example", Subject: "u-1"}, {Issuer: "https://b.example", Subject: "u-1"}, {Issuer: "https://a.example", Subject: "u-2"},
	} {
		if other, taken := seen[p.User()]; taken {
			t.Errorf("%+v and %+v are the same user", p, other)
		}
		seen[p.User()] = p
	}
	one := identity.Person{Issuer: "https://a.example", Subject: "u-1", Name: "Kim", Tenant: "lohe"}
	two := identity.Person{Issuer: "https://a.example", Subject: "u-1", Name: "Kim Yılmaz-Meier", Tenant: "lohe"}
	if one.User() != two.User() {
		t.Error("another name makes another user")
	}
}

func TestParseUser(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"kim":                          "kim",
		"Kim Yılmaz":                   "Kim Yılmaz",
		"https://a.example/realm u-1":  identity.UserOf("https://a.example/realm", "u-1"),
		" https://a.example  u-1 ":     identity.UserOf("https://a.example", "u-1"),
		"https://a.example":            "https://a.example",
		"http://angreifer.example u-1": "http://angreifer.example u-1",
		"":                             "",
	} {
		if got := identity.ParseUser(text); got != want {
			t.Errorf("%q is the user %q, want %q", text, got, want)
		}
	}
	if name := identity.UserName(identity.UserOf("https://a.example", "u-1")); name != "u-1" {
		t.Errorf("the person is called %q", name)
	}
}

// A change through the interface is the person's whom an issuer vouches for, and
// the key's when the system only says for whom it asks.
func TestUserOfCaller(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		caller gateway.Caller
		want   string
	}{
		"a token of a person":        {gateway.Caller{KeyID: "oidc", User: identity.UserOf("https://a.example", "u-1")}, identity.UserOf("https://a.example", "u-1")},
		"a key that names somebody":  {gateway.Caller{KeyID: "abc", User: "kim"}, "schluessel abc"},
		"a key that names an issuer": {gateway.Caller{KeyID: "abc", User: "https://a.example u-1"}, "schluessel abc"},
		"a key":                      {gateway.Caller{KeyID: "abc"}, "schluessel abc"},
	} {
		if got := identity.UserOfCaller(c.caller); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
