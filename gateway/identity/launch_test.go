// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

const wogaOrigin = "https://woga.example"

// landing is two replicas that share a store and a key, and change their tenants together.
type landing struct {
	replicas [2]*identity.Launches
	current  *identity.Directory
	caller   gateway.Caller
	clock    *clock
}

func openLanding(t *testing.T) *landing {
	t.Helper()
	l := &landing{clock: &clock{}}
	l.clock.at.Store(now.UnixNano())
	var key string
	l.current, key = setup(t, func(_ *identity.Tenant, k *identity.Key) {
		k.Roles, k.Services = []string{identity.RoleCase, identity.RoleRevision}, []gateway.ServiceID{"wohngeld"}
	})
	var err error
	if l.caller, err = l.current.Authenticate(t.Context(), request(key)); err != nil {
		t.Fatal(err)
	}
	store := identity.NewMemoryTickets()
	for i := range l.replicas {
		l.replicas[i], err = identity.NewLaunches(identity.LaunchConfig{
			Store: store, Directory: func() *identity.Directory { return l.current }, Key: pepper, Origins: []string{wogaOrigin}, Secure: true, Now: l.clock.now,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func wish() identity.LaunchWish {
	return identity.LaunchWish{Page: identity.PageCheck, Case: "WG-2026-1", Service: "wohngeld", Name: "Kim Yılmaz", Origin: wogaOrigin}
}

func (l *landing) ticket(t *testing.T, w identity.LaunchWish) string {
	t.Helper()
	ticket, until, err := l.replicas[0].Issue(t.Context(), l.caller, w)
	if err != nil {
		t.Fatal(err)
	}
	if life := until.Sub(l.clock.now()); life != time.Minute || len(ticket) != 43 {
		t.Fatalf("ticket of %d characters for %s", len(ticket), life)
	}
	return ticket
}

// change makes a new snapshot of the one tenant.
func (l *landing) change(t *testing.T, f func(*identity.Tenant)) {
	t.Helper()
	tenant := l.current.Tenants()[0]
	tenant.Systems = slices.Clone(tenant.Systems)
	tenant.Systems[0].Keys = slices.Clone(tenant.Systems[0].Keys)
	f(&tenant)
	var err error
	if l.current, err = identity.New(identity.Config{Tenants: []identity.Tenant{tenant}, Pepper: pepper, Now: l.clock.now}); err != nil {
		t.Fatal(err)
	}
}

// visit is a browser that goes to the page in a frame.
func visit(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/panel/launch", nil)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "iframe")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (l *landing) redeem(t *testing.T, ticket string, r *http.Request) (*http.Cookie, error) {
	t.Helper()
	w := httptest.NewRecorder()
	if _, err := l.replicas[1].Redeem(w, r, ticket); err != nil {
		return nil, err
	}
	cookies := w.Result().Cookies()
	if len(cookies) == 0 {
		return nil, nil //nolint:nilnil // the session that there was
	}
	return cookies[0], nil
}

func (l *landing) session(c *http.Cookie) (*identity.Launch, bool) {
	r := visit()
	r.AddCookie(c)
	return l.replicas[0].Of(r)
}

func TestLaunch(t *testing.T) {
	t.Parallel()
	l := openLanding(t)
	ticket := l.ticket(t, wish())
	cookie, err := l.redeem(t, ticket, visit())
	if err != nil {
		t.Fatal(err)
	}
	if cookie.Name != "__Host-schleuse-panel" || !cookie.Secure || !cookie.HttpOnly || !cookie.Partitioned || cookie.SameSite != http.SameSiteNoneMode || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("cookie %s", cookie)
	}
	if strings.Contains(cookie.Value, "Kim") || len(cookie.String()) > 4096 {
		t.Errorf("cookie of %d bytes shows the person", len(cookie.String()))
	}
	launch, ok := l.session(cookie) // at the other replica
	if !ok {
		t.Fatal("the other replica does not know the session")
	}
	c := launch.Person().Caller("anderes", gateway.PurposeChat, gateway.PurposeSummarise)
	if c.Tenant != "tannberg" || c.System != "woga" || c.KeyID != l.caller.KeyID || c.User != "Kim Yılmaz" || c.Auth != "ticket" ||
		!slices.Equal(c.Roles, []string{identity.RoleCase}) || len(c.Principals) != 0 || !slices.Equal(c.Purposes, []gateway.Purpose{gateway.PurposeChat}) {
		t.Errorf("caller %+v is not kim with the rights of WOGA", c)
	}
	if _, err := l.redeem(t, ticket, visit()); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("the ticket a second time: %v", err)
	}
	again := visit()
	again.AddCookie(cookie)
	if c, err := l.redeem(t, ticket, again); err != nil || c != nil {
		t.Errorf("the page loaded again by the same browser: %v, %v, want the session it has", c, err)
	}
	other := visit()
	other.AddCookie(cookie)
	if _, err := l.redeem(t, strings.Repeat("A", 43), other); err == nil {
		t.Error("an unknown ticket led to the session of another case")
	}
}

// Whoever looks at links leaves the ticket as it is.
func TestOnlyABrowserTakesATicket(t *testing.T) {
	t.Parallel()
	l := openLanding(t)
	ticket := l.ticket(t, wish())
	head := visit()
	head.Method = http.MethodHead
	for name, r := range map[string]*http.Request{
		"a program":        visit("Sec-Fetch-Mode", "", "Sec-Fetch-Dest", ""),
		"fetch of a page":  visit("Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"),
		"a picture":        visit("Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"),
		"an embed":         visit("Sec-Fetch-Dest", "embed"),
		"fetched ahead":    visit("Sec-Purpose", "prefetch;prerender"),
		"HEAD":             head,
		"old, fetch ahead": visit("Purpose", "prefetch"),
	} {
		if _, err := l.redeem(t, ticket, r); gateway.CodeOf(err) != gateway.CodeDenied {
			t.Errorf("%s: %v, want denied", name, err)
		}
	}
	if _, err := l.redeem(t, ticket, visit("Sec-Fetch-Dest", "document")); err != nil {
		t.Errorf("after all that a browser: %v", err)
	}
}

func TestTicketEnds(t *testing.T) {
	t.Parallel()
	l := openLanding(t)
	ticket := l.ticket(t, wish())
	l.clock.forward(time.Minute)
	if _, err := l.redeem(t, ticket, visit()); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("after 60 s: %v", err)
	}
	alone := wish()
	alone.Origin = ""
	if _, err := l.redeem(t, l.ticket(t, alone), visit()); gateway.CodeOf(err) != gateway.CodeDenied {
		t.Errorf("a ticket for no frame in a frame: %v", err)
	}
}

func TestTicketGivesNoMoreThanTheCallerHas(t *testing.T) {
	t.Parallel()
	l := openLanding(t)
	for name, c := range map[string]struct {
		change func(*identity.LaunchWish)
		path   string
	}{
		"role":      {func(w *identity.LaunchWish) { w.Roles = []string{identity.RoleCase, identity.RoleOperator} }, "person.roles[1]"},
		"no role":   {func(w *identity.LaunchWish) { w.Roles = []string{} }, "person.roles"},
		"principal": {func(w *identity.LaunchWish) { w.Principals = []gateway.Principal{"group:bau"} }, "person.principals[0]"},
		"service":   {func(w *identity.LaunchWish) { w.Service = "elterngeld" }, "service"},
		"origin":    {func(w *identity.LaunchWish) { w.Origin = "https://angreifer.example" }, "return_origin"},
		"page":      {func(w *identity.LaunchWish) { w.Page = "admin" }, "page"},
		"case":      {func(w *identity.LaunchWish) { w.Case = " " }, "case"},
		"name":      {func(w *identity.LaunchWish) { w.Name = "a\nb" }, "person.name"},
	} {
		w := wish()
		c.change(&w)
		_, _, err := l.replicas[0].Issue(t.Context(), l.caller, w)
		if e, ok := err.(*gateway.Error); !ok || e.Path != c.path { //nolint:errorlint // returned as it is
			t.Errorf("%s: %v, want an error at %s", name, err, c.path)
		}
	}
	for name, change := range map[string]func(*gateway.Caller){
		"a session makes no tickets": func(c *gateway.Caller) { c.Auth = "session" },
		"nor does a ticket":          func(c *gateway.Caller) { c.Auth = "ticket" },
		"nor a portal of citizens":   func(c *gateway.Caller) { c.Channel = gateway.ChannelCitizen },
		"nor a key unknown here":     func(c *gateway.Caller) { c.KeyID = "aaaaaaaa" },
	} {
		caller := l.caller
		change(&caller)
		if _, _, err := l.replicas[0].Issue(t.Context(), caller, wish()); gateway.CodeOf(err) != gateway.CodeDenied {
			t.Errorf("%s: %v, want denied", name, err)
		}
	}
}

// A session ends by itself, and with what it came from.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*landing){
		"idle":         func(l *landing) { l.clock.forward(30 * time.Minute) },
		"tenant off":   func(l *landing) { l.change(t, func(tn *identity.Tenant) { tn.Active = false }) },
		"key locked":   func(l *landing) { l.change(t, func(tn *identity.Tenant) { tn.Systems[0].Keys[0].RevokedAt = now }) },
		"key gone":     func(l *landing) { l.change(t, func(tn *identity.Tenant) { tn.Systems[0].Keys = nil }) },
		"system gone":  func(l *landing) { l.change(t, func(tn *identity.Tenant) { tn.Systems = nil }) },
		"other tenant": func(l *landing) { l.change(t, func(tn *identity.Tenant) { tn.ID = "lohe" }) },
	} {
		l := openLanding(t)
		cookie, err := l.redeem(t, l.ticket(t, wish()), visit())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := l.session(cookie); !ok {
			t.Fatalf("%s: no session before", name)
		}
		end(l)
		if launch, ok := l.session(cookie); ok {
			t.Errorf("%s: session %+v is still there", name, launch)
		}
	}
	l := openLanding(t)
	cookie, err := l.redeem(t, l.ticket(t, wish()), visit())
	if err != nil {
		t.Fatal(err)
	}
	alive := 0
	for range 40 { // used every 20 minutes
		l.clock.forward(20 * time.Minute)
		r, w := visit(), httptest.NewRecorder()
		r.AddCookie(cookie)
		if _, ok := l.replicas[0].Launch(w, r); !ok {
			break
		}
		cookie = w.Result().Cookies()[0]
		alive++
	}
	if alive != 23 {
		t.Errorf("a session in use lived through %d times 20 minutes, want 23: less than eight hours", alive)
	}
}

func TestForgedSession(t *testing.T) {
	t.Parallel()
	l := openLanding(t)
	cookie, err := l.redeem(t, l.ticket(t, wish()), visit())
	if err != nil {
		t.Fatal(err)
	}
	launch, _ := l.session(cookie)
	other, err := l.redeem(t, l.ticket(t, wish()), visit())
	if err != nil {
		t.Fatal(err)
	}
	second, _ := l.session(other)
	token := l.replicas[0].FormToken(launch)
	if !l.replicas[1].CheckForm(launch, token) || l.replicas[0].CheckForm(second, token) || l.replicas[0].CheckForm(launch, "") {
		t.Error("the token of a form must fit its own session and no other")
	}
	for i := range len(cookie.Value) {
		forged := *cookie
		c := byte('A')
		if cookie.Value[i] == c {
			c = 'B'
		}
		forged.Value = cookie.Value[:i] + string(c) + cookie.Value[i+1:]
		if _, ok := l.session(&forged); ok {
			t.Fatalf("the cookie with another letter at %d was taken", i)
		}
	}
	for _, value := range []string{"", "AAAA", strings.Repeat("A", 5000), cookie.Value[:40]} {
		forged := *cookie
		forged.Value = value
		if _, ok := l.session(&forged); ok {
			t.Errorf("the cookie %.10q was taken", value)
		}
	}
}

func TestPlainCookieOnLoopback(t *testing.T) {
	t.Parallel()
	l := openLanding(t)
	plain, err := identity.NewLaunches(identity.LaunchConfig{
		Store: identity.NewMemoryTickets(), Directory: func() *identity.Directory { return l.current }, Key: pepper, Origins: []string{wogaOrigin}, Now: l.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ticket, _, err := plain.Issue(t.Context(), l.caller, wish())
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := plain.Redeem(w, visit(), ticket); err != nil {
		t.Fatal(err)
	}
	if c := w.Result().Cookies()[0]; c.Name != "schleuse-panel" || c.Secure || c.Partitioned || c.SameSite != http.SameSiteLaxMode || !c.HttpOnly {
		t.Errorf("cookie %s", c)
	}
}
