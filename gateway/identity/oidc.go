// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Issuer is an OpenID provider whose access tokens (RFC 9068) are taken, and
// what they stand for here. A token gives no right that is not written here:
//
//   - It reaches the one tenant that Tenant or Tenants names for it.
//   - Its system is System, or that of the client it was issued to. With an act
//     claim (RFC 8693) the client is the outermost actor, and must be one that
//     may delegate; inner actors count for nothing.
//   - Roles and principals are those that the claims of the subject map to. Of
//     a token of one of Clients, they are cut down to what that client has as
//     well: the intersection of what subject and actor may. A client without
//     roles hands on none.
//   - A subject without any role left is refused when somebody acts for it.
type Issuer struct {
	// Issuer and Audience must stand in the token exactly so.
	Issuer   string `yaml:"issuer"`
	Audience string `yaml:"audience"`
	// Algorithms of signatures, default RS256, PS256, ES256, EdDSA.
	Algorithms []string `yaml:"algorithms"`
	// Types of tokens, default at+jwt. Providers that call their access tokens JWT
	// need that; ID tokens are refused all the same.
	Types []string `yaml:"types"`
	// JWKSURL of the keys; empty: discovery on the issuer's host.
	JWKSURL string `yaml:"jwks_url"`
	// CA are PEM files trusted for the issuer's server, default those of the system.
	CA []string `yaml:"ca"`

	// Tenant of every token, or Tenants by the value of the claim TenantClaim.
	Tenant      gateway.TenantID            `yaml:"tenant"`
	TenantClaim string                      `yaml:"tenant_claim"`
	Tenants     map[string]gateway.TenantID `yaml:"tenants"`
	// System of every token, or that of one of the Clients.
	System  gateway.SystemID `yaml:"system"`
	Clients []Client         `yaml:"clients"`

	// Roles by the values of the claim RolesClaim, which may lie deeper:
	// realm_access.roles. Principals likewise.
	RolesClaim      string                       `yaml:"roles_claim"`
	Roles           map[string]string            `yaml:"roles"`
	PrincipalsClaim string                       `yaml:"principals_claim"`
	Principals      map[string]gateway.Principal `yaml:"principals"`
	// UserClaim names the person, default sub.
	UserClaim string `yaml:"user_claim"`

	Purposes       []gateway.Purpose   `yaml:"purposes"`
	DefaultPurpose gateway.Purpose     `yaml:"default_purpose"`
	Services       []gateway.ServiceID `yaml:"services"`
	Models         []gateway.ModelID   `yaml:"models"`
	Sources        []string            `yaml:"sources"`

	// MaxLife of a token, default 2 h, at most 24 h. Skew of the clocks, default
	// 1 min, at most 5 min. MaxStale is how long known keys work while the issuer
	// is away, default 24 h.
	MaxLife  time.Duration `yaml:"max_life"`
	Skew     time.Duration `yaml:"skew"`
	MaxStale time.Duration `yaml:"max_stale"`
}

// Client is a client of an issuer.
type Client struct {
	ID     string           `yaml:"id"`
	System gateway.SystemID `yaml:"system"`
	// Delegate: it may act for persons, as tokens with an act claim say.
	Delegate bool `yaml:"delegate"`
	// Roles and Principals are the most it can use or hand on.
	Roles      []string            `yaml:"roles"`
	Principals []gateway.Principal `yaml:"principals"`
}

// WithDefaults is the issuer as it is in force.
func (i Issuer) WithDefaults() Issuer {
	if len(i.Types) == 0 {
		i.Types = []string{"at+jwt"}
	}
	if i.UserClaim == "" {
		i.UserClaim = "sub"
	}
	if i.MaxLife <= 0 {
		i.MaxLife = 2 * time.Hour
	}
	if i.Skew <= 0 {
		i.Skew = time.Minute
	}
	if i.MaxStale <= 0 {
		i.MaxStale = 24 * time.Hour
	}
	return i
}

// tokens recognises callers by access tokens of configured issuers.
type tokens struct {
	issuers map[string]*trusted
}

// trusted is an issuer with its keys.
type trusted struct {
	Issuer
	provider *Provider
}

// method implements Method. Whatever has the form of a signed token is judged
// here, and never as an API key.
func (o *tokens) method(ctx context.Context, d *Directory, r *http.Request) (gateway.Caller, bool, error) {
	text, ok := bearer(r)
	if !ok || !looksSigned(text) {
		return gateway.Caller{}, false, nil
	}
	caller, err := o.recognise(ctx, d, r, text)
	if err == nil {
		return caller, true, nil
	}
	if errors.Is(err, errNoProvider) {
		return gateway.Caller{}, true, &gateway.Error{
			Op: "authenticate", Code: gateway.CodeUnavailable, RetryAfter: 15 * time.Second, Err: err,
			Message: "Die Anmeldestelle antwortet nicht; Zugriffstoken können gerade nicht geprüft werden.",
		}
	}
	refused := unauthenticated("Das Zugriffstoken ist ungültig, abgelaufen oder hier nicht zugelassen.")
	refused.Err = err
	return gateway.Caller{}, true, refused
}

// bearer is the credential of a request.
func bearer(r *http.Request) (string, bool) {
	scheme, credential, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(credential), ok && strings.EqualFold(scheme, "Bearer")
}

// recognise checks a token from the outside in: form, issuer, signature, times,
// then what it stands for. Its errors are for the log and hold nothing of it.
func (o *tokens) recognise(ctx context.Context, d *Directory, r *http.Request, text string) (gateway.Caller, error) {
	h, err := readHeader(text)
	if err != nil {
		return gateway.Caller{}, err
	}
	issuer, err := o.issuerOf(text)
	if err != nil {
		return gateway.Caller{}, err
	}
	if !slices.Contains(issuer.Types, h.kind) {
		return gateway.Caller{}, errors.New("the token is of another type")
	}
	payload, err := issuer.provider.verify(ctx, text, h)
	if err != nil {
		return gateway.Caller{}, err
	}
	c, err := decodeClaims(payload)
	if err != nil {
		return gateway.Caller{}, errors.New("the token is not readable")
	}
	if err := issuer.check(c, d.now()); err != nil {
		return gateway.Caller{}, err
	}
	if err := bound(c, d, r); err != nil {
		return gateway.Caller{}, err
	}
	return issuer.caller(c, d, r)
}

// issuerOf reads who the token says it is from, only to find out whose keys must
// have signed it.
func (o *tokens) issuerOf(text string) (*trusted, error) {
	c, err := decodePart(strings.Split(text, ".")[1])
	if err != nil {
		return nil, errors.New("the token is not readable")
	}
	issuer, ok := o.issuers[c.text("iss")]
	if !ok {
		return nil, errors.New("the issuer of the token is not known")
	}
	return issuer, nil
}

// check looks at what every access token has to have.
func (t *trusted) check(c claims, now time.Time) error {
	if c.text("iss") != t.Issuer.Issuer {
		return errors.New("the token is from another issuer")
	}
	if !c.audience(t.Audience) {
		return errors.New("the token is meant for somebody else")
	}
	if isOtherToken(c) {
		return errors.New("the token is no access token")
	}
	return c.check(window{now: now, skew: t.Skew, maxLife: t.MaxLife})
}

// isOtherToken finds ID, refresh and logout tokens, which some providers sign
// with the same type.
func isOtherToken(c claims) bool {
	for _, name := range [...]string{"nonce", "at_hash", "c_hash", "events"} {
		if _, ok := c[name]; ok {
			return true
		}
	}
	kind := c.text("typ")
	return kind != "" && !strings.EqualFold(kind, "Bearer")
}

// bound: a token that is bound to a certificate (RFC 8705) comes with that
// certificate only. Bonds of a kind we do not know are not ignored.
func bound(c claims, d *Directory, r *http.Request) error {
	raw, there := c["cnf"]
	if !there {
		return nil
	}
	bond, err := decodeClaims(raw)
	if err != nil || len(bond) != 1 || bond.text("x5t#S256") == "" {
		return errors.New("the token is bound in a way that is not known here")
	}
	certificate, err := d.certificates.of(r, d.now())
	if err != nil {
		return err
	}
	if certificate == nil || !certificate.thumbprint(bond.text("x5t#S256")) {
		return errors.New("the token is bound to another certificate")
	}
	return nil
}

// caller is what the token stands for.
func (t *trusted) caller(c claims, d *Directory, r *http.Request) (gateway.Caller, error) {
	tenant, err := t.tenant(c, d)
	if err != nil {
		return gateway.Caller{}, err
	}
	acting, err := t.acting(c)
	if err != nil {
		return gateway.Caller{}, err
	}
	system, ok := tenant.System(acting.system)
	if !ok {
		return gateway.Caller{}, errors.New("the tenant of the token has no such system")
	}
	roles, ok1 := mapped(c, t.RolesClaim, t.Roles)
	principals, ok2 := mapped(c, t.PrincipalsClaim, t.Principals)
	if !ok1 || !ok2 {
		return gateway.Caller{}, errors.New("the roles of the token are not readable")
	}
	if acting.client != nil {
		roles, principals = common(roles, acting.client.Roles), common(principals, acting.client.Principals)
	}
	if auditsItself(roles) { // who audits does not administrate
		roles = slices.DeleteFunc(roles, func(r string) bool { return r == RoleOperator || r == RoleTenant })
	}
	user := t.user(c, acting.id)
	if acting.delegated && (len(roles) == 0 || user == "") {
		return gateway.Caller{}, errors.New("the subject of the token has no right that its actor may use")
	}
	if user == "" { // a system by itself says for whom it asks, as with a key
		user = limited(r.Header.Get(HeaderUser))
	}
	caller := gateway.Caller{
		Tenant: tenant.ID, System: system.ID, KeyID: t.keyID(d, acting.id), User: user, Roles: roles,
		Principals: narrowed(principals, r.Header.Values(HeaderPrincipals)), Channel: system.Channel,
		Purposes: t.Purposes, DefaultPurpose: t.DefaultPurpose, Services: t.Services, Models: t.Models, Sources: t.Sources,
		CostCentre: system.CostCentre, Auth: "oidc",
	}
	if caller.CostCentre == "" {
		caller.CostCentre = tenant.CostCentre
	}
	return caller, nil
}

// keyID is the same for all tokens of a client: limits cannot be escaped with a
// new token, and no statistics of keys are such of persons.
func (t *trusted) keyID(d *Directory, client string) string {
	return "oidc-" + hex.EncodeToString(digest(d.pepper, "client", t.Issuer.Issuer+"\x00"+client))[:16]
}

func (t *trusted) tenant(c claims, d *Directory) (*Tenant, error) {
	id := t.Tenant
	if t.TenantClaim != "" {
		var value string
		raw, _ := c.at(t.TenantClaim)
		if decodeText(raw, &value) != nil {
			return nil, errors.New("the token names no tenant")
		}
		id = t.Tenants[value]
	}
	tenant, ok := d.byID[id]
	if !ok || !tenant.Active || id == "" {
		return nil, errors.New("the tenant of the token is not known or not active")
	}
	return tenant, nil
}

// acting is the system that sends the token.
type acting struct {
	id        string
	system    gateway.SystemID
	client    *Client // nil: clients are not told apart
	delegated bool
}

func (t *trusted) acting(c claims) (acting, error) {
	id, delegated, err := c.actor()
	if err == nil && !delegated {
		id, err = c.client()
	}
	if err != nil {
		return acting{}, err
	}
	if len(t.Clients) == 0 {
		if delegated {
			return acting{}, errors.New("no client of the issuer may act for others")
		}
		return acting{id: id, system: t.System}, nil
	}
	for i := range t.Clients {
		client := &t.Clients[i]
		if client.ID != id {
			continue
		}
		if delegated && !client.Delegate {
			return acting{}, errors.New("this client may not act for others")
		}
		return acting{id: id, system: client.System, client: client, delegated: delegated}, nil
	}
	return acting{}, errors.New("the client of the token is not known")
}

// user is the person; empty: the client comes for itself.
func (t *trusted) user(c claims, client string) string {
	var name string
	raw, _ := c.at(t.UserClaim)
	if decodeText(raw, &name) != nil || name == client {
		return ""
	}
	return UserOf(t.Issuer.Issuer, name)
}

// mapped are the rights that the values of a claim stand for, each once. Values
// that stand for nothing are other systems' business.
func mapped[S ~string](c claims, claim string, to map[string]S) ([]S, bool) {
	if claim == "" {
		return nil, true
	}
	values, ok := c.values(claim)
	var out []S
	for _, v := range values {
		if right, known := to[v]; known && !slices.Contains(out, right) {
			out = append(out, right)
		}
	}
	return out, ok
}

// common keeps what both have.
func common[S ~string](have, permitted []S) []S {
	var out []S
	for _, one := range have {
		if slices.Contains(permitted, one) {
			out = append(out, one)
		}
	}
	return out
}
