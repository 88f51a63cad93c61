// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Access says how callers prove who they are beside API keys. The zero Access:
// not at all.
type Access struct {
	// OIDC are the issuers of access tokens.
	OIDC []Issuer `yaml:"oidc"`
	// ClientCA are PEM files of the authorities that issue client certificates.
	ClientCA []string `yaml:"client_ca"`
	// TrustedProxies are addresses or networks of proxies that end TLS, and
	// CertificateHeader where they put the client certificate, for example
	// X-Forwarded-Client-Cert or Ssl-Client-Cert. The proxy must remove this
	// header from what clients send.
	TrustedProxies    []string `yaml:"trusted_proxies"`
	CertificateHeader string   `yaml:"certificate_header"`
}

// Validate names every mistake. It reads no file and asks nobody.
func (a Access) Validate() error {
	c := &checker{}
	a.check(c)
	return c.found.err()
}

const maxIssuers = 50

func (a Access) check(c *checker) {
	if len(a.OIDC) > maxIssuers {
		c.add("identity.oidc", "Es sind höchstens %d Anmeldestellen möglich.", maxIssuers)
		return
	}
	seen := map[string]bool{}
	for i := range a.OIDC {
		path := fmt.Sprintf("identity.oidc[%d]", i)
		if seen[a.OIDC[i].Issuer] {
			c.add(path+".issuer", "Die Anmeldestelle ist doppelt eingetragen.")
		}
		seen[a.OIDC[i].Issuer] = true
		c.issuer(path, &a.OIDC[i])
	}
	for i, text := range a.TrustedProxies {
		if _, err := network(text); err != nil {
			c.add(fmt.Sprintf("identity.trusted_proxies[%d]", i), "Die Angabe %q ist weder eine Adresse noch ein Netz wie 10.1.2.0/24.", cut(text))
		}
	}
	const header = "identity.certificate_header"
	if a.CertificateHeader == "" {
		return
	}
	if !isToken(a.CertificateHeader) || strings.EqualFold(a.CertificateHeader, "Authorization") {
		c.add(header, "Die Angabe %q ist kein Name einer Kopfzeile für Zertifikate.", cut(a.CertificateHeader))
	}
	if len(a.TrustedProxies) == 0 {
		c.add(header, "Dazu gehören die Adressen der Proxys in trusted_proxies; von anderen wird die Kopfzeile nicht angenommen.")
	}
	if len(a.ClientCA) == 0 {
		c.add(header, "Dazu gehören die Zertifizierungsstellen in client_ca.")
	}
}

// isToken: what may be the name of a header.
func isToken(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

func network(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.Bits() == 0 {
			return netip.Prefix{}, fmt.Errorf("%s is everybody", text)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func (c *checker) issuer(path string, i *Issuer) {
	if _, err := providerAddress(i.Issuer); err != nil {
		c.add(path+".issuer", "Die Angabe %q ist keine https-Adresse.", cut(i.Issuer))
	}
	if _, err := providerAddress(i.JWKSURL); i.JWKSURL != "" && err != nil {
		c.add(path+".jwks_url", "Die Angabe %q ist keine https-Adresse.", cut(i.JWKSURL))
	}
	if i.Audience == "" {
		c.add(path+".audience", "Diese Angabe fehlt: Token für andere Dienste würden sonst angenommen.")
	}
	for j, name := range i.Algorithms {
		if !slices.Contains(knownAlgorithms[:], name) {
			c.add(fmt.Sprintf("%s.algorithms[%d]", path, j), "Das Verfahren %q ist nicht zugelassen; möglich sind: %s.", cut(name), strings.Join(knownAlgorithms[:], ", "))
		}
	}
	for j, name := range i.Types {
		if name != "at+jwt" && name != "jwt" {
			c.add(fmt.Sprintf("%s.types[%d]", path, j), "Möglich sind at+jwt und jwt.")
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
		most  time.Duration
	}{{"max_life", i.MaxLife, 24 * time.Hour}, {"skew", i.Skew, 5 * time.Minute}, {"max_stale", i.MaxStale, 7 * 24 * time.Hour}} {
		if d.value < 0 || d.value > d.most {
			c.add(path+"."+d.name, "Möglich sind bis zu %s.", d.most)
		}
	}
	c.issuerTenants(path, i)
	c.issuerClients(path, i)
	c.issuerRights(path, i)
}

func (c *checker) issuerTenants(path string, i *Issuer) {
	switch {
	case (i.Tenant == "") == (i.TenantClaim == ""):
		c.add(path+".tenant", "Erwartet wird genau eines von tenant und tenant_claim.")
	case i.Tenant != "":
		c.slug(path+".tenant", string(i.Tenant))
	case len(i.Tenants) == 0:
		c.add(path+".tenants", "Zu tenant_claim gehört die Zuordnung seiner Werte zu Mandanten.")
	}
	for _, value := range slices.Sorted(maps.Keys(i.Tenants)) {
		c.slug(path+".tenants."+cut(value), string(i.Tenants[value]))
	}
}

func (c *checker) issuerClients(path string, i *Issuer) {
	if (i.System == "") == (len(i.Clients) == 0) {
		c.add(path+".system", "Erwartet wird genau eines von system und clients.")
	}
	if i.System != "" {
		c.slug(path+".system", string(i.System))
	}
	seen := map[string]bool{}
	for j := range i.Clients {
		client, at := &i.Clients[j], fmt.Sprintf("%s.clients[%d]", path, j)
		if client.ID == "" || !plain(client.ID) || seen[client.ID] {
			c.add(at+".id", "Die Kennung fehlt, ist zu lang oder doppelt vergeben.")
		}
		seen[client.ID] = true
		c.slug(at+".system", string(client.System))
		c.scopes(at, Scopes{Roles: client.Roles, Principals: client.Principals})
		c.separate(at, client.Roles)
	}
}

func (c *checker) issuerRights(path string, i *Issuer) {
	var roles []string
	var principals []gateway.Principal
	for _, value := range slices.Sorted(maps.Keys(i.Roles)) {
		roles = append(roles, i.Roles[value])
	}
	for _, value := range slices.Sorted(maps.Keys(i.Principals)) {
		principals = append(principals, i.Principals[value])
	}
	if len(roles) > 0 && i.RolesClaim == "" {
		c.add(path+".roles_claim", "Diese Angabe fehlt: Zu roles gehört die Angabe im Token, die zugeordnet wird.")
	}
	if len(principals) > 0 && i.PrincipalsClaim == "" {
		c.add(path+".principals_claim", "Diese Angabe fehlt: Zu principals gehört die Angabe im Token, die zugeordnet wird.")
	}
	if len(i.Purposes) == 0 {
		c.add(path+".purposes", "Diese Angabe fehlt: Ohne Zwecke wird jede Anfrage abgelehnt.")
	}
	c.scopes(path, Scopes{
		Purposes: i.Purposes, DefaultPurpose: i.DefaultPurpose, Services: i.Services, Models: i.Models, Sources: i.Sources,
		Roles: roles, Principals: principals,
	})
}

// Extend reads the files named and adds the ways to the configuration of a
// Directory or Registry. Keys of issuers are read with the first token.
func (a Access) Extend(c Config) (Config, error) {
	if err := a.Validate(); err != nil {
		return c, err
	}
	roots, err := ClientCAs(a.ClientCA...)
	if err != nil {
		return c, err
	}
	certificates := &Certificates{roots: roots, header: a.CertificateHeader}
	for _, text := range a.TrustedProxies {
		p, err := network(text)
		if err != nil {
			return c, fmt.Errorf("trusted proxy: %w", err)
		}
		certificates.proxies = append(certificates.proxies, p)
	}
	c.Certificates = certificates
	if len(a.OIDC) == 0 {
		return c, nil
	}
	o := &tokens{issuers: map[string]*trusted{}}
	for _, i := range a.OIDC {
		roots, err := ClientCAs(i.CA...)
		if err != nil {
			return c, err
		}
		p, err := NewProvider(ProviderConfig{
			Issuer: i.Issuer, JWKSURL: i.JWKSURL, Algorithms: i.Algorithms, Roots: roots, MaxStale: i.MaxStale, Now: c.Now, Logger: c.Logger,
		})
		if err != nil {
			return c, err
		}
		o.issuers[i.Issuer] = &trusted{Issuer: i.WithDefaults(), provider: p}
	}
	c.Methods = append(slices.Clone(c.Methods), o.method)
	return c, nil
}
