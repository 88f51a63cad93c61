// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

const (
	cookieName    = "schleuse_sitzung"
	loginLife     = 30 * time.Minute
	sessionRenew  = time.Minute // how often a session in use is written anew
	sweepSessions = time.Minute
	maxSessions   = 10_000
	maxMarks      = 500
)

// Kinds of documents.
const (
	kindLogin   = "login"
	kindSession = "session"
)

// SessionConfig holds what sessions need. The zero SessionConfig keeps them in
// the memory of this process.
type SessionConfig struct {
	// Store is shared by all replicas.
	Store state.Store
	// Secure demands https for the cookie; only a demo on the loopback address
	// goes without.
	Secure bool
	// Key finds the sessions of a person without saying in the database whose they
	// are, the same on all replicas; empty: one of this process.
	Key []byte
	Now func() time.Time
}

// Sessions keeps one-time logins and sessions of persons as documents that all
// replicas share. They are kept, and not sealed into cookies, so that signing out
// at one replica ends the session at every one at once. Only a digest of the
// cookie is kept, and what the document says is sealed under the cookie: the
// database alone opens no session and tells nobody who is at work.
type Sessions struct {
	store  state.Store
	now    func() time.Time
	secure bool
	key    []byte

	mu     sync.Mutex
	rules  SessionRules
	active func(gateway.TenantID) bool // nil: every tenant is
	swept  time.Time
}

// session is what a document says.
type session struct {
	Person Person    `json:"person"`
	Began  time.Time `json:"began"`
	Seen   time.Time `json:"seen"`
	// Hint is the ID token of the sign-in, with which the provider is told that
	// the person has left.
	Hint string `json:"hint,omitempty"`
	// Stated is what the provider said of the person; nil: somebody with a link.
	Stated Stated `json:"stated,omitempty"`
	// Marks remember what was done in this session, until when.
	Marks map[string]time.Time `json:"marks,omitempty"`
}

// NewSessions keeps sessions in the memory of this process.
func NewSessions(now func() time.Time, secure bool) *Sessions {
	return OpenSessions(SessionConfig{Now: now, Secure: secure})
}

// OpenSessions returns the sessions of a store.
func OpenSessions(c SessionConfig) *Sessions {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Store == nil {
		c.Store = newMemoryState(c.Now)
	}
	if len(c.Key) == 0 {
		c.Key = random(32)
	}
	return &Sessions{store: c.Store, now: c.Now, secure: c.Secure, key: c.Key, rules: SessionRules{}.withDefaults()}
}

// NewLogin returns a ticket for one sign-in within 30 minutes.
func (s *Sessions) NewLogin(ctx context.Context, p Person) (string, error) {
	return s.add(ctx, kindLogin, session{Person: p, Began: s.now(), Seen: s.now()})
}

// SignIn swaps a ticket for a session and sets its cookie.
func (s *Sessions) SignIn(w http.ResponseWriter, r *http.Request, ticket string) (Person, error) {
	p, err := s.Take(r.Context(), ticket)
	if err != nil {
		return Person{}, err
	}
	return p, s.Begin(w, r, p, "")
}

// Take returns the person of a ticket, which works once, at whichever replica it
// comes first.
func (s *Sessions) Take(ctx context.Context, ticket string) (Person, error) {
	refused := &gateway.Error{Op: "sign in", Code: gateway.CodeUnauthenticated, Message: "Der Anmeldelink gilt einmal und 30 Minuten lang. Dieser wurde schon benutzt oder ist abgelaufen."}
	login, document, err := s.read(ctx, kindLogin, ticket)
	if err != nil {
		return Person{}, orElse(err, refused)
	}
	if err := s.store.Delete(ctx, kindLogin, document.ID, document.Version); err != nil {
		return Person{}, orElse(err, refused) // somebody else was faster
	}
	if s.now().Sub(login.Began) > loginLife || !s.serves(login.Person) {
		return Person{}, refused
	}
	return login.Person, nil
}

// orElse keeps an error of the store and makes of everything that is the
// ticket's fault the one answer.
func orElse(err, refused error) error {
	switch gateway.CodeOf(err) {
	case gateway.CodeNotFound, gateway.CodeConflict, gateway.CodeInvalid, gateway.CodeUnauthenticated:
		return refused
	default:
		return err
	}
}

// Begin opens a session for a person who has proved who it is. One that the
// browser had before ends, and its cookie with it: a cookie that somebody else
// has planted opens nothing afterwards. hint is the ID token, if there is one.
func (s *Sessions) Begin(w http.ResponseWriter, r *http.Request, p Person, hint string) error {
	return s.begin(w, r, session{Person: p, Hint: hint})
}

// BeginSignedIn is Begin for a person of a provider, whose rights follow the
// configuration as long as the session lasts.
func (s *Sessions) BeginSignedIn(w http.ResponseWriter, r *http.Request, in SignedIn) error {
	return s.begin(w, r, session{Person: in.Person, Hint: in.IDToken, Stated: in.Stated})
}

func (s *Sessions) begin(w http.ResponseWriter, r *http.Request, one session) error {
	if _, err := s.SignOut(w, r); err != nil {
		return err
	}
	if err := s.sweep(r.Context()); err != nil {
		return err
	}
	one.Began, one.Seen = s.now(), s.now()
	ticket, err := s.add(r.Context(), kindSession, one)
	if err != nil {
		return err
	}
	c := s.blank() //nolint:gosec // Secure except for a demo on the loopback address
	c.Value, c.MaxAge = ticket, int(s.governed().Life.Seconds())
	http.SetCookie(w, c)
	return nil
}

// Person returns who is signed in; CodeUnauthenticated: nobody.
func (s *Sessions) Person(r *http.Request) (Person, error) {
	one, document, ticket, err := s.of(r)
	if err != nil {
		return Person{}, err
	}
	if s.now().Sub(one.Seen) < sessionRenew {
		return one.Person, nil
	}
	one.Seen = s.now()
	err = s.write(r.Context(), document, ticket, one)
	if err != nil && gateway.CodeOf(err) != gateway.CodeConflict { // another request has just renewed it
		return Person{}, err
	}
	return one.Person, nil
}

// of is the session of a request.
func (s *Sessions) of(r *http.Request) (session, state.Document, string, error) {
	nobody := &gateway.Error{Op: "find session", Code: gateway.CodeUnauthenticated, Message: "Bitte melden Sie sich an."}
	c, err := r.Cookie(s.cookie())
	if err != nil || len(c.Value) > 100 {
		return session{}, state.Document{}, "", nobody
	}
	one, document, err := s.read(r.Context(), kindSession, c.Value)
	if err != nil {
		return session{}, state.Document{}, "", orElse(err, nobody)
	}
	now, rules := s.now(), s.governed()
	if now.Sub(one.Began) >= rules.Life || now.Sub(one.Seen) >= rules.Idle || !rules.apply(&one) || !s.serves(one.Person) {
		return session{}, state.Document{}, "", nobody
	}
	return one, document, c.Value, nil
}

// Mark remembers in the session of a request that something was done, for so
// long, and reports whether it was not yet. The oldest marks are forgotten.
func (s *Sessions) Mark(r *http.Request, what string, life time.Duration) (fresh bool, err error) {
	key := markKey(what)
	for range 8 {
		one, document, ticket, err := s.of(r)
		if err != nil {
			return false, err
		}
		now := s.now()
		if now.Before(one.Marks[key]) {
			return false, nil
		}
		maps.DeleteFunc(one.Marks, func(_ string, until time.Time) bool { return !now.Before(until) })
		if len(one.Marks) >= maxMarks {
			oldest := slices.MinFunc(slices.Collect(maps.Keys(one.Marks)), func(a, b string) int { return one.Marks[a].Compare(one.Marks[b]) })
			delete(one.Marks, oldest)
		}
		if one.Marks == nil {
			one.Marks = map[string]time.Time{}
		}
		one.Marks[key] = now.Add(life)
		err = s.write(r.Context(), document, ticket, one)
		if err == nil {
			return true, nil
		}
		if gateway.CodeOf(err) != gateway.CodeConflict {
			return false, err
		}
	}
	return false, &gateway.Error{Op: "mark session", Code: gateway.CodeConflict, Message: "Ihre Sitzung wird gerade an anderer Stelle benutzt. Bitte versuchen Sie es noch einmal."}
}

// Marked reports whether something was done in the session of a request.
func (s *Sessions) Marked(r *http.Request, what string) (bool, error) {
	one, _, _, err := s.of(r)
	if err != nil {
		return false, err
	}
	return s.now().Before(one.Marks[markKey(what)]), nil
}

func markKey(what string) string {
	sum := sha256.Sum256([]byte(what))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// Retain ends the sessions and takes back the tickets of tenants that are not
// active, and refuses them from now on. It fits [Registry.OnChange]:
//
//	registry.OnChange(func(d *identity.Directory) { sessions.Retain(d.Active) })
//
// What cannot be removed now is refused all the same while the tenant is away.
func (s *Sessions) Retain(ctx context.Context, active func(gateway.TenantID) bool) error {
	s.mu.Lock()
	s.active = active
	s.mu.Unlock()
	var problems []error
	for _, kind := range []string{kindLogin, kindSession} {
		problems = append(problems, s.each(ctx, kind, func(d state.Document) error {
			if d.Tenant == "" || active(d.Tenant) {
				return nil
			}
			return s.remove(ctx, d)
		}))
	}
	return errors.Join(problems...)
}

// serves: persons without a tenant are the operator's own.
func (s *Sessions) serves(p Person) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active == nil || p.Tenant == "" || s.active(p.Tenant)
}

// SignOut ends the session of a request, everywhere. It returns the ID token that
// the session began with.
func (s *Sessions) SignOut(w http.ResponseWriter, r *http.Request) (hint string, err error) {
	c := s.blank() //nolint:gosec // Secure except for a demo on the loopback address
	c.MaxAge = -1
	one, document, _, err := s.of(r)
	if gateway.CodeOf(err) == gateway.CodeUnauthenticated {
		if _, present := r.Cookie(s.cookie()); present == nil {
			http.SetCookie(w, c)
		}
		return "", nil
	}
	if err == nil {
		err = s.remove(r.Context(), document)
	}
	if err != nil {
		return "", err // the cookie stays: the session is still there
	}
	http.SetCookie(w, c)
	return one.Hint, nil
}

// remove deletes a document even if it was renewed meanwhile.
func (s *Sessions) remove(ctx context.Context, d state.Document) error {
	for range 8 {
		err := s.store.Delete(ctx, d.Kind, d.ID, d.Version)
		switch gateway.CodeOf(err) {
		case gateway.CodeNotFound:
			return nil
		case gateway.CodeConflict:
		default:
			return err
		}
		if d, err = s.store.Get(ctx, d.Kind, d.ID); err != nil {
			return orElse(err, nil)
		}
	}
	return &gateway.Error{Op: "end session", Code: gateway.CodeConflict, Message: "Die Sitzung wird gerade an anderer Stelle benutzt. Bitte versuchen Sie es noch einmal."}
}

// sweep removes what has ended, now and then, and bounds what is there.
func (s *Sessions) sweep(ctx context.Context) error {
	now := s.now()
	s.mu.Lock()
	due := now.Sub(s.swept) >= sweepSessions
	if due {
		s.swept = now
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	left := 0
	for kind, life := range map[string]time.Duration{kindLogin: loginLife, kindSession: s.governed().Idle + sessionRenew} {
		err := s.each(ctx, kind, func(d state.Document) error {
			if now.Sub(d.Time) > life {
				return orElse(s.store.Delete(ctx, d.Kind, d.ID, d.Version), nil)
			}
			left++
			return nil
		})
		if err != nil {
			return err
		}
	}
	if left >= maxSessions {
		return &gateway.Error{Op: "begin session", Code: gateway.CodeRateLimited, RetryAfter: s.governed().Idle, Message: "Es sind zu viele Personen zugleich angemeldet. Bitte versuchen Sie es später noch einmal."}
	}
	return nil
}

func (s *Sessions) each(ctx context.Context, kind string, visit func(state.Document) error) error {
	after := ""
	for {
		page, err := s.store.List(ctx, state.Filter{Kind: kind, After: after, Limit: state.MaxLimit})
		if err != nil {
			return fmt.Errorf("list %ss: %w", kind, err)
		}
		for _, d := range page {
			if err := visit(d); err != nil {
				return err
			}
		}
		if len(page) < state.MaxLimit {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

func (s *Sessions) add(ctx context.Context, kind string, one session) (string, error) {
	ticket := base64.RawURLEncoding.EncodeToString(random(24))
	d := state.Document{Kind: kind, ID: sessionID(ticket), Tenant: one.Person.Tenant}
	return ticket, s.write(ctx, d, ticket, one)
}

func sessionID(ticket string) string {
	sum := sha256.Sum256([]byte(ticket))
	return hex.EncodeToString(sum[:])
}

// sealedSession is the body of a document.
type sealedSession struct {
	Sealed []byte `json:"sealed"`
	// Owner is a keyed digest of whose it is, Began when it began.
	Owner string    `json:"owner,omitempty"`
	Began time.Time `json:"began,omitzero"`
}

func (s *Sessions) write(ctx context.Context, d state.Document, ticket string, one session) error {
	raw, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("encode session: %w", err)
	}
	key, err := hkdf.Key(sha256.New, []byte(ticket), nil, "ki-schleuse "+d.Kind, 32)
	if err != nil {
		return fmt.Errorf("derive key of session: %w", err)
	}
	aead, err := sealer(key)
	if err != nil {
		return err
	}
	d.Body, err = json.Marshal(sealedSession{Sealed: aead.Seal(nil, nil, raw, []byte(d.ID)), Owner: s.owner(one.Person), Began: one.Began}) //nolint:gosec // makes its own nonce
	if err != nil {
		return fmt.Errorf("encode session: %w", err)
	}
	if _, err := s.store.Put(ctx, d); err != nil {
		return fmt.Errorf("keep session: %w", err)
	}
	return nil
}

func (s *Sessions) read(ctx context.Context, kind, ticket string) (session, state.Document, error) {
	d, err := s.store.Get(ctx, kind, sessionID(ticket))
	if err != nil {
		return session{}, d, fmt.Errorf("read session: %w", err)
	}
	var body sealedSession
	if err := json.Unmarshal(d.Body, &body); err != nil {
		return session{}, d, fmt.Errorf("decode session: %w", err)
	}
	key, err := hkdf.Key(sha256.New, []byte(ticket), nil, "ki-schleuse "+kind, 32)
	if err != nil {
		return session{}, d, fmt.Errorf("derive key of session: %w", err)
	}
	aead, err := sealer(key)
	if err != nil {
		return session{}, d, err
	}
	raw, err := aead.Open(nil, nil, body.Sealed, []byte(d.ID))
	if err != nil {
		return session{}, d, &gateway.Error{Op: "read session", Code: gateway.CodeUnauthenticated, Message: "Bitte melden Sie sich an.", Err: err}
	}
	var one session
	if err := json.Unmarshal(raw, &one); err != nil {
		return session{}, d, fmt.Errorf("decode session: %w", err)
	}
	return one, d, nil
}

// cookie: the __Host- prefix binds the cookie to this host, and needs https.
func (s *Sessions) cookie() string {
	if s.secure {
		return "__Host-" + cookieName
	}
	return cookieName
}

// blank: SameSite=Lax, because links into the record come in mails and reports,
// and because a sign-in comes back from another site. What changes something is a
// POST, which http.CrossOriginProtection keeps to our own pages.
func (s *Sessions) blank() *http.Cookie {
	//nolint:gosec // Secure except for a demo on the loopback address
	return &http.Cookie{Name: s.cookie(), Path: "/", HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode}
}
