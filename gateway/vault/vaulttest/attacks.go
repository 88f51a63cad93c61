// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

// item reads one sealed item.
func (f *fixture) item(entry string) vault.Item {
	f.t.Helper()
	items, err := f.contents.Items(f.t.Context(), vault.Query{Tenant: tenant, Entry: entry, Sealed: true})
	if err != nil || len(items) != 1 {
		f.t.Fatalf("items of %s: %d, %v", entry, len(items), err)
	}
	return items[0]
}

// put puts an item in the place of what is there.
func (f *fixture) put(i vault.Item) {
	f.t.Helper()
	_, err := f.contents.Remove(f.t.Context(), []vault.Item{i})
	if err := errors.Join(err, f.contents.Add(f.t.Context(), i)); err != nil {
		f.t.Fatalf("put: %v", err)
	}
}

func tampered(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "anna", canary))
	was := f.item("e-1")
	for at := range was.Sealed {
		i := was
		i.Sealed = bytes.Clone(was.Sealed)
		i.Sealed[at] ^= 1
		if at%7 != 0 && at > 14 { // every byte of version and nonce, some of the rest
			continue
		}
		f.put(i)
		if _, err := f.show(tenant, "e-1"); gateway.CodeOf(err) != gateway.CodeInternal || strings.Contains(fmt.Sprint(err), "Kanarienvogel") {
			t.Fatalf("with byte %d changed: %v", at, err)
		}
	}
	for _, sealed := range [][]byte{{}, {1}, was.Sealed[:12], was.Sealed[:len(was.Sealed)-1], append(bytes.Clone(was.Sealed), 0)} {
		i := was
		i.Sealed = sealed
		f.put(i)
		f.hides("e-1")
	}
	f.put(was)
	f.shows("e-1", canary)
	wrong := f.config
	wrong.Master = bytes.Repeat([]byte("n"), 32)
	if _, err := f.open(wrong).Show(t.Context(), revisor(tenant), tenant, "e-1", because); err == nil {
		t.Error("another master secret opens the content")
	}
}

func elsewhere(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "anna", canary))
	f.keep(f.content(tenant, "e-2", "99/1", "anna", "zwei"))
	f.keep(f.content(other, "e-3", file, "anna", "drei"))
	was, foreign := f.item("e-1"), f.item("e-2")
	for name, change := range map[string]func(*vault.Item){
		"another entry":   func(i *vault.Item) { i.Entry = "e-9" },
		"the other side":  func(i *vault.Item) { i.Kind = vault.KindAnswer },
		"another case":    func(i *vault.Item) { i.Case = foreign.Case },
		"another key":     func(i *vault.Item) { i.Key = foreign.Key },
		"another user":    func(i *vault.Item) { i.User = "p1_jemand" },
		"a later end":     func(i *vault.Item) { i.Expires = i.Expires.Add(time.Hour) },
		"said to be cut":  func(i *vault.Item) { i.Truncated = true },
		"said to be real": func(i *vault.Item) { i.Original = true },
		"another tenant":  func(i *vault.Item) { i.Tenant, i.Entry = other, "e-8" },
	} {
		i := was
		change(&i)
		f.put(i)
		if opened, err := f.show(i.Tenant, i.Entry); err == nil {
			t.Errorf("%s: %+v", name, opened)
		}
		if _, err := f.contents.Remove(t.Context(), []vault.Item{i}); err != nil {
			t.Fatal(err)
		}
		if i.Entry == was.Entry && i.Tenant == was.Tenant {
			f.put(was)
		}
	}
	f.shows("e-1", canary)
}

func erasedForGood(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "anna", canary))
	f.keep(f.content(tenant, "e-2", "99/1", "anna", "bleibt"))
	f.keep(f.content(other, "e-1", file, "anna", "beim Nachbarn"))
	backup := f.item("e-1")
	if ahead, err := f.vault.Preview(t.Context(), administrator(tenant), theCase()); err != nil || ahead.Keys != 1 || ahead.Contents != 1 {
		t.Errorf("preview %+v, %v", ahead, err)
	}
	done := f.erase(theCase())
	if done.Keys != 1 || done.Contents != 1 {
		t.Errorf("erased %+v", done)
	}
	f.hides("e-1")
	f.put(backup) // the row comes back from a backup, the master secret was never gone
	again := f.open(f.config)
	opened, err := again.Show(t.Context(), revisor(tenant), tenant, "e-1", because)
	if gateway.CodeOf(err) != gateway.CodeConflict || opened.Request != nil {
		t.Errorf("restored: %+v, %v", opened, err)
	}
	if d, err := again.Access(t.Context(), administrator(tenant), theCase()); err != nil || len(d.Contents) != 0 || d.Erased.IsZero() {
		t.Errorf("disclosure %+v, %v", d.Contents, err)
	}
	f.shows("e-2", "bleibt")
	if opened, err := f.show(other, "e-1"); err != nil || string(opened.Request.Body) != "beim Nachbarn" {
		t.Errorf("the case of another tenant: %v", err)
	}
}

func tombstone(t *testing.T, b Backend) {
	f := newFixture(t, b)
	ctx, by := t.Context(), administrator(tenant)
	f.keep(f.content(tenant, "e-1", file, "", canary))
	backup := f.item("e-1")
	if err := f.vault.Reopen(ctx, by, theCase(), reason); gateway.CodeOf(err) != gateway.CodeNotFound {
		t.Errorf("reopened what was not erased: %v", err)
	}
	f.erase(theCase())
	f.now.turn(400 * day)
	if _, err := f.vault.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if err := f.vault.Keep(ctx, f.content(tenant, "e-2", file, "", canary)); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("a content of an erased case is kept: %v", err)
	}
	if err := f.vault.Reopen(ctx, by, theCase(), reason); err != nil {
		t.Fatal(err)
	}
	f.keep(f.content(tenant, "e-3", file, "", "neu"))
	f.shows("e-3", "neu")
	backup.Expires = f.now.Now().Add(day)
	f.put(backup)
	f.hides("e-1")
	f.erase(theCase()) // once more
	f.hides("e-3")
	n := 0
	for _, topic := range f.record.topics() {
		if topic == vault.TopicCaseReopened {
			n++
		}
	}
	if n != 2 { // also of the one that came to nothing
		t.Errorf("%d notes of reopening, want 2", n)
	}
}

func wiped(t *testing.T, b Backend) {
	if b.Raw == nil {
		t.Skip("the files of this database cannot be read")
	}
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "", canary))
	f.keep(f.content(tenant, "e-2", "99/1", "", "bleibt"))
	item := f.item("e-1")
	key, err := f.keys.Key(t.Context(), tenant, item.Key)
	if err != nil {
		t.Fatal(err)
	}
	if raw := b.Raw(t, f.address); !bytes.Contains(raw, key.Wrapped) {
		t.Fatal("the key is not found while it is there: this test would prove nothing")
	}
	f.erase(theCase())
	if raw := b.Raw(t, f.address); bytes.Contains(raw, key.Wrapped) || bytes.Contains(raw, key.Wrapped[13:]) {
		t.Error("the destroyed key is in the files")
	}
	f.shows("e-2", "bleibt")
}

func neverPlain(t *testing.T, b Backend) {
	if b.Raw == nil {
		t.Skip("the files of this database cannot be read")
	}
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-1", file, "annakanarie", canary))
	raw := b.Raw(t, f.address)
	for _, secret := range []string{canary, "Kanarienvogel", file, "annakanarie", strings.Repeat("m", 32)} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%q is in the files", secret)
		}
	}
	if !bytes.Contains(raw, []byte("e-1")) {
		t.Error("not even the id is found: this test would prove nothing")
	}
}

// racing: whatever comes between, nothing of an erased case can be read, and what
// cannot be kept is refused.
func racing(t *testing.T, b Backend) {
	f := newFixture(t, b)
	f.keep(f.content(tenant, "e-0", file, "", canary))
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := range 10 {
				err := f.vault.Keep(t.Context(), f.content(tenant, fmt.Sprintf("e-%d-%d", w, i), file, "", canary))
				if err != nil && gateway.CodeOf(err) != gateway.CodeConflict {
					t.Errorf("keep: %v", err)
				}
			}
		})
	}
	f.erase(theCase())
	group.Wait()
	items, err := f.contents.Items(t.Context(), vault.Query{Tenant: tenant, Case: pseudonymise(tenant, "case", file)})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items { // kept with the key of before, which is gone
		f.hides(i.Entry)
	}
	f.erase(theCase())
	if items, err := f.contents.Items(t.Context(), vault.Query{Tenant: tenant, Case: pseudonymise(tenant, "case", file)}); err != nil || len(items) != 0 {
		t.Errorf("%d contents are left, %v", len(items), err)
	}
}

func holdKeeps(t *testing.T, b Backend) {
	f := newFixture(t, b)
	ctx, by := t.Context(), administrator(tenant)
	f.keep(f.content(tenant, "e-1", file, "", canary))
	f.keep(f.content(tenant, "e-2", "99/1", "", "endet"))
	hold, err := f.vault.PlaceHold(ctx, by, theCase(), "", "Klage beim Verwaltungsgericht")
	if err != nil {
		t.Fatal(err)
	}
	f.now.turn(400 * day)
	if s, err := f.vault.Sweep(ctx); err != nil || s.Contents != 1 || s.Held != 1 || s.Keys != 1 {
		t.Errorf("swept %+v, %v", s, err)
	}
	f.shows("e-1", canary)
	f.hides("e-2")
	if err := f.vault.LiftHold(ctx, administrator(other), other, hold.ID, reason); gateway.CodeOf(err) != gateway.CodeNotFound {
		t.Errorf("another tenant lifts the hold: %v", err)
	}
	if err := f.vault.LiftHold(ctx, by, tenant, hold.ID, "Die Klage ist zurückgenommen"); err != nil {
		t.Fatal(err)
	}
	f.hides("e-1")
	if s, err := f.vault.Sweep(ctx); err != nil || s.Contents != 1 || s.Keys != 1 {
		t.Errorf("swept %+v, %v after the hold", s, err)
	}
}

// holdStops: an erasure that could not be carried out is not finished behind the back
// of a hold that was placed since.
func holdStops(t *testing.T, b Backend) {
	f := newFixture(t, b)
	ctx, by := t.Context(), administrator(tenant)
	f.keep(f.content(tenant, "e-1", file, "anna", canary))
	job := vault.Job{ID: "j-1", Tenant: tenant, Case: pseudonymise(tenant, "case", file), Made: f.now.Now(), Actor: "p", Role: "mandant", Reason: reason}
	if err := f.keys.Begin(ctx, job); err != nil {
		t.Fatal(err)
	}
	hold, err := f.vault.PlaceHold(ctx, by, theCase(), "", "Klage beim Verwaltungsgericht")
	if err != nil {
		t.Fatal(err)
	}
	f.open(f.config)
	f.now.turn(time.Hour)
	if _, err := f.vault.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	f.shows("e-1", canary)
	if err := f.vault.LiftHold(ctx, by, tenant, hold.ID, "Die Klage ist zurückgenommen"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.vault.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	f.hides("e-1")
	if jobs, err := f.keys.Jobs(ctx); err != nil || len(jobs) != 0 {
		t.Errorf("jobs %+v, %v after the hold", jobs, err)
	}
}

// narrow notes how many contents were read at a time.
type narrow struct {
	vault.Contents

	most int
}

func (n *narrow) Items(ctx context.Context, q vault.Query) ([]vault.Item, error) {
	items, err := n.Contents.Items(ctx, q)
	if q.Sealed {
		n.most = max(n.most, len(items))
	}
	return items, err
}

func oneAtATime(t *testing.T, b Backend) {
	n := &narrow{}
	f := newFixture(t, b, func(c *vault.Config) { n.Contents, c.Contents = c.Contents, n })
	for _, entry := range []string{"e-1", "e-2", "e-3", "e-4"} {
		f.keep(f.content(tenant, entry, file, "", canary))
	}
	d, err := f.vault.Access(t.Context(), administrator(tenant), theCase())
	if err != nil || len(d.Contents) != 4 || !strings.Contains(d.Contents[3].Text, canary) {
		t.Fatalf("disclosed %+v, %v", d.Contents, err)
	}
	if n.most != 1 {
		t.Errorf("%d contents at a time", n.most)
	}
}

func holdRefuses(t *testing.T, b Backend) {
	f := newFixture(t, b)
	ctx, by := t.Context(), administrator(tenant)
	f.keep(f.content(tenant, "e-1", file, "anna", canary))
	for name, place := range map[string]struct {
		on    vault.Subject
		entry string
	}{
		"case":   {theCase(), ""},
		"user":   {vault.Subject{Tenant: tenant, User: "anna"}, ""},
		"entry":  {vault.Subject{Tenant: tenant}, "e-1"},
		"tenant": {vault.Subject{Tenant: tenant}, ""},
	} {
		hold, err := f.vault.PlaceHold(ctx, by, place.on, place.entry, "Klage beim Verwaltungsgericht")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err = f.vault.Erase(ctx, by, theCase(), reason)
		known, _ := errors.AsType[*gateway.Error](err)
		if gateway.CodeOf(err) != gateway.CodeConflict || !strings.Contains(known.Message, hold.ID) || !strings.Contains(known.Message, "Klage") {
			t.Errorf("%s: %v", name, err)
		}
		f.shows("e-1", canary)
		if err := f.vault.LiftHold(ctx, by, tenant, hold.ID, reason); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	hold, err := f.vault.PlaceHold(ctx, by, vault.Subject{Tenant: tenant, Case: "99/1"}, "", "Ein anderes Verfahren")
	if err != nil {
		t.Fatal(err)
	}
	f.erase(theCase())
	f.hides("e-1")
	topics := f.record.topics()
	if last := topics[len(topics)-2:]; last[0] != audit.TopicKeyDestroyed || last[1] != audit.TopicErased {
		t.Errorf("the last notes are %v; hold %s", last, hold.ID)
	}
}
