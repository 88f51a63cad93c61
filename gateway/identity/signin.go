// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// SignIn is the OpenID provider at which persons sign in to the pages. The zero
// SignIn: only one-time links open them. What a person may do is what is written
// here for the values that the provider states; it gives no right by itself.
type SignIn struct {
	Issuer   string `yaml:"issuer"`
	ClientID string `yaml:"client_id"`
	// ClientSecretFile holds the secret that the provider gave to this client;
	// empty: the client is public and PKCE has to do.
	ClientSecretFile string `yaml:"client_secret_file"`
	// Label stands on the button, for example "Landesdienst Anmeldung".
	Label string `yaml:"label"`
	// Scopes beside openid, default profile.
	Scopes []string `yaml:"scopes"`
	// ACR are the kinds of sign-in that suffice, for example such with a second
	// factor; empty: the provider decides. They are asked for and have to be stated.
	ACR []string `yaml:"acr"`
	// Algorithms, JWKSURL and CA are as those of an issuer of access tokens.
	Algorithms []string `yaml:"algorithms"`
	JWKSURL    string   `yaml:"jwks_url"`
	CA         []string `yaml:"ca"`

	// NameClaim is how the person is called on the pages, default name.
	NameClaim string       `yaml:"name_claim"`
	Roles     SignInRoles  `yaml:"roles"`
	Tenant    SignInTenant `yaml:"tenant"`
	// Operators are those who see all tenants, by the values of a claim. Only they
	// can have the role betrieb, which reaches beyond a tenant.
	Operators  SignInOperators  `yaml:"operators"`
	Principals SignInPrincipals `yaml:"principals"`
	Session    SignInSession    `yaml:"session"`
}

// SignInSession bounds how long persons stay signed in.
type SignInSession struct {
	// Life is the most, default 8h, from 15m to 24h. Idle is how long a session
	// lasts in which nothing is done, default 30m, from 5m to Life.
	Life time.Duration `yaml:"life"`
	Idle time.Duration `yaml:"idle"`
}

func (s SignInSession) check(c *checker) {
	with := SessionRules{Life: s.Life, Idle: s.Idle}.withDefaults()
	if with.Life < 15*time.Minute || with.Life > 24*time.Hour {
		c.add("sign_in.session.life", "Möglich sind 15m bis 24h.")
	}
	if with.Idle < 5*time.Minute || with.Idle > with.Life {
		c.add("sign_in.session.idle", "Möglich sind 5m bis zur Dauer der Sitzung (life).")
	}
}

// SignInRoles maps values of a claim to roles.
type SignInRoles struct {
	Claim string            `yaml:"claim"`
	Map   map[string]string `yaml:"map"`
	// AuditorsAdministrate lets persons in who have the role revision and one of
	// those that administrate, betrieb or mandant. They are refused otherwise.
	AuditorsAdministrate bool `yaml:"auditors_administrate"`
}

// SignInTenant maps the value of a claim to a tenant, or names the one there is.
type SignInTenant struct {
	ID    gateway.TenantID            `yaml:"id"`
	Claim string                      `yaml:"claim"`
	Map   map[string]gateway.TenantID `yaml:"map"`
}

// SignInOperators are the values of a claim that make a person one of the operator's.
type SignInOperators struct {
	Claim  string   `yaml:"claim"`
	Values []string `yaml:"values"`
}

// SignInPrincipals maps values of a claim to whom a person reads documents as.
type SignInPrincipals struct {
	Claim string                       `yaml:"claim"`
	Map   map[string]gateway.Principal `yaml:"map"`
}

// Enabled says that there is such a provider.
func (s SignIn) Enabled() bool { return s.Issuer != "" }

// Validate names every mistake. It asks nobody.
func (s SignIn) Validate() error {
	c := &checker{}
	s.Session.check(c)
	if s.Enabled() {
		s.check(c)
	} else if s.ClientID != "" || s.Roles.Claim != "" {
		c.add("sign_in.issuer", "Diese Angabe fehlt.")
	}
	return c.found.err()
}

func (s SignIn) check(c *checker) {
	if _, err := providerAddress(s.Issuer); err != nil {
		c.add("sign_in.issuer", "Die Angabe %q ist keine https-Adresse.", cut(s.Issuer))
	}
	if _, err := providerAddress(s.JWKSURL); s.JWKSURL != "" && err != nil {
		c.add("sign_in.jwks_url", "Die Angabe %q ist keine https-Adresse.", cut(s.JWKSURL))
	}
	if s.ClientID == "" || !plain(s.ClientID) {
		c.add("sign_in.client_id", "Diese Angabe fehlt oder ist zu lang.")
	}
	for i, name := range s.Algorithms {
		if !slices.Contains(knownAlgorithms[:], name) {
			c.add(fmt.Sprintf("sign_in.algorithms[%d]", i), "Das Verfahren %q ist nicht zugelassen; möglich sind: %s.", cut(name), strings.Join(knownAlgorithms[:], ", "))
		}
	}
	s.checkRoles(c)
	switch {
	case s.Tenant.ID != "" && s.Tenant.Claim != "":
		c.add("sign_in.tenant", "Erwartet wird entweder id oder claim.")
	case s.Tenant.ID != "":
		c.slug("sign_in.tenant.id", string(s.Tenant.ID))
	case s.Tenant.Claim != "" && len(s.Tenant.Map) == 0:
		c.add("sign_in.tenant.map", "Zu claim gehört die Zuordnung seiner Werte zu Mandanten.")
	case s.Tenant.Claim == "" && len(s.Operators.Values) == 0:
		c.add("sign_in.tenant", "Ohne Mandant und ohne operators dürfte niemand etwas sehen.")
	}
	for _, value := range slices.Sorted(maps.Keys(s.Tenant.Map)) {
		c.slug("sign_in.tenant.map."+cut(value), string(s.Tenant.Map[value]))
	}
	if (s.Operators.Claim == "") != (len(s.Operators.Values) == 0) {
		c.add("sign_in.operators", "Erwartet werden claim und values, oder keines von beiden.")
	}
	if (s.Principals.Claim == "") != (len(s.Principals.Map) == 0) {
		c.add("sign_in.principals", "Erwartet werden claim und map, oder keines von beiden.")
	}
}

func (s SignIn) checkRoles(c *checker) {
	if s.Roles.Claim == "" || len(s.Roles.Map) == 0 {
		c.add("sign_in.roles", "Erwartet werden claim und map: Ohne Rolle darf niemand etwas.")
	}
	for _, value := range slices.Sorted(maps.Keys(s.Roles.Map)) {
		if role := s.Roles.Map[value]; !slices.Contains(knownRoles[:], role) {
			c.add("sign_in.roles.map."+cut(value), "Die Rolle %q gibt es nicht; möglich sind: %s.", cut(role), strings.Join(knownRoles[:], ", "))
		}
	}
	if len(s.Operators.Values) == 0 && slices.Contains(slices.Collect(maps.Values(s.Roles.Map)), RoleOperator) {
		c.add("sign_in.operators", "Die Rolle betrieb reicht über alle Mandanten. Wer sie bekommen darf, steht hier mit claim und values.")
	}
}

// Warnings say in English, for the log, what is permitted and worth a second look.
func (s SignIn) Warnings() []string {
	var out []string
	if s.Tenant.Claim != "" && slices.Contains(slices.Collect(maps.Values(s.Roles.Map)), RolePolicy) {
		out = append(out, "sign_in.roles.map gives the role richtlinien to persons of any tenant of sign_in.tenant.map; what it changes holds for all tenants")
	}
	if s.Roles.AuditorsAdministrate {
		out = append(out, "sign_in.roles.auditors_administrate lets the same person audit and administrate; the journal shows it, nothing prevents it")
	}
	return out
}

// secret reads the file of the client's secret.
func (s SignIn) secret() (string, error) {
	if s.ClientSecretFile == "" {
		return "", nil
	}
	raw, err := os.ReadFile(s.ClientSecretFile)
	if err != nil {
		return "", fmt.Errorf("sign_in.client_secret_file: %w", err)
	}
	text := strings.TrimSpace(string(raw))
	if text == "" || len(text) > 4096 {
		return "", fmt.Errorf("sign_in.client_secret_file: %s is empty or too large", s.ClientSecretFile)
	}
	return text, nil
}

// person is whom the claims of an ID token stand for; an error says in German why
// it is nobody who may enter.
func (s SignIn) person(c claims, active func(gateway.TenantID) bool) (Person, error) {
	p := Person{Issuer: s.Issuer, Subject: c.text("sub")}
	for _, claim := range []string{s.NameClaim, "name", "preferred_username", "sub"} {
		if raw, _ := c.at(claim); claim != "" && decodeText(raw, &p.Name) == nil {
			break
		}
	}
	var ok bool
	if p.Roles, ok = mapped(c, s.Roles.Claim, s.Roles.Map); !ok || len(p.Roles) == 0 {
		return Person{}, notEntitled("Ihrem Konto ist hier keine Rolle zugeordnet. Bitte wenden Sie sich an Ihre Mandantenverwaltung.")
	}
	if p.Principals, ok = mapped(c, s.Principals.Claim, s.Principals.Map); !ok {
		return Person{}, notEntitled("Die Leserechte Ihres Kontos sind nicht lesbar. Bitte wenden Sie sich an den Betrieb.")
	}
	if s.Operators.Claim != "" {
		values, _ := c.values(s.Operators.Claim)
		p.Operator = slices.ContainsFunc(values, func(v string) bool { return slices.Contains(s.Operators.Values, v) })
	}
	if !p.Operator {
		p.Roles = slices.DeleteFunc(p.Roles, func(r string) bool { return r == RoleOperator })
	}
	if len(p.Roles) == 0 {
		return Person{}, notEntitled("Ihr Konto hat hier nur die Rolle betrieb und gehört nicht zum Betrieb. Bitte wenden Sie sich an Ihre Mandantenverwaltung.")
	}
	if auditsItself(p.Roles) && !s.Roles.AuditorsAdministrate {
		return Person{}, notEntitled("Ihr Konto hat die Rolle revision und zugleich betrieb oder mandant. Wer prüft, verwaltet nicht. Bitte lassen Sie sich eine der beiden Rollen nehmen.")
	}
	p.Tenant = s.Tenant.ID
	if s.Tenant.Claim != "" {
		var value string
		raw, _ := c.at(s.Tenant.Claim)
		if decodeText(raw, &value) == nil {
			p.Tenant = s.Tenant.Map[value]
		}
	}
	if p.Tenant == "" && !p.Operator || p.Tenant != "" && !active(p.Tenant) {
		return Person{}, notEntitled("Ihr Konto gehört zu keinem Mandanten, der hier eingerichtet und in Betrieb ist.")
	}
	return p, nil
}

func notEntitled(message string) error {
	return &gateway.Error{Op: "sign in", Code: gateway.CodeDenied, Message: message}
}
