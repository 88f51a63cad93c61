// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package vaulttest is the conformance suite of the vault's stores and of the
// vault on top of them: what one pair of stores passes, the other passes as well.
// Start at [Run].
package vaulttest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/state"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

// Backend makes stores for tests.
type Backend struct {
	// New makes two empty databases and returns their address.
	New func(t testing.TB) string
	// Attach opens stores on them and closes them with the test.
	Attach func(t testing.TB, address string) (vault.Contents, vault.Keyring)
	// Raw are the bytes of the files of both databases; nil: they cannot be read.
	Raw func(t testing.TB, address string) []byte
}

// Run runs the whole suite.
func Run(t *testing.T, b Backend) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Backend)
	}{
		{"what is kept can be shown, after a note", kept},
		{"only the revision of the tenant opens contents", onlyRevision},
		{"without a note nothing is opened, erased or told", noteFirst},
		{"what was changed does not open", tampered},
		{"a content opens nowhere else", elsewhere},
		{"sizes are bounded", bounded},
		{"an entry without a case has a key of its own", withoutCase},
		{"a dropped content is gone", dropped},
		{"contents end, then their keys", ends},
		{"a hold keeps what would end", holdKeeps},
		{"a hold refuses an erasure", holdRefuses},
		{"a hold stops an erasure that was interrupted", holdStops},
		{"a disclosure holds one content at a time", oneAtATime},
		{"an erased case cannot be read even with everything else restored", erasedForGood},
		{"a key is not made again silently", tombstone},
		{"destroyed keys and deleted contents are in no file", wiped},
		{"contents are never in plain", neverPlain},
		{"a user is erased without the cases of others", userErased},
		{"an erasure says what stays", whatStays},
		{"keeping while erasing leaves nothing readable", racing},
		{"a disclosure has everything", disclosure},
		{"a disclosure of nothing says so", nothing},
		{"tenants never see each other", apart},
		{"a killed erasure is finished at the next start", killed},
		{"an erasure of a clock that was set back is finished", setBack},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, b)
		})
	}
}

const (
	tenant gateway.TenantID = "musterhausen"
	other  gateway.TenantID = "nachbarstadt"
	file                    = "50.21/2026-4711"
	canary                  = "Frieda Kanarienvogel wohnt in der Textkanariengasse 7"
)

// fixture is a vault with everything around it.
type fixture struct {
	t        *testing.T
	backend  Backend
	address  string
	contents vault.Contents
	keys     vault.Keyring
	record   *record
	access   *retrievals
	state    state.Store
	now      *clock
	vault    *vault.Vault
	config   vault.Config
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

// newClock stands at the time at which every test begins, also in another process.
func newClock() *clock { return &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const day = 24 * time.Hour

func newFixture(t *testing.T, b Backend, change ...func(*vault.Config)) *fixture {
	t.Helper()
	f := &fixture{
		t: t, backend: b, address: b.New(t), record: &record{}, access: &retrievals{}, state: statetest.Memory(),
		now: newClock(),
	}
	f.contents, f.keys = b.Attach(t, f.address)
	f.config = vault.Config{
		Contents: f.contents, Keys: f.keys, Master: bytes.Repeat([]byte("m"), 32), Pseudonymise: pseudonymise,
		Record: f.record, Retrievals: f.access, State: f.state, Now: f.now.Now, SpoolFolder: t.TempDir(),
	}
	for _, c := range change {
		c(&f.config)
	}
	f.vault = f.open(f.config)
	return f
}

func (f *fixture) open(c vault.Config) *vault.Vault {
	f.t.Helper()
	v, err := vault.New(f.t.Context(), c)
	if err != nil {
		f.t.Fatalf("open vault: %v", err)
	}
	return v
}

func pseudonymise(t gateway.TenantID, kind, value string) gateway.Pseudonym {
	h := hmac.New(sha256.New, []byte("ein Schlüssel für Prüfungen"))
	fmt.Fprintf(h, "%q %q %q", t, kind, value)
	return gateway.Pseudonym("p1_" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)))
}

// record is a record in memory.
type record struct {
	mu     sync.Mutex
	notes  []audit.Note
	items  []audit.Item
	broken bool
	// noted is called with each note that was written.
	noted func(audit.Note)
}

var errDisk = errors.New("disk full")

func (r *record) Note(_ context.Context, n audit.Note) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return errDisk
	}
	r.notes = append(r.notes, n)
	if r.noted != nil {
		r.noted(n)
	}
	return nil
}

func (r *record) Each(_ context.Context, f audit.Filter, do func(audit.Item) error) error {
	r.mu.Lock()
	items := slices.Clone(r.items)
	r.mu.Unlock()
	for _, i := range slices.Backward(items) {
		if i.Record.Tenant != f.Scope.Tenant || f.Case != "" && i.Record.Case != f.Case {
			continue
		}
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

func (r *record) topics() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.notes {
		out = append(out, n.Topic)
	}
	return out
}

// retrievals is a retrieval log in memory.
type retrievals struct {
	mu   sync.Mutex
	list []accesslog.Retrieval
}

func (r *retrievals) List(_ context.Context, f accesslog.Filter) (out []accesslog.Retrieval, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.list {
		if one.Tenant == f.Tenant && (f.Case == "" || one.Case == f.Case) && (f.User == "" || one.User == f.User) {
			out = append(out, one)
		}
	}
	return out, nil
}

func (r *retrievals) Remove(_ context.Context, t gateway.TenantID, file gateway.Pseudonym) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.list)
	r.list = slices.DeleteFunc(r.list, func(one accesslog.Retrieval) bool { return one.Tenant == t && one.Case == file })
	return before - len(r.list), nil
}

func (r *retrievals) Ceiling() time.Duration { return accesslog.DefaultCeiling }

// content is a request of a case; without a case its pseudonym is empty.
func (f *fixture) content(t gateway.TenantID, id, file, user, text string) gateway.Content {
	c := gateway.Content{ID: id, Tenant: t, Time: f.now.Now(), Kept: gateway.Kept{Content: "p1_commitment", Bytes: len(text), Days: 30}, Body: []byte(text)}
	if file != "" {
		c.Case = pseudonymise(t, "case", file)
	}
	if user != "" {
		c.User = pseudonymise(t, "user", user)
	}
	return c
}

func (f *fixture) keep(c gateway.Content) {
	f.t.Helper()
	if err := f.vault.Keep(f.t.Context(), c); err != nil {
		f.t.Fatalf("keep %s: %v", c.ID, err)
	}
}

func revisor(t gateway.TenantID) vault.Actor {
	return vault.Actor{Tenant: t, Name: "Rita Revision", Roles: []string{"revision"}}
}

func administrator(t gateway.TenantID) vault.Actor {
	return vault.Actor{Tenant: t, Name: "Max Mandant", Roles: []string{"mandant"}}
}

var because = vault.Justification{Reason: "Prüfung nach Beschwerde", Case: "RPA 12/2026"}

const reason = "Antrag der betroffenen Person vom 20.11.2026"

func (f *fixture) show(t gateway.TenantID, id string) (vault.Opened, error) {
	return f.vault.Show(f.t.Context(), revisor(t), t, id, because)
}

func (f *fixture) shows(id, text string) {
	f.t.Helper()
	opened, err := f.show(tenant, id)
	if err != nil || opened.Request == nil || string(opened.Request.Body) != text {
		f.t.Errorf("show %s: %+v, %v, want %q", id, opened, err, text)
	}
}

func (f *fixture) hides(id string) {
	f.t.Helper()
	if opened, err := f.show(tenant, id); err == nil {
		f.t.Errorf("show %s: %s, want an error", id, opened.Request.Body)
	}
}

func theCase() vault.Subject { return vault.Subject{Tenant: tenant, Case: file} }

func (f *fixture) erase(s vault.Subject) vault.Erasure {
	f.t.Helper()
	done, err := f.vault.Erase(f.t.Context(), administrator(s.Tenant), s, reason)
	if err != nil {
		f.t.Fatalf("erase: %v", err)
	}
	return done
}

func kept(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "anna", canary))
	answer := f.content(tenant, "e-1", file, "anna", "Antwort")
	answer.Answer, answer.Truncated, answer.Original = true, true, true
	f.keep(answer)
	opened, err := f.show(tenant, "e-1")
	if err != nil {
		t.Fatal(err)
	}
	if string(opened.Request.Body) != canary || string(opened.Answer.Body) != "Antwort" || !opened.Answer.Truncated || !opened.Answer.Original || opened.Request.Original {
		t.Errorf("opened %+v", opened)
	}
	if want := f.now.Now().AddDate(0, 0, 30); !opened.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", opened.Expires, want)
	}
	if len(f.record.notes) != 1 {
		t.Fatalf("notes %+v", f.record.notes)
	}
	n := f.record.notes[0]
	if n.Topic != audit.TopicRecordOpened || n.Object != "e-1" || n.Reason != because.Reason || n.Case != pseudonymise(tenant, "case", because.Case) ||
		n.Actor != pseudonymise(tenant, "user", "Rita Revision") || n.Role != "revision" || n.Tenant != tenant {
		t.Errorf("note %+v", n)
	}
	if gateway.CodeOf(f.vault.Keep(t.Context(), answer)) != gateway.CodeConflict {
		t.Error("an answer is kept twice")
	}
	if _, err := f.show(tenant, "e-2"); gateway.CodeOf(err) != gateway.CodeNotFound {
		t.Errorf("an entry without content: %v", err)
	}
}

func onlyRevision(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "anna", canary))
	for name, c := range map[string]struct {
		by  vault.Actor
		why vault.Justification
	}{
		"administrator":        {administrator(tenant), because},
		"revision elsewhere":   {revisor(other), because},
		"operator":             {vault.Actor{Name: "o", Roles: []string{"revision"}, Operator: true}, because},
		"nobody":               {vault.Actor{}, because},
		"without a reason":     {revisor(tenant), vault.Justification{Case: "1"}},
		"without file number":  {revisor(tenant), vault.Justification{Reason: "Prüfung"}},
		"blank reason":         {revisor(tenant), vault.Justification{Reason: "      ", Case: "1"}},
		"endless reason":       {revisor(tenant), vault.Justification{Reason: strings.Repeat("x", 501), Case: "1"}},
		"reason that is bytes": {revisor(tenant), vault.Justification{Reason: "Prüfung \xff\xfe", Case: "1"}},
	} {
		if opened, err := f.vault.Show(t.Context(), c.by, tenant, "e-1", c.why); err == nil {
			t.Errorf("%s: %+v", name, opened)
		}
	}
	if len(f.record.notes) != 0 {
		t.Errorf("notes of what was refused: %+v", f.record.notes)
	}
}

func noteFirst(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "anna", canary))
	f.record.broken = true
	ctx, by := t.Context(), administrator(tenant)
	_, hold := f.vault.PlaceHold(ctx, by, theCase(), "", reason)
	_, access := f.vault.Access(ctx, by, theCase())
	_, erased := f.vault.Erase(ctx, by, theCase(), reason)
	_, shown := f.show(tenant, "e-1")
	for name, err := range map[string]error{"hold": hold, "access": access, "erase": erased, "show": shown} {
		if !errors.Is(err, errDisk) {
			t.Errorf("%s without a note: %v", name, err)
		}
	}
	f.record.broken = false
	f.shows("e-1", canary)
	if holds, err := f.vault.ListHolds(ctx, by, tenant); err != nil || len(holds) != 0 {
		t.Errorf("holds %+v, %v", holds, err)
	}
}

func bounded(t *testing.T, b Backend) {
	f := newFixture(t, b, func(c *vault.Config) { c.MaxRequest = 1000 })
	f.keep(f.content(tenant, "e-1", file, "", strings.Repeat("x", 1000)))
	if err := f.vault.Keep(t.Context(), f.content(tenant, "e-2", file, "", strings.Repeat("x", 1001))); gateway.CodeOf(err) != gateway.CodeTooLarge {
		t.Errorf("too large a content: %v", err)
	}
	for _, days := range []int{0, -1, gateway.MaxKeepDays + 1} {
		c := f.content(tenant, "e-3", file, "", "x")
		c.Days = days
		if f.vault.Keep(t.Context(), c) == nil {
			t.Errorf("content is kept for %d days", days)
		}
	}
	c := f.content("", "e-3", file, "", "x")
	if f.vault.Keep(t.Context(), c) == nil {
		t.Error("content of no tenant is kept")
	}
}

func withoutCase(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", "", "anna", "eins"))
	f.keep(f.content(tenant, "e-2", "", "anna", "zwei"))
	f.shows("e-1", "eins")
	one, err1 := f.contents.Items(t.Context(), vault.Query{Tenant: tenant, Entry: "e-1"})
	two, err2 := f.contents.Items(t.Context(), vault.Query{Tenant: tenant, Entry: "e-2"})
	if err := errors.Join(err1, err2); err != nil || one[0].Key == two[0].Key || len(one[0].Sealed) != 0 {
		t.Errorf("keys %q and %q, %v", one[0].Key, two[0].Key, err)
	}
}

func dropped(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "", canary))
	f.keep(f.content(tenant, "e-2", file, "", canary))
	if err := f.vault.Drop(t.Context(), tenant, "e-1"); err != nil {
		t.Fatal(err)
	}
	f.hides("e-1")
	f.shows("e-2", canary)
}

func ends(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "", canary))
	late := f.content(tenant, "e-2", file, "", canary)
	late.Days = 90
	f.keep(late)
	f.keep(f.content(tenant, "e-3", "", "", canary))
	f.now.turn(30*day - time.Minute)
	if s, err := f.vault.Sweep(t.Context()); err != nil || s != (vault.Swept{}) {
		t.Errorf("swept %+v, %v before the time", s, err)
	}
	f.now.turn(2 * time.Minute)
	f.hides("e-1") // whether it was swept or not
	if s, err := f.vault.Sweep(t.Context()); err != nil || s.Contents != 2 || s.Keys != 0 {
		t.Errorf("swept %+v, %v, want two contents", s, err)
	}
	f.shows("e-2", canary)
	f.now.turn(5 * day)
	if s, err := f.vault.Sweep(t.Context()); err != nil || s.Contents != 0 || s.Keys != 1 {
		t.Errorf("swept %+v, %v, want the key of the entry without a case", s, err)
	}
	f.now.turn(60 * day)
	if s, err := f.vault.Sweep(t.Context()); err != nil || s.Contents != 1 || s.Keys != 1 {
		t.Errorf("swept %+v, %v, want the rest", s, err)
	}
	f.keep(f.content(tenant, "e-4", file, "", "neu")) // that a key has ended is no erasure
	f.shows("e-4", "neu")
	if topics := f.record.topics(); !slices.Contains(topics, audit.TopicRetained) {
		t.Errorf("topics %v", topics)
	}
}
