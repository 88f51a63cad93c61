// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package ui is the pages: the decision log for administrators and auditors and
// the panel for caseworkers. They are rendered on the server, work without
// JavaScript and under a strict Content-Security-Policy. It decides nothing and
// keeps no content; it shows what audit, completeness and drafting return.
// Start at the list of routes in [UI.Handler].
package ui

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/approval"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Records is what the pages need of the record.
type Records interface {
	List(ctx context.Context, f audit.Filter) (audit.Page, error)
	Each(ctx context.Context, f audit.Filter, do func(audit.Item) error) error
	Show(ctx context.Context, scope audit.Scope, id string) (audit.Entry, error)
	Verify(ctx context.Context, earlier ...[]byte) (audit.VerifyReport, error)
	Export(ctx context.Context, w io.Writer, f audit.Filter) error
	Note(ctx context.Context, n audit.Note) error
	Notes(ctx context.Context, f audit.NoteFilter) (audit.NotePage, error)
	PublicKeys() []string
}

// Rule is a rule of the policies as the pages explain it.
type Rule struct{ ID, Title, EnglishTitle, Basis, Text, English string }

// Config holds what the pages show and whom they serve.
type Config struct {
	Sessions *identity.Sessions
	// SignIn is the OpenID provider at which persons sign in; nil: only one-time
	// links open the pages.
	SignIn *identity.OpenID
	// State keeps saved filters; nil: none can be saved.
	State state.Store
	// Launches opens the panel for persons of a Fachverfahren; nil: it does not.
	Launches *identity.Launches
	// Directory knows the tenants.
	Directory interface {
		Tenant(id gateway.TenantID) (identity.Tenant, bool)
		Tenants() []identity.Tenant
	}
	Records Records
	// Pseudonymise names persons and file numbers in notes; required where notes
	// are written.
	Pseudonymise func(tenant gateway.TenantID, kind, value string) gateway.Pseudonym
	// Rules are all rules in force, Revision the name of their state.
	Rules    func() []Rule
	Revision func() string
	// Replays decide recorded questions again; nil: not offered.
	Replays Replays
	// Approvals is where people release results; nil: not offered.
	Approvals *approval.Desk
	// Contents opens what is kept of an entry; nil: it cannot be read on the pages.
	Contents Contents
	// Overview is what the first page shows beside the record.
	Overview Overview
	// Models are the cards of the catalogue, for names.
	Models []gateway.ModelCard
	// Panel serves the caseworker's pages; nil: they are not offered.
	Panel *Panel
	// Policies serves the pages of policies and of the record's proof; nil: they do not exist.
	Policies *PolicyPages
	// Register are the pages of what is documented and set up; nil: they are not offered.
	Register *RegisterPages
	// Operator is shown under the product's name.
	Operator string
	// FrameAncestors are the origins whose pages may show the panel in a frame,
	// such as https://woga.example; none by default. The other pages never.
	FrameAncestors []string
	// Demo marks every page as a demonstration with invented data.
	Demo   bool
	Now    func() time.Time
	Logger *slog.Logger
}

// UI serves the pages.
type UI struct {
	Config
	templates map[string]parsing
	static    *assets
	locale    locale
	zone      *time.Location
	verified  *verification
}

// New parses every template and checks every asset; a mistake is found here.
func New(c Config) (*UI, error) {
	if c.Sessions == nil || c.Directory == nil || c.Records == nil || c.Rules == nil {
		return nil, errors.New("ui: Sessions, Directory, Records and Rules are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	for _, origin := range c.FrameAncestors {
		if err := exactOrigin(origin); err != nil {
			return nil, fmt.Errorf("ui: FrameAncestors: %w", err)
		}
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return nil, fmt.Errorf("load time zone: %w", err)
	}
	if c.Panel != nil && c.Panel.Shelf == nil {
		panel := *c.Panel
		panel.Shelf = shelf.Memory(2000, c.Now)
		c.Panel = &panel
	}
	u := &UI{Config: c, zone: zone, verified: &verification{}}
	if u.static, err = newAssets(); err != nil {
		return nil, err
	}
	if u.locale, err = newLocale(); err != nil {
		return nil, err
	}
	return u, u.readTemplates()
}

// exactOrigin accepts scheme and host, no path and no wildcard.
func exactOrigin(origin string) error {
	parsed, err := url.Parse(origin)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" || parsed.Scheme+"://"+parsed.Host != origin ||
		strings.ContainsAny(origin, "*;, '\"") {
		return fmt.Errorf("%q is no exact origin such as https://host", origin)
	}
	return nil
}

// Handler serves the routes of routes.go.
func (u *UI) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/{hash}/{name}", u.static)
	for _, r := range u.routes() {
		if len(r.roles) == 0 {
			mux.Handle(r.pattern, u.page(r.handle))
			continue
		}
		mux.Handle(r.pattern, u.roles(r.roles...)(r.handle))
	}
	mux.Handle("/", u.page(u.notFound))
	return http.NewCrossOriginProtection().Handler(mux)
}

// Routes lists what there is: method, path and the roles of which one is needed.
func (u *UI) Routes() map[string][]string {
	out := map[string][]string{}
	for _, r := range u.routes() {
		out[r.pattern] = slices.Clone(r.roles)
	}
	return out
}

// handler is a page: it writes its answer or returns an error for the error page.
type handler func(w http.ResponseWriter, r *http.Request) error

// page wraps what all pages share: headers and errors.
func (u *UI) page(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.secure(w.Header(), r.URL.Path)
		err := readForm(w, r)
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			u.fail(w, r, err)
		}
	})
}

const (
	maxForm   = 1 << 20
	maxUpload = 64 << 20
	maxQuery  = 2000
)

// readForm reads a plain form whole, within its bound. Forms with files are read
// where files are wanted, in their own bound.
func readForm(w http.ResponseWriter, r *http.Request) error {
	if len(r.URL.RawQuery) > maxQuery {
		return invalid("", "Die Adresse ist zu lang.")
	}
	if r.Method == http.MethodPost && (r.URL.Path == checkPath || r.URL.Path == proposalsPath && isMultipart(r)) {
		r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	return formError(r.ParseForm())
}

// formError keeps what the person can do something about.
func formError(err error) error {
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return invalid("", "Das Formular konnte nicht gelesen werden. Bitte senden Sie es noch einmal ab.")
}

// roles lets persons with one of the roles pass.
func (u *UI) roles(roles ...string) func(handler) http.Handler {
	return func(h handler) http.Handler {
		return u.page(func(w http.ResponseWriter, r *http.Request) error {
			if fetchedAhead(r) {
				return notAhead()
			}
			person, err := u.enter(w, r)
			if err != nil {
				return err
			}
			if !person.Has(roles...) {
				return &gateway.Error{Op: "open page", Code: gateway.CodeDenied, Message: "Ihre Rolle erlaubt diese Seite nicht."}
			}
			r = r.WithContext(context.WithValue(r.Context(), personKey{}, person))
			if err := u.ownForm(r); err != nil {
				return err
			}
			return h(w, r)
		})
	}
}

type personKey struct{}

func personOf(r *http.Request) identity.Person {
	p, _ := r.Context().Value(personKey{}).(identity.Person)
	return p
}

// secure sets the headers of every page. There are no scripts. Icons of KERN are
// data: masks. Only the panel may stand in a frame, and only in those allowed.
func (u *UI) secure(h http.Header, path string) {
	ancestors := "'none'"
	if isPanel(path) && len(u.FrameAncestors) > 0 {
		ancestors = strings.Join(u.FrameAncestors, " ")
	}
	frameIn(h, ancestors)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func frameIn(h http.Header, ancestors string) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors "+ancestors)
}

// view is what every page's data begins with.
type view struct {
	Lang, Theme string
	Title       string
	Path        string
	// Here is the address to come back to after changing language or theme.
	Here string
	// Panel marks the caseworker's pages, Embedded those inside a Fachverfahren.
	Panel, Embedded bool
	// Releases: the panel has a page where results are released.
	Releases bool
	Person   identity.Person
	SignedIn bool
	// FormToken stands in the forms of a launched panel.
	FormToken string
	Operator  string
	Demo      bool
	Menu      []menuGroup
	Sealed    sealState
}

func (u *UI) view(r *http.Request, title string) view {
	person, signedIn := u.person(r)
	v := view{
		Panel: isPanel(r.URL.Path), Embedded: embedded(r), Releases: u.Approvals != nil,
		Lang: u.language(r), Theme: cookieValue(r, themeCookie, "light", "dark"), Title: title, Path: r.URL.Path,
		Person: person, SignedIn: signedIn, Operator: u.Operator, Demo: u.Demo, Menu: u.menu(person),
		Sealed: u.verified.state(),
	}
	if person.Launch != nil {
		v.Embedded, v.FormToken = true, u.Launches.FormToken(person.Launch) // the rest of the product is not theirs
	}
	v.Here = v.To(r.URL.Path)
	if r.Method == http.MethodGet {
		v.Here = r.URL.RequestURI()
	}
	return v
}

const checkPath = "/panel/check"

func isPanel(path string) bool { return strings.HasPrefix(path, "/panel/") }

// embedded: the page stands in the frame of a Fachverfahren. The mark goes from
// page to page in addresses and forms, because a cookie could not tell two
// windows apart.
func embedded(r *http.Request) bool {
	if !isPanel(r.URL.Path) {
		return false
	}
	// A form with files carries the mark in its address: it is read late.
	return r.URL.Query().Get("einbettung") == "1" || r.PostForm.Get("einbettung") == "1"
}

// To is an address of the panel that keeps the frame.
func (v view) To(path string) string { return keepFrame(v.Embedded, path) }

func keepFrame(embedded bool, path string) string {
	if !embedded {
		return path
	}
	path, anchor, hasAnchor := strings.Cut(path, "#")
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	path += separator + "einbettung=1"
	if hasAnchor {
		path += "#" + anchor
	}
	return path
}

// redirect leads to a page of the panel after a form.
func redirect(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, keepFrame(embedded(r), path), http.StatusSeeOther) //nolint:gosec // the paths are our own, what varies stands behind their start
}

// parsing parses a page with the layout and the shared parts, when it is first
// asked for: all of them take more memory than everything else here, and most
// replicas show few. TestTemplates parses each.
type parsing func() (*template.Template, error)

func (u *UI) readTemplates() error {
	u.templates = map[string]parsing{}
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		return fmt.Errorf("read templates: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if name[0] == '_' {
			continue
		}
		u.templates[name] = sync.OnceValues(func() (*template.Template, error) {
			t, err := template.New(name).Funcs(u.functions("de")).ParseFS(templateFiles, "templates/_*.html", "templates/"+name)
			if err != nil {
				return nil, fmt.Errorf("parse template %s: %w", name, err)
			}
			return t, nil
		})
	}
	return nil
}

// template is a page's own copy of its template.
func (u *UI) template(name string) (*template.Template, error) {
	parsed, ok := u.templates[name]
	if !ok {
		return nil, fmt.Errorf("no template %s", name)
	}
	t, err := parsed()
	if err != nil {
		return nil, err
	}
	if t, err = t.Clone(); err != nil {
		return nil, fmt.Errorf("clone template %s: %w", name, err)
	}
	return t, nil
}

// render writes a page whole or not at all.
func (u *UI) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) error {
	t, err := u.template(name)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := t.Funcs(u.functions(u.language(r))).ExecuteTemplate(&out, "layout", data); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err = out.WriteTo(w)
	if err != nil {
		u.Logger.LogAttrs(r.Context(), slog.LevelDebug, "page not delivered", slog.Any("error", err))
	}
	return nil
}

// errorView explains what went wrong and what to do.
type errorView struct {
	view
	Heading, Text, Place string
	RequestID            string
	Reasons              []gateway.Reason
	SignIn               bool
	Login                loginLink
}

func (u *UI) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, heading := http.StatusInternalServerError, "Das hat nicht geklappt"
	e := errorView{Text: "Ein Fehler ist aufgetreten. Er wurde im Betriebsprotokoll vermerkt."}
	var known *gateway.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		status, heading, e.Text = http.StatusRequestEntityTooLarge, "Zu groß", "Das Formular ist zu groß. Dateien dürfen zusammen höchstens 64 MB haben."
	case errors.As(err, &known):
		status, heading = statusOf(known.Code)
		e.Text, e.Place, e.RequestID = known.Message, known.Path, known.RequestID
		if known.Decision != nil {
			e.Reasons = known.Decision.Reasons
		}
	}
	if status == http.StatusInternalServerError {
		u.Logger.LogAttrs(r.Context(), slog.LevelError, "page failed", slog.String("route", r.Pattern), slog.Any("error", err))
	}
	e.Heading, e.SignIn = heading, status == http.StatusUnauthorized
	e.view = u.view(r, heading)
	e.Login = u.loginLink(r)
	if err := u.render(w, r, status, "error.html", e); err != nil {
		http.Error(w, "Die Seite kann nicht angezeigt werden.", http.StatusInternalServerError)
	}
}

func statusOf(c gateway.Code) (status int, heading string) {
	switch c {
	case gateway.CodeUnauthenticated:
		return http.StatusUnauthorized, "Anmeldung nötig"
	case gateway.CodeDenied:
		return http.StatusForbidden, "Nicht erlaubt"
	case gateway.CodeNotFound:
		return http.StatusNotFound, "Nicht gefunden"
	case gateway.CodeInvalid, gateway.CodeConflict:
		return http.StatusBadRequest, "Bitte prüfen Sie die Eingabe"
	case gateway.CodeTooLarge:
		return http.StatusRequestEntityTooLarge, "Zu groß"
	case gateway.CodeRateLimited:
		return http.StatusTooManyRequests, "Bitte warten Sie etwas"
	case gateway.CodeUnavailable, gateway.CodeNoRecord:
		return http.StatusServiceUnavailable, "Gerade nicht möglich"
	default:
		return http.StatusInternalServerError, "Das hat nicht geklappt"
	}
}

func (u *UI) notFound(_ http.ResponseWriter, _ *http.Request) error {
	return &gateway.Error{Op: "open page", Code: gateway.CodeNotFound, Message: "Diese Seite gibt es nicht."}
}
