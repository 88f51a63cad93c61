// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
)

// door is a directory that takes tokens of a real issuer.
type door struct {
	issuer    *identitytest.Issuer
	key       *identitytest.IssuerKey
	directory *identity.Directory
	clock     *clock
}

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) forward(d time.Duration) { c.at.Add(int64(d)) }

func openDoor(t *testing.T, change func(*identity.Issuer)) *door {
	t.Helper()
	d := &door{issuer: identitytest.StartIssuer(t), clock: &clock{}}
	d.clock.at.Store(now.UnixNano())
	d.key = d.issuer.Add(t, "rs", "RS256")
	i := identity.Issuer{
		Issuer: d.issuer.URL, Audience: "ki-schleuse", CA: []string{d.issuer.CA}, TenantClaim: "mandant",
		Tenants: map[string]gateway.TenantID{"T": "tannberg", "L": "lohe", "A": "aus", "X": "gibtesnicht"},
		Clients: []identity.Client{
			{ID: "woga-backend", System: "woga", Delegate: true, Roles: []string{"sachbearbeitung"}, Principals: []gateway.Principal{"group:wohngeld"}},
			{ID: "stapel", System: "stapel", Roles: []string{"revision"}},
			{ID: "fremd", System: "nirgends"},
		},
		RolesClaim: "realm_access.roles", Roles: map[string]string{"sb": "sachbearbeitung", "pruefer": "revision", "chef": "betrieb"},
		PrincipalsClaim: "groups", Principals: map[string]gateway.Principal{"/wg": "group:wohngeld", "/bau": "group:bau"},
		UserClaim: "preferred_username", Purposes: []gateway.Purpose{"chat"}, DefaultPurpose: "chat", Models: []gateway.ModelID{"klein"},
	}
	if change != nil {
		change(&i)
	}
	c, err := identity.Access{OIDC: []identity.Issuer{i}}.Extend(identity.Config{Pepper: pepper, Now: d.clock.now, Tenants: doorTenants()})
	if err != nil {
		t.Fatal(err)
	}
	if d.directory, err = identity.New(c); err != nil {
		t.Fatal(err)
	}
	return d
}

func doorTenants() []identity.Tenant {
	systems := []identity.System{
		{ID: "woga", Channel: gateway.ChannelCaseworker, CostCentre: "4711"},
		{ID: "stapel", Channel: gateway.ChannelSystem},
	}
	return []identity.Tenant{
		{ID: "tannberg", Active: true, CostCentre: "1", Systems: systems},
		{ID: "lohe", Active: true, Systems: systems},
		{ID: "aus", Active: false, Systems: systems},
	}
}

// claims are those of a good token, with changes; nil removes.
func (d *door) claims(changes map[string]any) map[string]any {
	at := d.clock.now().Unix()
	c := map[string]any{
		"iss": d.issuer.URL, "aud": []string{"andere", "ki-schleuse"}, "sub": "8f2c", "iat": at - 10, "exp": at + 300, "jti": "1",
		"client_id": "woga-backend", "mandant": "T", "preferred_username": "kim", "groups": []string{"/wg", "/bau", "/unbekannt"},
		"realm_access": map[string]any{"roles": []string{"sb", "pruefer", "offline_access"}},
	}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func (d *door) enter(t *testing.T, token string, headers ...string) (gateway.Caller, error) {
	t.Helper()
	return d.directory.Authenticate(t.Context(), request(token, headers...))
}

func TestTokenBecomesACaller(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	c, err := d.enter(t, d.key.Sign(t, nil, d.claims(nil)), identity.HeaderUser, "jemand anders")
	if err != nil {
		t.Fatal(err)
	}
	if c.Tenant != "tannberg" || c.System != "woga" || c.User != identity.UserOf(d.issuer.URL, "kim") || c.Auth != "oidc" || c.CostCentre != "4711" || c.Channel != gateway.ChannelCaseworker {
		t.Errorf("caller %+v is not kim of WOGA in Tannberg", c)
	}
	if !slices.Equal(c.Roles, []string{"sachbearbeitung"}) || !slices.Equal(c.Principals, []gateway.Principal{"group:wohngeld"}) {
		t.Errorf("roles %q, principals %q: want what subject and client both have", c.Roles, c.Principals)
	}
	if !slices.Equal(c.Purposes, []gateway.Purpose{"chat"}) || c.DefaultPurpose != "chat" || !slices.Equal(c.Models, []gateway.ModelID{"klein"}) {
		t.Errorf("scopes %+v are not those of the configuration", c)
	}
	again, err := d.enter(t, d.key.Sign(t, nil, d.claims(map[string]any{"jti": "2", "sub": "other", "preferred_username": "bo"})))
	if err != nil || again.KeyID != c.KeyID || !strings.HasPrefix(c.KeyID, "oidc-") {
		t.Errorf("key ids %q and %q, %v: want one for all tokens of a client", c.KeyID, again.KeyID, err)
	}
}

func TestEveryAlgorithm(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		k := d.issuer.Add(t, "one-"+algorithm, algorithm)
		d.clock.forward(time.Minute) // a new key may be asked for
		if _, err := d.enter(t, k.Sign(t, nil, d.claims(nil))); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestTokenRefused(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	at := d.clock.now().Unix()
	foreign := identitytest.NewIssuerKey(t, "rs", "RS256")
	public, err := x509.MarshalPKIXPublicKey(d.key.Signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	claim := func(name string, value any) string { return d.key.Sign(t, nil, d.claims(map[string]any{name: value})) }
	header := func(name string, value any) string {
		return d.key.Sign(t, map[string]any{name: value}, d.claims(nil))
	}
	good := d.key.Sign(t, nil, d.claims(nil))
	parts := strings.Split(good, ".")
	deep := map[string]any{"sub": "woga-backend"}
	for range 8 {
		deep = map[string]any{"sub": "woga-backend", "act": deep}
	}
	embedded := map[string]any{"kty": "RSA", "n": "AQAB", "e": "AQAB"}
	for name, token := range map[string]string{
		"no signature":                 identitytest.Unsigned(t, "none", d.claims(nil)),
		"no signature, odd case":       identitytest.Unsigned(t, "nOnE", d.claims(nil)),
		"signature cut off":            parts[0] + "." + parts[1] + ".",
		"public key as secret":         identitytest.Confused(t, "rs", "HS256", asPEM, d.claims(nil)),
		"public key bytes as secret":   identitytest.Confused(t, "rs", "HS256", public, d.claims(nil)),
		"published shared key":         identitytest.Confused(t, "shared", "HS256", []byte("secretsecretsecretsecretsecret"), d.claims(nil)),
		"foreign key, known id":        foreign.Sign(t, nil, d.claims(nil)),
		"foreign key brought along":    foreign.Sign(t, map[string]any{"jwk": embedded}, d.claims(nil)),
		"key from an address":          foreign.Sign(t, map[string]any{"jku": "https://angreifer.example/keys"}, d.claims(nil)),
		"certificate from an address":  foreign.Sign(t, map[string]any{"x5u": "https://angreifer.example/c"}, d.claims(nil)),
		"good key with one beside":     header("jwk", embedded),
		"critical extension":           header("crit", []string{"b64"}),
		"unencoded content":            header("b64", false),
		"rsa key says es256":           header("alg", "ES256"),
		"key for another algorithm":    header("alg", "PS256"),
		"algorithm not on the list":    header("alg", "RS384"),
		"key id not known":             header("kid", "../../etc/passwd"),
		"key id not text":              header("kid", 7),
		"key id very long":             header("kid", strings.Repeat("k", 1000)),
		"id token":                     header("typ", "JWT"),
		"no type":                      header("typ", nil),
		"logout token":                 header("typ", "logout+jwt"),
		"nonce of a sign-in":           claim("nonce", "n"),
		"refresh token":                claim("typ", "Refresh"),
		"other audience":               claim("aud", "andere"),
		"audience as prefix":           claim("aud", "ki-schleuse-test"),
		"no audience":                  claim("aud", nil),
		"audience null":                claim("aud", []any{nil}),
		"other issuer":                 claim("iss", "https://angreifer.example"),
		"issuer with a slash":          claim("iss", d.issuer.URL+"/"),
		"no issuer":                    claim("iss", nil),
		"expired":                      claim("exp", at-120),
		"no end":                       claim("exp", nil),
		"end is text":                  claim("exp", "morgen"),
		"end is null":                  d.key.Sign(t, nil, withNull(d.claims(nil), "exp")),
		"lives too long":               claim("exp", at+100_000),
		"ends before it begins":        claim("iat", at+400),
		"from the future":              d.key.Sign(t, nil, d.claims(map[string]any{"iat": at + 200, "exp": at + 400})),
		"no begin":                     claim("iat", nil),
		"not valid yet":                claim("nbf", at+3600),
		"not before is text":           claim("nbf", "x"),
		"tenant not mapped":            claim("mandant", "tannberg"),
		"tenant not known":             claim("mandant", "X"),
		"tenant not active":            claim("mandant", "A"),
		"two tenants":                  claim("mandant", []string{"T", "L"}),
		"no tenant":                    claim("mandant", nil),
		"empty tenant":                 claim("mandant", ""),
		"client not known":             claim("client_id", "unbekannt"),
		"two clients":                  claim("azp", "stapel"),
		"no client":                    claim("client_id", nil),
		"system not at the tenant":     claim("client_id", "fremd"),
		"actor not known":              claim("act", map[string]any{"sub": "unbekannt"}),
		"actor may not delegate":       claim("act", map[string]any{"sub": "stapel"}),
		"actor from another issuer":    claim("act", map[string]any{"sub": "woga-backend", "iss": "https://angreifer.example"}),
		"actor without name":           claim("act", map[string]any{}),
		"actor is text":                claim("act", "woga-backend"),
		"actor is null":                d.key.Sign(t, nil, withNull(d.claims(nil), "act")),
		"known actor only inside":      claim("act", map[string]any{"sub": "unbekannt", "act": map[string]any{"sub": "woga-backend"}}),
		"too many actors":              claim("act", deep),
		"subject without right, actor": d.key.Sign(t, nil, d.claims(map[string]any{"act": map[string]any{"sub": "woga-backend"}, "realm_access": nil})),
		"nobody, but an actor":         d.key.Sign(t, nil, d.claims(map[string]any{"act": map[string]any{"sub": "woga-backend"}, "preferred_username": nil})),
		"bound to a key we cannot ask": claim("cnf", map[string]any{"jkt": "abc"}),
		"bound to a certificate":       claim("cnf", map[string]any{"x5t#S256": strings.Repeat("A", 43)}),
		"bound to nothing":             claim("cnf", map[string]any{}),
		"bound to null":                d.key.Sign(t, nil, withNull(d.claims(nil), "cnf")),
		"huge":                         claim("x", strings.Repeat("x", 64<<10)),
		"huge header":                  header("x", strings.Repeat("x", 4<<10)),
		"content of another token":     parts[0] + "." + strings.Split(claim("mandant", "L"), ".")[1] + "." + parts[2],
		"padding":                      parts[0] + "=." + parts[1] + "." + parts[2],
		"five parts":                   good + ".a.b",
		"only dots":                    "eyJ..",
		"groups are no list":           claim("groups", map[string]any{"a": 1}),
	} {
		c, err := d.enter(t, token)
		if gateway.CodeOf(err) != gateway.CodeUnauthenticated || c.Tenant != "" {
			t.Errorf("%s: %+v, %v, want unauthenticated", name, c, err)
		}
		d.clock.forward(0)
	}
	if _, err := d.enter(t, good); err != nil {
		t.Fatalf("the good token after all that: %v", err)
	}
}

func withNull(c map[string]any, name string) map[string]any {
	c = maps.Clone(c)
	c[name] = nil
	return c
}

// Names in a token are compared letter by letter, and each stands once.
func TestClaimsByExactName(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(map[string]any{"MANDANT": "L", "Mandant": "L", "mandant": nil}))); err == nil {
		t.Error("a claim of another spelling was taken for the tenant")
	}
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(map[string]any{"MANDANT": "L"}))); err == nil {
		t.Error("a token that names its tenant twice was taken")
	}
	c, err := d.enter(t, d.key.Sign(t, nil, d.claims(map[string]any{"ACT": map[string]any{"sub": "stapel"}})))
	if err != nil || c.System != "woga" {
		t.Errorf("caller %+v, %v: an actor in capitals must not count", c, err)
	}
}

func TestActing(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	for name, c := range map[string]struct {
		changes map[string]any
		system  gateway.SystemID
		user    string
		roles   []string
	}{
		"the actor is the system, the subject the person": {
			map[string]any{"client_id": "irgendwer", "act": map[string]any{"sub": "woga-backend"}}, "woga", "kim", []string{"sachbearbeitung"},
		},
		"history gives no rights": {
			map[string]any{"act": map[string]any{"sub": "woga-backend", "act": map[string]any{"sub": "stapel"}}}, "woga", "kim", []string{"sachbearbeitung"},
		},
		"azp in place of client_id": {map[string]any{"client_id": nil, "azp": "stapel"}, "stapel", "kim", []string{"revision"}},
		"a client by itself":        {map[string]any{"preferred_username": "woga-backend"}, "woga", "vom Fachverfahren", []string{"sachbearbeitung"}},
		"a role the client lacks":   {map[string]any{"realm_access": map[string]any{"roles": []string{"chef"}}}, "woga", "kim", nil},
		"a claim with dots itself":  {map[string]any{"realm_access.roles": []string{}, "preferred_username": "kim"}, "woga", "kim", nil},
	} {
		got, err := d.enter(t, d.key.Sign(t, nil, d.claims(c.changes)), identity.HeaderUser, "vom Fachverfahren")
		if c.user == "kim" {
			c.user = identity.UserOf(d.issuer.URL, "kim")
		}
		if err != nil || got.System != c.system || got.User != c.user || !slices.Equal(got.Roles, c.roles) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// A key of the issuer works while the issuer is away, for a time.
func TestIssuerAway(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(nil))); err != nil {
		t.Fatal(err)
	}
	d.issuer.Away(true)
	d.clock.forward(23 * time.Hour)
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(nil))); err != nil {
		t.Errorf("after 23 hours: %v", err)
	}
	d.clock.forward(2 * time.Hour)
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(nil))); gateway.CodeOf(err) != gateway.CodeUnavailable {
		t.Errorf("after 25 hours: %v, want unavailable", err)
	}
	d.issuer.Away(false)
	d.clock.forward(time.Minute)
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(nil))); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

// Keys come and go without a restart.
func TestRotation(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(nil))); err != nil {
		t.Fatal(err)
	}
	next := d.issuer.Add(t, "next", "ES256")
	d.issuer.Retire("rs")
	d.clock.forward(20 * time.Second)
	if _, err := d.enter(t, next.Sign(t, nil, d.claims(nil))); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(nil))); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("the retired key: %v, want unauthenticated", err)
	}
}

// Whatever is sent, the issuer is asked once in a while, and those with a good
// token do not notice.
func TestNoStampede(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	good := d.key.Sign(t, nil, d.claims(nil))
	bad := d.key.Sign(t, map[string]any{"kid": "unbekannt"}, d.claims(nil))
	var wait sync.WaitGroup
	for i := range 200 {
		wait.Go(func() {
			token := good
			if i%2 == 1 {
				token = bad
			}
			_, err := d.directory.Authenticate(t.Context(), request(token))
			if (err == nil) != (i%2 == 0) {
				t.Errorf("token %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	if n := d.issuer.Asked(); n != 2 {
		t.Errorf("the issuer was asked %d times, want 2: discovery and keys", n)
	}
	for range 100 {
		if _, err := d.enter(t, bad); err == nil {
			t.Fatal("an unknown key was taken")
		}
		d.clock.forward(time.Second)
	}
	if n := d.issuer.Asked(); n > 2+2*7 {
		t.Errorf("in 100 s of junk the issuer was asked %d times, want at most 16", n)
	}
}

func TestKeysElsewhere(t *testing.T) {
	t.Parallel()
	other := identitytest.StartIssuer(t)
	for name, prepare := range map[string]func(*door){
		"on another host":       func(d *door) { d.issuer.KeysAt(other.URL + "/keys") },
		"without TLS":           func(d *door) { d.issuer.KeysAt(strings.Replace(d.issuer.URL, "https", "http", 1) + "/keys") },
		"behind a redirect":     func(d *door) { d.issuer.KeysAt(d.issuer.URL + "/moved") },
		"an answer without end": func(d *door) { d.issuer.Huge() },
	} {
		d := openDoor(t, nil)
		prepare(d)
		if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(nil))); gateway.CodeOf(err) != gateway.CodeUnavailable {
			t.Errorf("keys %s: %v, want unavailable", name, err)
		}
	}
	if n := other.Asked(); n != 0 {
		t.Errorf("a host that is not configured was asked %d times", n)
	}
	d := openDoor(t, func(i *identity.Issuer) { i.JWKSURL = i.Issuer + "/keys" })
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(nil))); err != nil || d.issuer.Asked() != 1 {
		t.Errorf("configured address: %v, %d requests, want 1", err, d.issuer.Asked())
	}
}

// Some providers call their access tokens JWT.
func TestTypeJWT(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(i *identity.Issuer) { i.Types = []string{"jwt"} })
	jwt := map[string]any{"typ": "JWT"}
	if _, err := d.enter(t, d.key.Sign(t, jwt, d.claims(map[string]any{"typ": "Bearer"}))); err != nil {
		t.Errorf("access token: %v", err)
	}
	for _, kind := range []string{"ID", "Refresh", "Offline", "Logout"} {
		if _, err := d.enter(t, d.key.Sign(t, jwt, d.claims(map[string]any{"typ": kind}))); err == nil {
			t.Errorf("a token of the kind %s was taken", kind)
		}
	}
}

// Without clients told apart nobody acts for anybody.
func TestOneSystem(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(i *identity.Issuer) {
		i.Clients, i.System, i.TenantClaim, i.Tenants, i.Tenant = nil, "woga", "", nil, "lohe"
	})
	c, err := d.enter(t, d.key.Sign(t, nil, d.claims(map[string]any{"client_id": "egal", "mandant": "T"})))
	if err != nil || c.Tenant != "lohe" || c.System != "woga" || !slices.Equal(c.Roles, []string{"sachbearbeitung", "revision"}) {
		t.Errorf("caller %+v, %v", c, err)
	}
	if _, err := d.enter(t, d.key.Sign(t, nil, d.claims(map[string]any{"act": map[string]any{"sub": "woga-backend"}}))); err == nil {
		t.Error("a token with an actor was taken")
	}
}

func TestErrorsHoldNothingOfTheToken(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	token := d.key.Sign(t, nil, d.claims(map[string]any{"client_id": "Geheimnis", "mandant": "T"}))
	_, err := d.enter(t, token)
	if err == nil || strings.Contains(err.Error(), "Geheimnis") || strings.Contains(err.Error(), token[:40]) {
		t.Errorf("error %v", err)
	}
}

func FuzzToken(f *testing.F) {
	issuer := identitytest.StartIssuer(f)
	k := issuer.Add(f, "rs", "RS256")
	c, err := identity.Access{OIDC: []identity.Issuer{{
		Issuer: issuer.URL, Audience: "a", CA: []string{issuer.CA}, Tenant: "tannberg", System: "woga", Purposes: []gateway.Purpose{"chat"},
	}}}.Extend(identity.Config{Pepper: pepper, Now: func() time.Time { return now }, Tenants: doorTenants()})
	if err != nil {
		f.Fatal(err)
	}
	d, err := identity.New(c)
	if err != nil {
		f.Fatal(err)
	}
	claims := map[string]any{"iss": issuer.URL, "aud": "a", "sub": "s", "iat": now.Unix(), "exp": now.Unix() + 60}
	good := k.Sign(f, nil, claims)
	f.Add(good)
	f.Add(identitytest.Unsigned(f, "none", claims))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJ..")
	f.Fuzz(func(t *testing.T, token string) {
		r := &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}
		if caller, err := d.Authenticate(t.Context(), r); err == nil && strings.TrimSpace(token) != good {
			t.Errorf("the token %q became %+v", token, caller)
		}
	})
}
