// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Certificate lets a system in by its client certificate: by the fingerprint of
// the certificate itself, or by a name in it together with the authority that
// issued it. In either case it must have been issued under one of Access.ClientCA.
type Certificate struct {
	// Label tells the certificates of a system apart.
	Label string `yaml:"label" json:"label,omitempty"`
	// SHA256 of the certificate, 64 hexadecimal digits.
	SHA256 string `yaml:"sha256" json:"sha256,omitempty"`
	// URI or DNS is a name in the certificate (subjectAltName), compared letter by
	// letter; CA the SHA-256 of an authority above it.
	URI string `yaml:"uri" json:"uri,omitempty"`
	DNS string `yaml:"dns" json:"dns,omitempty"`
	CA  string `yaml:"ca" json:"ca,omitempty"`
	// Expires ends it before the certificate does; zero: it does not.
	Expires time.Time `yaml:"expires" json:"expires,omitzero"`

	Purposes       []gateway.Purpose   `yaml:"purposes" json:"purposes,omitempty"`
	DefaultPurpose gateway.Purpose     `yaml:"default_purpose" json:"default_purpose,omitempty"`
	Services       []gateway.ServiceID `yaml:"services" json:"services,omitempty"`
	Models         []gateway.ModelID   `yaml:"models" json:"models,omitempty"`
	Sources        []string            `yaml:"sources" json:"sources,omitempty"`
	Roles          []string            `yaml:"roles" json:"roles,omitempty"`
	Principals     []gateway.Principal `yaml:"principals" json:"principals,omitempty"`
}

func (c *Certificate) scopes() Scopes {
	return Scopes{c.Purposes, c.DefaultPurpose, c.Services, c.Models, c.Sources, c.Principals, c.Roles, ""}
}

// name is what the certificate is found by: the same for two that cannot be told apart.
func (c *Certificate) name() string {
	switch {
	case c.SHA256 != "":
		return "sha256 " + strings.ToLower(c.SHA256)
	case c.URI != "":
		return "uri " + strings.ToLower(c.CA) + " " + c.URI
	}
	return "dns " + strings.ToLower(c.CA) + " " + strings.ToLower(c.DNS)
}

// keyID is what stands in records and statistics.
func (c *Certificate) keyID() string {
	sum := sha256.Sum256([]byte(c.name()))
	return "cert-" + hex.EncodeToString(sum[:8])
}

// maxCertificates of a system.
const maxCertificates = 20

// certificates checks those of a system; seen are the names in use anywhere.
func (c *checker) certificates(path string, list []Certificate, seen map[string]bool) {
	if len(list) > maxCertificates {
		c.add(path, "Ein Fachverfahren hat höchstens %d Zertifikate.", maxCertificates)
		return
	}
	for i := range list {
		one, at := &list[i], fmt.Sprintf("%s[%d]", path, i)
		c.certificate(at, one)
		if seen[one.name()] {
			c.add(at, "Dieses Zertifikat ist doppelt vergeben.")
		}
		seen[one.name()] = true
	}
}

func (c *checker) certificate(path string, one *Certificate) {
	ways := 0
	for _, way := range [...]string{one.SHA256, one.URI, one.DNS} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways != 1:
		c.add(path, "Erwartet wird genau eines von sha256, uri und dns.")
	case one.SHA256 != "":
		c.fingerprint(join(path, "sha256"), one.SHA256)
		if one.CA != "" {
			c.add(join(path, "ca"), "Die Angabe gehört zu uri oder dns; sha256 nennt das Zertifikat schon genau.")
		}
	default:
		c.fingerprint(join(path, "ca"), one.CA)
	}
	if u, err := url.Parse(one.URI); one.URI != "" && (err != nil || u.Scheme == "") {
		c.add(join(path, "uri"), "Die Angabe %q ist keine URI.", cut(one.URI))
	}
	if strings.ContainsAny(one.DNS, "* /:") {
		c.add(join(path, "dns"), "Erwartet wird ein ganzer Rechnername ohne Platzhalter.")
	}
	for field, text := range map[string]string{"label": one.Label, "uri": one.URI, "dns": one.DNS} {
		c.text(join(path, field), text)
	}
	c.scopes(path, one.scopes())
}

func (c *checker) fingerprint(path, text string) {
	if raw, err := hex.DecodeString(text); err != nil || len(raw) != sha256.Size {
		c.add(path, "Erwartet wird der SHA-256-Fingerabdruck: 64 hexadezimale Ziffern.")
	}
}

// Certificates finds the client certificate of a request: that of the connection
// or, behind a proxy that ends TLS, that in a header of this proxy.
type Certificates struct {
	roots   *x509.CertPool // nil: no certificate counts
	proxies []netip.Prefix
	header  string // empty: none is read
}

// presented is a certificate whose owner has proved to have its key, issued
// under one of the configured authorities and valid now.
type presented struct {
	leaf   *x509.Certificate
	chains [][]*x509.Certificate
	sum    [sha256.Size]byte
}

func (p *presented) thumbprint(wanted string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(wanted)
	return err == nil && subtle.ConstantTimeCompare(raw, p.sum[:]) == 1
}

func (p *presented) is(fingerprint string) bool {
	raw, err := hex.DecodeString(fingerprint)
	return err == nil && subtle.ConstantTimeCompare(raw, p.sum[:]) == 1
}

// names are all that an entry for this certificate may be called.
func (p *presented) names() []string {
	names := []string{(&Certificate{SHA256: hex.EncodeToString(p.sum[:])}).name()}
	for _, ca := range p.authorities() {
		for _, u := range p.leaf.URIs {
			names = append(names, (&Certificate{URI: u.String(), CA: ca}).name())
		}
		for _, d := range p.leaf.DNSNames {
			names = append(names, (&Certificate{DNS: d, CA: ca}).name())
		}
	}
	return names
}

// authorities are the fingerprints of all that stand above the certificate.
func (p *presented) authorities() []string {
	var out []string
	for _, chain := range p.chains {
		for _, ca := range chain[1:] {
			sum := sha256.Sum256(ca.Raw)
			if text := hex.EncodeToString(sum[:]); !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out
}

// maxNames bounds what one certificate makes us look up.
const maxNames = 200

// of returns the certificate of a request; nil: there is none. The certificate
// of a trusted proxy is the proxy's own and says nothing about the caller, so
// that behind one only the header counts.
func (c *Certificates) of(r *http.Request, now time.Time) (*presented, error) {
	if c == nil || c.roots == nil {
		return nil, nil //nolint:nilnil // no certificate is no error
	}
	if c.header != "" && c.fromProxy(r) {
		leaf, err := forwarded(r.Header.Values(c.header))
		if leaf == nil || err != nil {
			return nil, err
		}
		return c.judge(leaf, nil, now)
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, nil //nolint:nilnil // no certificate is no error
	}
	return c.judge(r.TLS.PeerCertificates[0], r.TLS.PeerCertificates[1:], now)
}

// judge looks at the chain for each request: a connection may outlive the
// certificate it began with.
func (c *Certificates) judge(leaf *x509.Certificate, others []*x509.Certificate, now time.Time) (*presented, error) {
	between := x509.NewCertPool()
	for _, one := range others[:min(len(others), 8)] {
		between.AddCert(one)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: c.roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, fmt.Errorf("check client certificate: %w", err)
	}
	return &presented{leaf: leaf, chains: chains, sum: sha256.Sum256(leaf.Raw)}, nil
}

func (c *Certificates) fromProxy(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(c.proxies, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// maxForwarded bounds the header of a proxy.
const maxForwarded = 16 << 10

var errForwarded = errors.New("the certificate in the header of the proxy is not readable")

// forwarded reads the one certificate that a proxy has put into its header: PEM,
// percent-encoded PEM, base64 of the DER, or Cert="…" of Envoy's form. More than
// one is refused: only the last would be the proxy's word.
func forwarded(values []string) (*x509.Certificate, error) {
	if len(values) == 0 || len(values) == 1 && strings.TrimSpace(values[0]) == "" {
		return nil, nil //nolint:nilnil // the caller had no certificate
	}
	if len(values) > 1 || len(values[0]) > maxForwarded {
		return nil, errForwarded
	}
	text := values[0]
	if strings.Contains(text, "=\"") || strings.HasPrefix(text, "Hash=") || strings.HasPrefix(text, "By=") {
		var err error
		if text, err = envoyCertificate(text); err != nil {
			return nil, err
		}
	}
	if strings.Contains(text, "%") {
		var err error
		if text, err = url.PathUnescape(text); err != nil { // a plus sign is part of base64
			return nil, errForwarded
		}
	}
	der, err := certificateBytes(text)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errForwarded
	}
	return leaf, nil
}

// envoyCertificate takes Cert="…" out of X-Forwarded-Client-Cert.
func envoyCertificate(text string) (string, error) {
	if strings.Contains(text, ",") {
		return "", errForwarded
	}
	found := ""
	for field := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(field, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "Cert") {
			continue
		}
		if found != "" {
			return "", errForwarded
		}
		found = strings.Trim(value, `"`)
	}
	if found == "" {
		return "", errForwarded
	}
	return found, nil
}

func certificateBytes(text string) ([]byte, error) {
	const begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
	body, isPEM := strings.CutPrefix(strings.TrimSpace(text), begin)
	if isPEM {
		var closed bool
		if body, closed = strings.CutSuffix(body, end); !closed {
			return nil, errForwarded
		}
	}
	// Proxies put blanks or tabs where the lines ended.
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(strings.Trim(body, ":")), ""))
	if err != nil || len(der) == 0 {
		return nil, errForwarded
	}
	return der, nil
}

// ClientCAs reads the authorities whose client certificates are taken.
func ClientCAs(files ...string) (*x509.CertPool, error) {
	if len(files) == 0 {
		return nil, nil //nolint:nilnil // none configured: no pool
	}
	pool := x509.NewCertPool()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read authority: %w", err)
		}
		if n, err := addPEM(pool, raw); err != nil || n == 0 {
			return nil, fmt.Errorf("read authority %s: it is no PEM file of certificates", file)
		}
	}
	return pool, nil
}

func addPEM(pool *x509.CertPool, raw []byte) (n int, err error) {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return n, errors.New("not a certificate")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return n, err
		}
		pool.AddCert(c)
		n++
	}
	return n, nil
}

// ServerTLS adds to a server's TLS configuration that clients may show a
// certificate, which must then be issued under one of the authorities. nil
// authorities change nothing.
func ServerTLS(c *tls.Config, authorities *x509.CertPool) {
	if authorities == nil {
		return
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven
	c.ClientCAs = authorities
}

// byCertificate recognises a caller that shows nothing but a certificate. With a
// key or a token the certificate only confirms.
func byCertificate(_ context.Context, d *Directory, r *http.Request) (gateway.Caller, bool, error) {
	if r.Header.Get("Authorization") != "" {
		return gateway.Caller{}, false, nil
	}
	now := d.now()
	shown, err := d.certificates.of(r, now)
	if shown == nil && err == nil {
		return gateway.Caller{}, false, nil
	}
	refused := unauthenticated("Das Zertifikat ist ungültig oder keinem Fachverfahren zugeordnet.")
	if err != nil {
		refused.Err = err
		return gateway.Caller{}, true, refused
	}
	e, ok := d.byCertificate(shown)
	if !ok || e.locked || !e.expires.IsZero() && !now.Before(e.expires) {
		return gateway.Caller{}, true, refused
	}
	caller := e.caller
	caller.User = limited(r.Header.Get(HeaderUser))
	caller.Principals = narrowed(caller.Principals, r.Header.Values(HeaderPrincipals))
	return caller, true, nil
}

// byCertificate is the entry of a certificate: that of its fingerprint first.
// Names that lead to different entries lead nowhere.
func (d *Directory) byCertificate(shown *presented) (*entry, bool) {
	var found *entry
	names := shown.names()
	for i, name := range names[:min(len(names), maxNames)] {
		e, ok := d.shown[name]
		switch {
		case !ok:
		case i == 0:
			return e, true
		case found != nil && found != e:
			return nil, false
		default:
			found = e
		}
	}
	return found, found != nil
}

// addCertificate puts one into the snapshot. One that two systems claim is locked
// for both: nobody can take over another one's caller by naming its certificate.
func (d *Directory) addCertificate(t *Tenant, s *System, c *Certificate) {
	k := Key{
		ID: c.keyID(), Roles: c.Roles, Principals: c.Principals, Purposes: c.Purposes, DefaultPurpose: c.DefaultPurpose,
		Services: c.Services, Models: c.Models, Sources: c.Sources,
	}
	e := &entry{caller: callerOf(t, s, &k), expires: c.Expires, locked: !t.Active}
	e.caller.Auth = "certificate"
	if other, taken := d.shown[c.name()]; taken {
		other.locked, e.locked = true, true
		return
	}
	d.shown[c.name()] = e
}
