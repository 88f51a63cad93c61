// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
)

// signInDesk is a gateway with sign-in, an OpenID provider beside it, and a browser.
type signInDesk struct {
	t        *testing.T
	issuer   *identitytest.Issuer
	key      *identitytest.IssuerKey
	openID   *identity.OpenID
	config   identity.SignIn
	sessions *identity.Sessions
	url      string
	browser  *http.Client

	mu     sync.Mutex
	clock  time.Time
	last   identity.SignedIn
	failed error
}

func (d *signInDesk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clock
}

func (d *signInDesk) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clock = d.clock.Add(by)
}

const clientID = "schleuse-seiten"

func openSignIn(t *testing.T, change func(*identity.SignIn)) *signInDesk {
	t.Helper()
	d := &signInDesk{t: t, issuer: identitytest.StartIssuer(t), clock: time.Now()}
	d.key = d.issuer.Add(t, "k1", "ES256")
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	d.url = server.URL
	secretFile := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secretFile, []byte("geheim & mehr\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.issuer.Register(t, identitytest.SignInClient{ID: clientID, Secret: "geheim & mehr", RedirectURI: d.url + "/login/callback", LogoutURI: d.url + "/"}, d.key, d.now)
	config := identity.SignIn{
		Issuer: d.issuer.URL, CA: []string{d.issuer.CA}, ClientID: clientID, ClientSecretFile: secretFile,
		Roles:     identity.SignInRoles{Claim: "realm_access.roles", Map: map[string]string{"ki-revision": identity.RoleRevision, "ki-amt": identity.RoleCase}},
		Tenant:    identity.SignInTenant{Claim: "ou", Map: map[string]gateway.TenantID{"Gemeinde Lohe": "lohe", "Alt": "weg"}},
		Operators: identity.SignInOperators{Claim: "groups", Values: []string{"rechenzentrum"}},
	}
	if change != nil {
		change(&config)
	}
	d.config = config
	var err error
	d.openID, err = identity.NewOpenID(identity.OpenIDConfig{
		SignIn: config, Public: d.url, Callback: "/login/callback", Key: []byte(strings.Repeat("k", 32)), Secure: true, Now: d.now,
		Active: func(id gateway.TenantID) bool { return id == "lohe" },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.sessions = identity.OpenSessions(identity.SessionConfig{Store: statetest.Memory(), Secure: true, Now: d.now})
	mux.HandleFunc("GET /start", func(w http.ResponseWriter, r *http.Request) {
		address, err := d.openID.Begin(w, r, "/admin/decisions?q=1")
		if err != nil {
			http.Error(w, string(gateway.CodeOf(err)), http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, address, http.StatusSeeOther)
	})
	mux.HandleFunc("GET /login/callback", func(w http.ResponseWriter, r *http.Request) {
		in, err := d.openID.Finish(w, r)
		if err == nil {
			err = d.sessions.Begin(w, r, in.Person, in.IDToken)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.last, d.failed = in, err
		if err != nil {
			http.Error(w, string(gateway.CodeOf(err)), http.StatusForbidden)
		}
	})
	d.browser = d.newBrowser()
	return d
}

func (d *signInDesk) newBrowser() *http.Client {
	d.t.Helper()
	roots := x509.NewCertPool()
	raw, err := os.ReadFile(d.issuer.CA)
	if err != nil {
		d.t.Fatal(err)
	}
	roots.AppendCertsFromPEM(raw) // httptest has one certificate for all its servers
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
}

func (d *signInDesk) get(client *http.Client, address string) (location string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.Header.Get("Location")
}

// signIn goes the whole way and returns what came of it.
func (d *signInDesk) signIn() (identity.SignedIn, error) {
	d.t.Helper()
	d.get(d.browser, d.url+"/start")
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last, d.failed
}

func auditor() map[string]any {
	return map[string]any{
		"sub": "u-4711", "name": "Kim Yılmaz", "ou": "Gemeinde Lohe",
		"realm_access": map[string]any{"roles": []string{"ki-revision", "uninteressant"}},
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	d := openSignIn(t, nil)
	d.issuer.Visitor(auditor())
	in, err := d.signIn()
	if err != nil {
		t.Fatal(err)
	}
	p := in.Person
	if p.Tenant != "lohe" || p.Name != "Kim Yılmaz" || p.User() != identity.UserOf(d.issuer.URL, "u-4711") || len(p.Roles) != 1 || !p.Has(identity.RoleRevision) || p.Operator || in.Back != "/admin/decisions?q=1" {
		t.Errorf("signed in as %+v, back to %s", p, in.Back)
	}
	address, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, d.url+"/", nil)
	for _, c := range d.browser.Jar.Cookies(address) {
		r.AddCookie(c)
		if strings.Contains(c.Name, "anmeldung") {
			t.Error("the cookie of the attempt is still there")
		}
	}
	if p, err := d.sessions.Person(r); err != nil || p.Name != "Kim Yılmaz" {
		t.Errorf("the session is of %+v, %v", p, err)
	}
	hint, err := d.sessions.SignOut(httptest.NewRecorder(), r)
	if err != nil || hint != in.IDToken {
		t.Errorf("signed out with %.10q, %v", hint, err)
	}
	if _, err := d.sessions.Person(r); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("after signing out: %v", err)
	}
	leave, ok := d.openID.EndSession(t.Context(), hint)
	if !ok {
		t.Fatal("the provider offers a logout, we do not")
	}
	if d.get(d.browser, leave); d.issuer.Left() != 1 {
		t.Errorf("%s did not end the session at the provider", leave)
	}
}

func TestOperatorSignsIn(t *testing.T) {
	t.Parallel()
	d := openSignIn(t, nil)
	who := auditor()
	delete(who, "ou")
	who["groups"] = []string{"rechenzentrum"}
	d.issuer.Visitor(who)
	in, err := d.signIn()
	if err != nil || !in.Person.Operator || in.Person.Tenant != "" || !in.Person.Sees("lohe") {
		t.Errorf("signed in as %+v, %v", in.Person, err)
	}
}

// Without a client secret PKCE alone protects the code, and the provider's
// algorithms may be narrowed.
func TestPublicClientSignsIn(t *testing.T) {
	t.Parallel()
	d := openSignIn(t, func(c *identity.SignIn) {
		c.ClientSecretFile, c.Algorithms, c.ACR = "", []string{"ES256"}, []string{"mfa"}
	})
	d.issuer.Register(t, identitytest.SignInClient{ID: clientID, RedirectURI: d.url + "/login/callback"}, d.key, d.now)
	d.issuer.Visitor(auditor())
	if _, err := d.signIn(); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.openID.EndSession(t.Context(), "x"); ok {
		t.Error("a logout is offered that the provider does not have")
	}
}

func TestSignInIsRefused(t *testing.T) {
	t.Parallel()
	with := func(name string, value any) func(*signInDesk) {
		return func(d *signInDesk) { d.issuer.Twist(func(c map[string]any) { c[name] = value }) }
	}
	without := func(name string) func(*signInDesk) {
		return func(d *signInDesk) { d.issuer.Twist(func(c map[string]any) { delete(c, name) }) }
	}
	answer := func(name, value string) func(*signInDesk) {
		return func(d *signInDesk) { d.issuer.Bend(func(q url.Values) { q.Set(name, value) }) }
	}
	cases := map[string]struct {
		do   func(*signInDesk)
		want gateway.Code
	}{
		"a wrong state":               {answer("state", "x"), gateway.CodeUnauthenticated},
		"no state":                    {func(d *signInDesk) { d.issuer.Bend(func(q url.Values) { q.Del("state") }) }, gateway.CodeUnauthenticated},
		"two states":                  {func(d *signInDesk) { d.issuer.Bend(func(q url.Values) { q.Add("state", "x") }) }, gateway.CodeUnauthenticated},
		"an answer of another issuer": {answer("iss", "https://boese.example"), gateway.CodeUnauthenticated},
		"an answer without issuer":    {func(d *signInDesk) { d.issuer.Bend(func(q url.Values) { q.Del("iss") }) }, gateway.CodeUnauthenticated},
		"a made-up code":              {answer("code", "ABC"), gateway.CodeUnauthenticated},
		"an error":                    {answer("error", "server_error"), gateway.CodeUnauthenticated},
		"nobody signs in":             {func(d *signInDesk) { d.issuer.Visitor(nil) }, gateway.CodeUnauthenticated},
		"another nonce":               {with("nonce", "x"), gateway.CodeUnauthenticated},
		"no nonce":                    {without("nonce"), gateway.CodeUnauthenticated},
		"another audience":            {with("aud", "andere"), gateway.CodeUnauthenticated},
		"audiences without azp":       {with("aud", []string{clientID, "andere"}), gateway.CodeUnauthenticated},
		"another party":               {with("azp", "andere"), gateway.CodeUnauthenticated},
		"a token of another issuer":   {with("iss", "https://boese.example"), gateway.CodeUnauthenticated},
		"an expired token":            {with("exp", time.Now().Add(-10*time.Minute).Unix()), gateway.CodeUnauthenticated},
		"an old token":                {with("iat", time.Now().Add(-2*time.Hour).Unix()), gateway.CodeUnauthenticated},
		"a token of tomorrow":         {with("iat", time.Now().Add(time.Hour).Unix()), gateway.CodeUnauthenticated},
		"a token without end":         {without("exp"), gateway.CodeUnauthenticated},
		"a token of nobody":           {without("sub"), gateway.CodeUnauthenticated},
		"no role":                     {without("realm_access"), gateway.CodeDenied},
		"another role":                {with("realm_access", map[string]any{"roles": []string{"admin"}}), gateway.CodeDenied},
		"roles that are none":         {with("realm_access", map[string]any{"roles": 7}), gateway.CodeDenied},
		"no tenant":                   {without("ou"), gateway.CodeDenied},
		"a tenant that is away":       {with("ou", "Alt"), gateway.CodeDenied},
		"an unknown tenant":           {with("ou", "Gemeinde Lohe 2"), gateway.CodeDenied},
		"a tenant as a list":          {with("ou", []string{"Gemeinde Lohe"}), gateway.CodeDenied},
		"a key of somebody else": {func(d *signInDesk) {
			d.issuer.Register(d.t, identitytest.SignInClient{ID: clientID, Secret: "geheim & mehr", RedirectURI: d.url + "/login/callback"}, identitytest.NewIssuerKey(d.t, "k1", "ES256"), d.now)
			d.issuer.Visitor(auditor())
		}, gateway.CodeUnauthenticated},
		"a wrong client secret": {func(d *signInDesk) {
			d.issuer.Register(d.t, identitytest.SignInClient{ID: clientID, Secret: "anderes", RedirectURI: d.url + "/login/callback"}, d.key, d.now)
			d.issuer.Visitor(auditor())
		}, gateway.CodeUnauthenticated},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openSignIn(t, nil)
			d.issuer.Visitor(auditor())
			c.do(d)
			_, err := d.signIn()
			if gateway.CodeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if c := d.browser.Jar.Cookies(mustParse(t, d.url)); len(c) != 0 {
				t.Errorf("cookies stay behind: %v", c)
			}
		})
	}
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// stopped is a browser that does not follow the last step by itself.
func (d *signInDesk) stopped(client *http.Client) (callback string) {
	d.t.Helper()
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/login/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return d.get(client, d.url+"/start")
}

func (d *signInDesk) outcome() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// A code is for the browser that began, works once, and only for a while.
func TestSignInBelongsToItsBrowser(t *testing.T) {
	t.Parallel()
	d := openSignIn(t, nil)
	d.issuer.Visitor(auditor())
	callback := d.stopped(d.browser)

	other := d.newBrowser()
	if d.get(other, callback); gateway.CodeOf(d.outcome()) != gateway.CodeUnauthenticated {
		t.Errorf("another browser finished the sign-in: %v", d.outcome())
	}
	d.stopped(other)
	if d.get(other, callback); gateway.CodeOf(d.outcome()) != gateway.CodeUnauthenticated {
		t.Errorf("a code got into the sign-in of another browser: %v", d.outcome())
	}

	attempt := d.browser.Jar.Cookies(mustParse(t, d.url))
	if d.get(d.browser, callback); d.outcome() != nil {
		t.Fatal(d.outcome())
	}
	d.browser.Jar.SetCookies(mustParse(t, d.url), attempt) // the thief has even the cookie
	if d.get(d.browser, callback); gateway.CodeOf(d.outcome()) != gateway.CodeUnauthenticated {
		t.Errorf("a code worked twice: %v", d.outcome())
	}
	if refused := d.issuer.Refused(); len(refused) == 0 || refused[len(refused)-1] != "code used twice" {
		t.Errorf("the provider refused %v", refused)
	}

	late := d.newBrowser()
	callback = d.stopped(late)
	d.pass(11 * time.Minute)
	if d.get(late, callback); gateway.CodeOf(d.outcome()) != gateway.CodeUnauthenticated {
		t.Errorf("a sign-in was finished after 11 minutes: %v", d.outcome())
	}
}

func TestSignInWhileTheProviderIsAway(t *testing.T) {
	t.Parallel()
	d := openSignIn(t, nil)
	d.issuer.Visitor(auditor())
	callback := d.stopped(d.browser)
	d.issuer.Away(true)
	if d.get(d.browser, callback); gateway.CodeOf(d.outcome()) != gateway.CodeUnavailable {
		t.Errorf("without a provider: %v", d.outcome())
	}
}

// A cookie that somebody planted before the sign-in opens nothing afterwards.
func TestSessionIsNotFixed(t *testing.T) {
	t.Parallel()
	s := identity.OpenSessions(identity.SessionConfig{Store: statetest.Memory(), Secure: true})
	begin := func(r *http.Request, name string) *http.Request {
		w := httptest.NewRecorder()
		if err := s.Begin(w, r, identity.Person{Name: name, Operator: true}, ""); err != nil {
			t.Fatal(err)
		}
		next := httptest.NewRequest(http.MethodGet, "/", nil)
		cookies := w.Result().Cookies()
		c := cookies[len(cookies)-1]
		if c.Name != "__Host-schleuse_sitzung" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %s", c)
		}
		next.AddCookie(c)
		return next
	}
	planted := begin(httptest.NewRequest(http.MethodGet, "/", nil), "Dieb")
	victim := begin(planted, "Kim")
	if p, err := s.Person(victim); err != nil || p.Name != "Kim" {
		t.Errorf("the person is %+v, %v", p, err)
	}
	if _, err := s.Person(planted); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("the planted cookie still works: %v", err)
	}
}

// Two replicas share sessions: what one ends has ended at the other.
func TestSessionsOfTwoReplicas(t *testing.T) {
	t.Parallel()
	store, clock := statetest.Memory(), time.Now()
	now := func() time.Time { return clock }
	one := identity.OpenSessions(identity.SessionConfig{Store: store, Now: now})
	two := identity.OpenSessions(identity.SessionConfig{Store: store, Now: now})
	ticket := login(t, one, identity.Person{Tenant: "lohe", Name: "Kim"})
	w := httptest.NewRecorder()
	if _, err := two.SignIn(w, httptest.NewRequest(http.MethodGet, "/login", nil), ticket); err != nil {
		t.Fatal(err)
	}
	if _, err := one.SignIn(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/login", nil), ticket); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("the ticket worked at the other replica again: %v", err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(w.Result().Cookies()[0])
	for _, wait := range []time.Duration{0, 20 * time.Minute, 20 * time.Minute} { // in use
		clock = clock.Add(wait)
		if _, err := one.Person(r); err != nil {
			t.Fatalf("after %s: %v", wait, err)
		}
	}
	if fresh, err := one.Mark(r, "entry/1", 30*time.Minute); err != nil || !fresh {
		t.Errorf("mark: %v, %v", fresh, err)
	}
	if fresh, err := two.Mark(r, "entry/1", 30*time.Minute); err != nil || fresh {
		t.Errorf("the same mark: %v, %v", fresh, err)
	}
	if there, err := two.Marked(r, "entry/2"); err != nil || there {
		t.Errorf("another mark: %v, %v", there, err)
	}
	clock = clock.Add(29 * time.Minute)
	if there, err := two.Marked(r, "entry/1"); err != nil || !there {
		t.Errorf("the mark after 29 minutes: %v, %v", there, err)
	}
	if _, err := two.Person(r); err != nil { // renews
		t.Fatal(err)
	}
	clock = clock.Add(2 * time.Minute)
	if there, err := one.Marked(r, "entry/1"); err != nil || there {
		t.Errorf("the mark after 31 minutes: %v, %v", there, err)
	}
	if _, err := two.SignOut(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Person(r); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("after signing out at the other replica: %v", err)
	}
}

// Idle sessions end, and used ones after a working day.
func TestSessionOfAPersonEnds(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	s := identity.OpenSessions(identity.SessionConfig{Store: statetest.Memory(), Now: func() time.Time { return clock }})
	_, idle := signedIn(t, s, "")
	clock = clock.Add(31 * time.Minute)
	if _, err := s.Person(idle); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("after 31 minutes without a page: %v", err)
	}
	_, used := signedIn(t, s, "")
	for range 8*60/25 + 1 {
		if _, err := s.Person(used); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(25 * time.Minute)
	}
	if _, err := s.Person(used); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("after more than 8 hours: %v", err)
	}
}

func TestSignInConfiguration(t *testing.T) {
	t.Parallel()
	good := identity.SignIn{
		Issuer: "https://id.example", ClientID: "x", Roles: identity.SignInRoles{Claim: "r", Map: map[string]string{"a": identity.RoleRevision}},
		Tenant: identity.SignInTenant{ID: "lohe"},
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*identity.SignIn)
		want   string
	}{
		"no issuer":     {func(s *identity.SignIn) { s.Issuer = "" }, "sign_in.issuer"},
		"http":          {func(s *identity.SignIn) { s.Issuer = "http://id.example" }, "sign_in.issuer"},
		"no client":     {func(s *identity.SignIn) { s.ClientID = "" }, "sign_in.client_id"},
		"no roles":      {func(s *identity.SignIn) { s.Roles.Map = nil }, "sign_in.roles"},
		"unknown role":  {func(s *identity.SignIn) { s.Roles.Map = map[string]string{"a": "chef"} }, "sign_in.roles.map.a"},
		"two tenants":   {func(s *identity.SignIn) { s.Tenant.Claim = "ou" }, "sign_in.tenant"},
		"no tenant":     {func(s *identity.SignIn) { s.Tenant.ID = "" }, "sign_in.tenant"},
		"no map":        {func(s *identity.SignIn) { s.Tenant = identity.SignInTenant{Claim: "ou"} }, "sign_in.tenant.map"},
		"half operator": {func(s *identity.SignIn) { s.Operators.Values = []string{"x"} }, "sign_in.operators"},
		"none":          {func(s *identity.SignIn) { s.Algorithms = []string{"none"} }, "sign_in.algorithms[0]"},
	} {
		s := good
		c.change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v does not name %s", name, err, c.want)
		}
	}
}
