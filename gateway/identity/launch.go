// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Times of a launch.
const (
	ticketLife = time.Minute
	panelIdle  = 30 * time.Minute
	panelLife  = 8 * time.Hour
	panelRenew = time.Minute // how often the cookie is written anew
)

// maxPanelCookie leaves room for the name and what stands beside it: browsers
// drop cookies above 4096 bytes.
const maxPanelCookie = 3800

// LaunchConfig holds what launches need. Store, Directory and Key are required.
type LaunchConfig struct {
	Store TicketStore
	// Directory is the current snapshot.
	Directory func() *Directory
	// Key seals tickets and sessions, at least 32 bytes, the same on all replicas.
	Key []byte
	// Origins are the pages that may show the panel in a frame.
	Origins []string
	// Narrow are those of them that a tenant permits, nil: all.
	Narrow func(gateway.TenantID) []string
	// Secure demands https; only a demo on the loopback address goes without. Then
	// the cookie is neither partitioned nor sent to frames of other sites.
	Secure bool
	Now    func() time.Time
}

// Launches lets a Fachverfahren open the panel for one of its persons and one
// case: it gets a ticket for its key, hands the address to the person's browser,
// and the browser swaps the ticket for a session. A session is a sealed cookie,
// valid on every replica; it ends with its tenant, its system and the key that
// asked for it. It opens panel pages only, and only this case.
type Launches struct {
	config LaunchConfig
	aead   cipher.AEAD
}

// NewLaunches checks the configuration.
func NewLaunches(c LaunchConfig) (*Launches, error) {
	if c.Store == nil || c.Directory == nil || len(c.Key) < 32 {
		return nil, errors.New("launches: Store, Directory and a Key of at least 32 bytes are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	aead, err := sealer(digest(c.Key, "panel session", ""))
	return &Launches{config: c, aead: aead}, err
}

func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("prepare cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("prepare cipher: %w", err)
	}
	return aead, nil
}

// Pages a ticket can open.
const (
	PageCheck = "check"
	PageDraft = "draft"
)

// LaunchWish is what a Fachverfahren asks for.
type LaunchWish struct {
	Page    string
	Case    string
	Service gateway.ServiceID
	// Name of the person as the Fachverfahren knows them.
	Name string
	// Roles and Principals are some of the caller's. Roles not given: the role
	// sachbearbeitung; principals not given: none.
	Roles      []string
	Principals []gateway.Principal
	// Origin of the page that shows the panel in a frame; empty: none, it is
	// opened by itself.
	Origin string
}

// Launch is a session of the panel.
type Launch struct {
	ID      string
	Page    string
	Case    string
	Service gateway.ServiceID
	Origin  string
	// Caller is what the person's requests are made as.
	Caller gateway.Caller
	// By is how the system proved who it is when it asked.
	By          string
	Began, Seen time.Time
	// Ticket is a digest of the ticket, to recognise a page that is loaded again.
	Ticket string
}

// launchBody is a Launch as it is sealed. The scopes of a key or a certificate
// are not in it: they are looked up with each request.
type launchBody struct {
	ID         string              `json:"i"`
	Page       string              `json:"p"`
	Case       string              `json:"c"`
	Service    gateway.ServiceID   `json:"s,omitempty"`
	Origin     string              `json:"o,omitempty"`
	By         string              `json:"b"`
	Began      time.Time           `json:"t"`
	Seen       time.Time           `json:"l"`
	Ticket     string              `json:"d"`
	Tenant     gateway.TenantID    `json:"m"`
	System     gateway.SystemID    `json:"v"`
	KeyID      string              `json:"k"`
	User       string              `json:"u"`
	Roles      []string            `json:"r"`
	Principals []gateway.Principal `json:"g,omitempty"`
	Scopes     *launchScopes       `json:"x,omitempty"`
}

// launchScopes are those of a token, which are written down nowhere else.
type launchScopes struct {
	Purposes       []gateway.Purpose   `json:"p,omitempty"`
	DefaultPurpose gateway.Purpose     `json:"d,omitempty"`
	Services       []gateway.ServiceID `json:"s,omitempty"`
	Models         []gateway.ModelID   `json:"m,omitempty"`
	Sources        []string            `json:"q,omitempty"`
}

func encodeLaunch(l *Launch) ([]byte, error) {
	c := &l.Caller
	b := launchBody{
		ID: l.ID, Page: l.Page, Case: l.Case, Service: l.Service, Origin: l.Origin, By: l.By, Began: l.Began, Seen: l.Seen, Ticket: l.Ticket,
		Tenant: c.Tenant, System: c.System, KeyID: c.KeyID, User: c.User, Roles: c.Roles, Principals: c.Principals,
	}
	if l.By == "oidc" {
		b.Scopes = &launchScopes{c.Purposes, c.DefaultPurpose, c.Services, c.Models, c.Sources}
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode launch: %w", err)
	}
	return raw, nil
}

func decodeLaunch(raw []byte) (*Launch, error) {
	var b launchBody
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("decode launch: %w", err)
	}
	l := &Launch{ID: b.ID, Page: b.Page, Case: b.Case, Service: b.Service, Origin: b.Origin, By: b.By, Began: b.Began, Seen: b.Seen, Ticket: b.Ticket}
	l.Caller = gateway.Caller{Tenant: b.Tenant, System: b.System, KeyID: b.KeyID, User: b.User, Roles: b.Roles, Principals: b.Principals, Auth: "ticket"}
	if s := b.Scopes; s != nil {
		c := &l.Caller
		c.Purposes, c.DefaultPurpose, c.Services, c.Models, c.Sources = s.Purposes, s.DefaultPurpose, s.Services, s.Models, s.Sources
	}
	return l, nil
}

// Person is who the session is for.
func (l *Launch) Person() Person {
	return Person{Tenant: l.Caller.Tenant, Name: l.Caller.User, Roles: l.Caller.Roles, Principals: l.Caller.Principals, Launch: l}
}

// Concerns reports whether a case is the one the session is for.
func (l *Launch) Concerns(number string) bool { return l == nil || l.Case == number }

// Issue makes a ticket for a caller's person. It gives no right that the caller
// has not.
func (l *Launches) Issue(ctx context.Context, caller gateway.Caller, w LaunchWish) (ticket string, until time.Time, err error) {
	if err := l.check(caller, &w); err != nil {
		return "", time.Time{}, err
	}
	now := l.config.Now()
	ticket, until = base64.RawURLEncoding.EncodeToString(random(32)), now.Add(ticketLife)
	launch := Launch{
		ID: hex.EncodeToString(random(12)), Page: w.Page, Case: w.Case, Service: w.Service, Origin: w.Origin,
		Caller: caller, By: caller.Auth, Began: now, Seen: now, Ticket: l.digestOf(ticket),
	}
	launch.Caller.Auth, launch.Caller.User = "ticket", w.Name
	launch.Caller.Roles, launch.Caller.Principals = w.Roles, w.Principals
	if _, ok := l.current(&launch); !ok {
		return "", time.Time{}, denied("Startkarten gibt es für Fachverfahren, die sich mit Schlüssel, Zertifikat oder Zugriffstoken ausweisen.")
	}
	raw, err := encodeLaunch(&launch)
	if err != nil {
		return "", time.Time{}, err
	}
	if len(l.seal(raw)) > maxPanelCookie {
		return "", time.Time{}, invalid("person", "Die Angaben sind zusammen zu groß für eine Sitzung.")
	}
	aead, err := l.ticketSealer(ticket)
	if err != nil {
		return "", time.Time{}, err
	}
	err = l.config.Store.PutTicket(ctx, Ticket{
		Digest: launch.Ticket, Scope: string(caller.Tenant) + "/" + string(caller.System), Until: until,
		Body: aead.Seal(nil, nil, raw, []byte(launch.Ticket)), //nolint:gosec // makes its own nonce
	}, now)
	if err != nil {
		return "", time.Time{}, kept("keep ticket", err)
	}
	return ticket, until, nil
}

// kept passes on what stores say to callers, and says of everything else that it
// is our fault.
func kept(op string, err error) error {
	if _, ok := errors.AsType[*gateway.Error](err); ok {
		return err
	}
	return &gateway.Error{
		Op: op, Code: gateway.CodeUnavailable, RetryAfter: 10 * time.Second, Err: err,
		Message: "Startkarten sind gerade nicht möglich: Die Datenbank antwortet nicht.",
	}
}

// check refuses what the caller may not hand on.
func (l *Launches) check(caller gateway.Caller, w *LaunchWish) error {
	if caller.Channel != gateway.ChannelCaseworker {
		return denied("Startkarten gibt es nur für Fachverfahren der Sachbearbeitung.")
	}
	if w.Roles == nil {
		w.Roles = []string{RoleCase}
	}
	if w.Page != PageCheck && w.Page != PageDraft {
		return invalid("page", "Erwartet wird check oder draft.")
	}
	for _, field := range [...]struct{ path, text string }{{"case", w.Case}, {"person.name", w.Name}} {
		if strings.TrimSpace(field.text) == "" || !plain(field.text) {
			return invalid(field.path, fmt.Sprintf("Erwartet wird ein Text von 1 bis %d Zeichen ohne Steuerzeichen.", maxText))
		}
	}
	if !plain(string(w.Service)) {
		return invalid("service", "Diese Leistung gibt es nicht.")
	}
	if len(caller.Services) > 0 && w.Service != "" && !slices.Contains(caller.Services, w.Service) {
		return deniedAt("service", "Der Schlüssel ist für diese Leistung nicht freigegeben.")
	}
	for i, role := range w.Roles {
		if !slices.Contains(caller.Roles, role) {
			return deniedAt(fmt.Sprintf("person.roles[%d]", i), "Das Fachverfahren hat diese Rolle selbst nicht.")
		}
	}
	if !slices.Contains(w.Roles, RoleCase) {
		return deniedAt("person.roles", "Die Seiten brauchen die Rolle sachbearbeitung.")
	}
	for i, p := range w.Principals {
		if !slices.Contains(caller.Principals, p) {
			return deniedAt(fmt.Sprintf("person.principals[%d]", i), "Das Fachverfahren liest selbst nicht mit diesem Recht.")
		}
	}
	if w.Origin != "" && !slices.Contains(l.config.Origins, w.Origin) {
		return deniedAt("return_origin", "Diese Adresse steht nicht unter frame_ancestors in der Konfiguration.")
	}
	if w.Origin != "" && l.config.Narrow != nil {
		if own := l.config.Narrow(caller.Tenant); own != nil && !slices.Contains(own, w.Origin) {
			return deniedAt("return_origin", "Der Mandant lässt seine Seiten an dieser Adresse nicht zeigen.")
		}
	}
	return nil
}

func deniedAt(path, message string) error {
	return &gateway.Error{Op: "issue ticket", Code: gateway.CodeDenied, Path: path, Message: message}
}

func (l *Launches) digestOf(ticket string) string {
	return hex.EncodeToString(digest(l.config.Key, "ticket", ticket))
}

// ticketSealer depends on the ticket's text, which is kept nowhere: neither the
// database nor the master secret opens what stands in it.
func (l *Launches) ticketSealer(ticket string) (cipher.AEAD, error) {
	return sealer(digest(l.config.Key, "ticket body", ticket))
}

// Redeem swaps a ticket for a session and sets its cookie. Only a browser that
// goes to the page takes the ticket (Fetch Metadata): programs that look at links
// in messages, and browsers that fetch ahead, leave it as it is. A page that is
// loaded again keeps its session.
func (l *Launches) Redeem(w http.ResponseWriter, r *http.Request, ticket string) (*Launch, error) {
	if err := navigation(r); err != nil {
		return nil, err
	}
	gone := &gateway.Error{Op: "redeem ticket", Code: gateway.CodeUnauthenticated, Message: "Die Startkarte gilt einmal und 60 Sekunden lang. Bitte öffnen Sie die Seite im Fachverfahren noch einmal."}
	if len(ticket) != base64.RawURLEncoding.EncodedLen(32) {
		return nil, gone
	}
	id := l.digestOf(ticket)
	if launch, ok := l.read(r); ok && hmac.Equal([]byte(launch.Ticket), []byte(id)) {
		return launch, nil
	}
	body, err := l.config.Store.TakeTicket(r.Context(), id, l.config.Now())
	switch {
	case gateway.CodeOf(err) == gateway.CodeNotFound:
		return nil, gone
	case err != nil:
		return nil, kept("redeem ticket", err)
	}
	aead, err := l.ticketSealer(ticket)
	if err != nil {
		return nil, err
	}
	raw, err := aead.Open(nil, nil, body, []byte(id))
	if err != nil {
		return nil, gone
	}
	launch, err := decodeLaunch(raw)
	if err != nil {
		return nil, err
	}
	if framed(r) && launch.Origin == "" {
		return nil, &gateway.Error{Op: "redeem ticket", Code: gateway.CodeDenied, Message: "Diese Startkarte ist nicht für einen Rahmen ausgestellt (return_origin)."}
	}
	launch.Began, launch.Seen = l.config.Now(), l.config.Now()
	now, ok := l.current(launch)
	if !ok {
		return nil, gone
	}
	return now, l.set(w, launch)
}

// navigation lets only those pass who go to a page in a window or a frame.
func navigation(r *http.Request) error {
	h := r.Header
	ahead := strings.Contains(h.Get("Sec-Purpose")+h.Get("Purpose")+h.Get("X-Moz"), "prefetch")
	page := h.Get("Sec-Fetch-Mode") == "navigate" && (h.Get("Sec-Fetch-Dest") == "document" || framed(r))
	if r.Method == http.MethodGet && page && !ahead {
		return nil
	}
	return &gateway.Error{Op: "redeem ticket", Code: gateway.CodeDenied, Message: "Diese Adresse lässt sich nur in einem Browser öffnen. Die Startkarte ist noch gültig."}
}

func framed(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Dest") == "iframe" || r.Header.Get("Sec-Fetch-Dest") == "frame"
}

// Launch is the session of a request. It is renewed while it is used.
func (l *Launches) Launch(w http.ResponseWriter, r *http.Request) (*Launch, bool) {
	launch, ok := l.read(r)
	if !ok {
		return nil, false
	}
	if now := l.config.Now(); now.Sub(launch.Seen) > panelRenew {
		launch.Seen = now
		if l.set(w, launch) != nil {
			return nil, false
		}
	}
	return launch, true
}

// Of is the session of a request, left as it is.
func (l *Launches) Of(r *http.Request) (*Launch, bool) { return l.read(r) }

func (l *Launches) read(r *http.Request) (*Launch, bool) {
	cookie, err := r.Cookie(l.cookie())
	if err != nil || len(cookie.Value) > maxPanelCookie {
		return nil, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value)
	if err != nil {
		return nil, false
	}
	raw, err := l.aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, false
	}
	launch, err := decodeLaunch(raw)
	if err != nil {
		return nil, false
	}
	now := l.config.Now()
	if now.Sub(launch.Seen) >= panelIdle || now.Sub(launch.Began) >= panelLife {
		return nil, false
	}
	return l.current(launch)
}

// current is a session with the rights its system has now; false: it has ended,
// because the tenant, the system, its key or its frame is not there any more.
func (l *Launches) current(launch *Launch) (*Launch, bool) {
	if launch.Origin != "" && !slices.Contains(l.config.Origins, launch.Origin) {
		return nil, false
	}
	rights, ok := l.config.Directory().rights(launch.Caller, launch.By)
	if !ok {
		return nil, false
	}
	now := *launch
	c := &now.Caller
	if launch.By != "oidc" {
		c.Roles, c.Principals = common(c.Roles, rights.Roles), common(c.Principals, rights.Principals)
		c.Purposes, c.DefaultPurpose = rights.Purposes, rights.DefaultPurpose
		c.Services, c.Models, c.Sources = rights.Services, rights.Models, rights.Sources
	}
	c.Channel, c.CostCentre = rights.Channel, rights.CostCentre
	return &now, true
}

// rights are what a system may that once proved who it is in some way; false: it
// could not do so now.
func (d *Directory) rights(c gateway.Caller, by string) (gateway.Caller, bool) {
	t, ok := d.byID[c.Tenant]
	if !ok || !t.Active {
		return gateway.Caller{}, false
	}
	s, ok := t.System(c.System)
	if !ok {
		return gateway.Caller{}, false
	}
	var e *entry
	switch by {
	case "oidc":
		c.Channel, c.CostCentre = s.Channel, cmp.Or(s.CostCentre, t.CostCentre)
		return c, true
	case "key":
		e = d.keys[c.KeyID]
	case "certificate":
		for i := range s.Certificates {
			if s.Certificates[i].keyID() == c.KeyID {
				e = d.shown[s.Certificates[i].name()]
			}
		}
	}
	if e == nil || e.locked || !e.expires.IsZero() && !d.now().Before(e.expires) || e.caller.Tenant != c.Tenant || e.caller.System != c.System {
		return gateway.Caller{}, false
	}
	return e.caller, true
}

func (l *Launches) seal(raw []byte) string {
	return base64.RawURLEncoding.EncodeToString(l.aead.Seal(nil, nil, raw, nil)) //nolint:gosec // makes its own nonce
}

func (l *Launches) set(w http.ResponseWriter, launch *Launch) error {
	raw, err := encodeLaunch(launch)
	if err != nil {
		return err
	}
	c := l.blank() //nolint:gosec // Secure except for a demo on the loopback address
	c.Value, c.MaxAge = l.seal(raw), int(panelIdle.Seconds())
	http.SetCookie(w, c)
	return nil
}

// End takes the session back from the browser.
func (l *Launches) End(w http.ResponseWriter) {
	c := l.blank() //nolint:gosec // Secure except for a demo on the loopback address
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// blank: in the frame of another site a browser keeps a cookie only when it is
// partitioned by that site (CHIPS), and that needs https.
func (l *Launches) blank() *http.Cookie {
	//nolint:gosec // in a frame of another site SameSite=None is the only way; CheckForm and Fetch Metadata guard the forms
	c := &http.Cookie{Name: l.cookie(), Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true}
	if !l.config.Secure {
		c.Secure, c.Partitioned, c.SameSite = false, false, http.SameSiteLaxMode
	}
	return c
}

func (l *Launches) cookie() string {
	if l.config.Secure {
		return "__Host-schleuse-panel"
	}
	return "schleuse-panel"
}

// FormToken stands in every form of a session. It differs from session to
// session, so that a form of one case cannot be sent under the cookie of another.
func (l *Launches) FormToken(launch *Launch) string {
	return base64.RawURLEncoding.EncodeToString(digest(l.config.Key, "form", launch.ID)[:18])
}

// CheckForm reports whether a form came from a page of this session.
func (l *Launches) CheckForm(launch *Launch, token string) bool {
	return hmac.Equal([]byte(l.FormToken(launch)), []byte(token))
}
