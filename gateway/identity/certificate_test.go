// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
)

// house is a server with TLS that says who calls.
type house struct {
	ca, foreign *identitytest.Authority
	server      *httptest.Server
	key         string
}

type greeting struct {
	Caller gateway.Caller
	Code   gateway.Code
}

func openHouse(t *testing.T, leaf tls.Certificate, ca *identitytest.Authority, access identity.Access) *house {
	t.Helper()
	h := &house{ca: ca, foreign: identitytest.NewAuthority(t, "fremd", time.Now())}
	access.ClientCA = []string{ca.File}
	text, id, hash := identity.NewKey("test", pepper)
	h.key = text
	woga := identity.System{
		ID: "woga", Channel: gateway.ChannelCaseworker,
		Keys:         []identity.Key{{ID: id, Hash: hash, Expires: time.Now().Add(time.Hour), Purposes: []gateway.Purpose{"chat"}, Certificate: identitytest.Fingerprint(leaf.Leaf)}},
		Certificates: []identity.Certificate{{SHA256: identitytest.Fingerprint(leaf.Leaf), Purposes: []gateway.Purpose{"chat"}, Principals: []gateway.Principal{"group:a"}}},
	}
	named := identity.System{ID: "named", Channel: gateway.ChannelSystem, Certificates: []identity.Certificate{
		{URI: "urn:verfahren:bau", CA: identitytest.Fingerprint(ca.Certificate), Purposes: []gateway.Purpose{"chat"}},
		{DNS: "steuer.intern.example", CA: identitytest.Fingerprint(ca.Certificate), Purposes: []gateway.Purpose{"chat"}, Expires: time.Now().Add(time.Hour)},
		{DNS: "alt.intern.example", CA: identitytest.Fingerprint(ca.Certificate), Purposes: []gateway.Purpose{"chat"}, Expires: time.Now().Add(-time.Hour)},
	}}
	tenants := []identity.Tenant{{ID: "tannberg", Active: true, Systems: []identity.System{woga, named}}}
	c, err := access.Extend(identity.Config{Pepper: pepper, Tenants: tenants})
	if err != nil {
		t.Fatal(err)
	}
	d, err := identity.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := d.Authenticate(r.Context(), r)
		_ = json.NewEncoder(w).Encode(greeting{caller, gateway.CodeOf(err)})
	}))
	pool, err := identity.ClientCAs(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	h.server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Server(t)}, MinVersion: tls.VersionTLS12}
	identity.ServerTLS(h.server.TLS, pool)
	h.server.StartTLS()
	t.Cleanup(h.server.Close)
	return h
}

// call makes a request over a connection of its own; ok is false when the server
// ends it while the certificates are shown.
func (h *house) call(t *testing.T, certificate *tls.Certificate, headers ...string) (g greeting, ok bool) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(h.ca.Certificate)
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if certificate != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		return g, false
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&g); err != nil {
		t.Fatal(err)
	}
	return g, true
}

func TestCertificateIsTheCaller(t *testing.T) {
	t.Parallel()
	ca := identitytest.NewAuthority(t, "amt", time.Now())
	leaf := ca.Issue(t, nil)
	h := openHouse(t, leaf, ca, identity.Access{})
	sameName := ca.Issue(t, nil)
	uri := ca.Issue(t, func(c *x509.Certificate) { c.URIs = []*url.URL{identitytest.URI(t, "urn:verfahren:bau")} })
	dns := ca.Issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"Steuer.intern.example"} })
	ended := ca.Issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"alt.intern.example"} })
	both := ca.Issue(t, func(c *x509.Certificate) {
		c.DNSNames, c.URIs = []string{"steuer.intern.example"}, []*url.URL{identitytest.URI(t, "urn:verfahren:bau")}
	})
	for name, c := range map[string]struct {
		certificate *tls.Certificate
		headers     []string
		system      gateway.SystemID
		code        gateway.Code
	}{
		"by its fingerprint":            {&leaf, nil, "woga", ""},
		"by a URI":                      {&uri, nil, "named", ""},
		"by a host name":                {&dns, nil, "named", ""},
		"same subject, other key":       {&sameName, nil, "", gateway.CodeUnauthenticated},
		"entry has ended":               {&ended, nil, "", gateway.CodeUnauthenticated},
		"two names, two entries":        {&both, nil, "", gateway.CodeUnauthenticated},
		"none":                          {nil, nil, "", gateway.CodeUnauthenticated},
		"with its key":                  {&leaf, []string{"Authorization", "Bearer " + h.key}, "woga", ""},
		"bound key alone":               {nil, []string{"Authorization", "Bearer " + h.key}, "", gateway.CodeUnauthenticated},
		"bound key, other certificate":  {&sameName, []string{"Authorization", "Bearer " + h.key}, "", gateway.CodeUnauthenticated},
		"a wrong key is not overlooked": {&leaf, []string{"Authorization", "Bearer slz_x"}, "", gateway.CodeUnauthenticated},
		"header without a proxy":        {nil, []string{"Ssl-Client-Cert", url.QueryEscape(string(identitytest.PEM(leaf.Leaf)))}, "", gateway.CodeUnauthenticated},
	} {
		g, ok := h.call(t, c.certificate, c.headers...)
		if !ok || g.Caller.System != c.system || g.Code != c.code {
			t.Errorf("%s: %+v, %v", name, g, ok)
		}
	}
	g, _ := h.call(t, &leaf, identity.HeaderUser, "kim", identity.HeaderPrincipals, "group:b")
	if g.Caller.Auth != "certificate" || g.Caller.User != "kim" || len(g.Caller.Principals) != 0 || !slices.Equal(g.Caller.Purposes, []gateway.Purpose{"chat"}) {
		t.Errorf("caller %+v", g.Caller)
	}
}

func TestCertificatesOfOthers(t *testing.T) {
	t.Parallel()
	ca := identitytest.NewAuthority(t, "amt", time.Now())
	leaf := ca.Issue(t, nil)
	h := openHouse(t, leaf, ca, identity.Access{})
	foreign := h.foreign.Issue(t, func(c *x509.Certificate) { c.URIs = []*url.URL{identitytest.URI(t, "urn:verfahren:bau")} })
	old := ca.Issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) })
	server := ca.Server(t)
	stolen := tls.Certificate{Certificate: leaf.Certificate, PrivateKey: foreign.PrivateKey}
	for name, c := range map[string]tls.Certificate{
		"of another authority with our name": foreign, "expired": old, "for servers": server, "without its key": stolen,
	} {
		if g, ok := h.call(t, &c); ok {
			t.Errorf("%s: %+v, want no connection", name, g)
		}
	}
}

// Who names the certificate of somebody else takes over nothing.
func TestClaimedTwice(t *testing.T) {
	t.Parallel()
	ca := identitytest.NewAuthority(t, "amt", time.Now())
	leaf := ca.Issue(t, nil)
	twice := []identity.Tenant{{ID: "a", Active: true, Systems: []identity.System{
		{ID: "x", Channel: gateway.ChannelSystem, Certificates: []identity.Certificate{{SHA256: identitytest.Fingerprint(leaf.Leaf)}}},
		{ID: "y", Channel: gateway.ChannelSystem, Certificates: []identity.Certificate{{SHA256: strings.ToUpper(identitytest.Fingerprint(leaf.Leaf))}}},
	}}}
	if _, err := identity.New(identity.Config{Pepper: pepper, Tenants: twice}); err == nil || !strings.Contains(err.Error(), "tenants[0].systems[1].certificates[0]") {
		t.Errorf("configuration: %v, want the second place", err)
	}
}

// Behind a proxy the header counts, from this proxy only, and never the
// certificate of the proxy itself.
func TestForwardedCertificate(t *testing.T) {
	t.Parallel()
	ca := identitytest.NewAuthority(t, "amt", time.Now())
	leaf, foreign := ca.Issue(t, nil), identitytest.NewAuthority(t, "fremd", time.Now()).Issue(t, nil)
	escaped := url.PathEscape(string(identitytest.PEM(leaf.Leaf)))
	for name, c := range map[string]struct {
		proxies []string
		header  string
		own     *tls.Certificate
		values  []string
		system  gateway.SystemID
	}{
		"percent-encoded PEM":         {[]string{"127.0.0.1"}, "Ssl-Client-Cert", nil, []string{escaped}, "woga"},
		"PEM with blanks":             {[]string{"127.0.0.0/8"}, "Ssl-Client-Cert", nil, []string{strings.ReplaceAll(string(identitytest.PEM(leaf.Leaf)), "\n", " ")}, "woga"},
		"base64 alone":                {[]string{"127.0.0.1"}, "Ssl-Client-Cert", nil, []string{base64.StdEncoding.EncodeToString(leaf.Leaf.Raw)}, "woga"},
		"as Envoy writes it":          {[]string{"127.0.0.1"}, "X-Forwarded-Client-Cert", nil, []string{`By=spiffe://a;Hash=ab;Cert="` + escaped + `";Subject="CN=client"`}, "woga"},
		"Envoy, hash alone":           {[]string{"127.0.0.1"}, "X-Forwarded-Client-Cert", nil, []string{"Hash=" + identitytest.Fingerprint(leaf.Leaf)}, ""},
		"Envoy, two elements":         {[]string{"127.0.0.1"}, "X-Forwarded-Client-Cert", nil, []string{`Hash=a;Cert="` + escaped + `",Hash=b;Cert="x"`}, ""},
		"two headers":                 {[]string{"127.0.0.1"}, "Ssl-Client-Cert", nil, []string{escaped, escaped}, ""},
		"another authority":           {[]string{"127.0.0.1"}, "Ssl-Client-Cert", nil, []string{url.PathEscape(string(identitytest.PEM(foreign.Leaf)))}, ""},
		"no certificate":              {[]string{"127.0.0.1"}, "Ssl-Client-Cert", nil, []string{"%zz"}, ""},
		"from another address":        {[]string{"10.1.2.3"}, "Ssl-Client-Cert", nil, []string{escaped}, ""},
		"the proxy's own certificate": {[]string{"127.0.0.1"}, "Ssl-Client-Cert", &leaf, nil, ""},
	} {
		h := openHouse(t, leaf, ca, identity.Access{TrustedProxies: c.proxies, CertificateHeader: c.header})
		var headers []string
		for _, v := range c.values {
			headers = append(headers, c.header, v)
		}
		if g, ok := h.call(t, c.own, headers...); !ok || g.Caller.System != c.system || (g.Code == "") != (c.system != "") {
			t.Errorf("%s: %+v, %v", name, g, ok)
		}
	}
}

// A token that is bound to a certificate comes with it only (RFC 8705).
func TestBoundToken(t *testing.T) {
	t.Parallel()
	ca := identitytest.NewAuthority(t, "amt", time.Now())
	leaf, other := ca.Issue(t, nil), ca.Issue(t, nil)
	issuer := identitytest.StartIssuer(t)
	k := issuer.Add(t, "es", "ES256")
	h := openHouse(t, leaf, ca, identity.Access{OIDC: []identity.Issuer{{
		Issuer: issuer.URL, Audience: "ki-schleuse", CA: []string{issuer.CA}, Tenant: "tannberg", System: "woga", Purposes: []gateway.Purpose{"chat"},
	}}})
	sum := sha256.Sum256(leaf.Leaf.Raw)
	at := time.Now().Unix()
	token := "Bearer " + k.Sign(t, nil, map[string]any{
		"iss": issuer.URL, "aud": "ki-schleuse", "sub": "s", "iat": at, "exp": at + 60,
		"cnf": map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])},
	})
	for name, c := range map[string]struct {
		certificate *tls.Certificate
		code        gateway.Code
	}{"its certificate": {&leaf, ""}, "another certificate": {&other, gateway.CodeUnauthenticated}, "none": {nil, gateway.CodeUnauthenticated}} {
		if g, ok := h.call(t, c.certificate, "Authorization", token); !ok || g.Code != c.code || c.code == "" && g.Caller.Auth != "oidc" {
			t.Errorf("%s: %+v, %v", name, g, ok)
		}
	}
}

func TestAccessNamesEveryMistake(t *testing.T) {
	t.Parallel()
	err := identity.Access{
		OIDC: []identity.Issuer{
			{
				Issuer: "http://idp.example", JWKSURL: "ftp://x", Algorithms: []string{"HS256", "none"}, Types: []string{"JWT"}, Tenant: "A", TenantClaim: "t",
				System: "x", Clients: []identity.Client{{}}, Roles: map[string]string{"a": "koenig"}, MaxLife: 48 * time.Hour, DefaultPurpose: "chat",
			},
			{Issuer: "http://idp.example", Audience: "a", TenantClaim: "t", System: "s", Purposes: []gateway.Purpose{"chat"}},
		},
		TrustedProxies: []string{"0.0.0.0/0", "proxy"}, CertificateHeader: "a b",
	}.Validate()
	if err == nil {
		t.Fatal("no mistake was found")
	}
	for _, place := range []string{
		"oidc[0].issuer", "oidc[0].jwks_url", "oidc[0].audience", "oidc[0].algorithms[0]", "oidc[0].algorithms[1]", "oidc[0].types[0]", "oidc[0].tenant",
		"oidc[0].system", "oidc[0].clients[0].id", "oidc[0].clients[0].system", "oidc[0].roles", "oidc[0].roles_claim", "oidc[0].max_life", "oidc[0].purposes",
		"oidc[0].default_purpose", "oidc[1].issuer", "oidc[1].tenants", "trusted_proxies[0]", "trusted_proxies[1]", "certificate_header", "client_ca",
	} {
		if !strings.Contains(err.Error(), place) {
			t.Errorf("%s is not named in:\n%v", place, err)
		}
	}
}
