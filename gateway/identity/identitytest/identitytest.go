// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package identitytest is what every identity.Store has to do, alone and under
// registries of several processes. It is used by tests only. Start at [Run].
package identitytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Attach opens a database once more, as another process would.
type Attach func(t testing.TB) identity.Store

// Backend makes an empty database for each test.
type Backend func(t testing.TB) Attach

// Run runs the suite.
func Run(t *testing.T, b Backend) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Backend)
	}{
		{"changes are counted", counted},
		{"what fails leaves nothing", nothingLeft},
		{"changes at once follow one another", parallel},
		{"who follows misses nothing", following},
		{"answers are kept for their time", answers},
		{"the latest day of use counts", days},
		{"odd texts survive", oddTexts},
		{"a municipality is one call", onboarding},
		{"a replica knows within two seconds", replicas},
		{"the last snapshot serves while the store is away", away},
		{"a database from a backup is read anew", restored},
		{"rotations at once leave two keys", rotations},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, b)
		})
	}
}

// write stores rows as they are.
func write(t testing.TB, s identity.Store, rows ...identity.Row) {
	t.Helper()
	if err := put(s, rows...); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func put(s identity.Store, rows ...identity.Row) error {
	return s.Update(context.Background(), identity.Lookup{}, func(identity.Current) (identity.Write, error) {
		return identity.Write{Rows: rows}, nil
	})
}

func revision(t testing.TB, s identity.Store) int64 {
	t.Helper()
	n, err := s.Revision(context.Background())
	if err != nil {
		t.Fatalf("revision: %v", err)
	}
	return n
}

func changed(t testing.TB, s identity.Store, after int64) (ids []string, at int64) {
	t.Helper()
	rows, at, err := s.Changed(context.Background(), after)
	if err != nil {
		t.Fatalf("changed: %v", err)
	}
	for _, r := range rows {
		ids = append(ids, fmt.Sprintf("%s.%d=%s", r.ID, r.Version, r.Body))
	}
	slices.Sort(ids)
	return ids, at
}

func counted(t *testing.T, b Backend) {
	attach := b(t)
	s := attach(t)
	if n := revision(t, s); n != 0 {
		t.Errorf("an empty store has revision %d", n)
	}
	write(t, s, identity.Row{ID: "a", Version: 1, Body: []byte("x")}, identity.Row{ID: "b", Version: 1, Body: []byte("y")})
	write(t, s) // nothing
	write(t, s, identity.Row{ID: "b", Version: 2, Body: []byte("z")})
	write(t, s, identity.Row{ID: "a", Version: 2})
	other := attach(t)
	if n := revision(t, other); n != 3 {
		t.Errorf("after three changes the revision is %d", n)
	}
	for after, want := range map[int64][]string{0: {"a.2=", "b.2=z"}, 1: {"a.2=", "b.2=z"}, 2: {"a.2="}, 3: nil, 9: nil} {
		if got, at := changed(t, other, after); !slices.Equal(got, want) || at != 3 {
			t.Errorf("changed after %d = %q at %d, want %q at 3", after, got, at, want)
		}
	}
	err := s.Update(context.Background(), identity.Lookup{Tenants: []gateway.TenantID{"a", "b", "c"}}, func(c identity.Current) (identity.Write, error) {
		if len(c.Rows) != 2 || c.Rows["a"].Body != nil || string(c.Rows["b"].Body) != "z" || c.Rows["b"].Version != 2 {
			t.Errorf("an update sees %v", c.Rows)
		}
		return identity.Write{}, nil
	})
	if err != nil {
		t.Errorf("update = %v", err)
	}
}

func nothingLeft(t *testing.T, b Backend) {
	s := b(t)(t)
	mine := errors.New("mine")
	err := s.Update(context.Background(), identity.Lookup{}, func(identity.Current) (identity.Write, error) {
		return identity.Write{Rows: []identity.Row{{ID: "a", Version: 1, Body: []byte("x")}}}, mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("the error of build came back as %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = s.Update(ctx, identity.Lookup{}, func(identity.Current) (identity.Write, error) {
		cancel()
		return identity.Write{Rows: []identity.Row{{ID: "a", Version: 1, Body: []byte("x")}}}, nil
	})
	if err == nil {
		t.Error("an update whose caller left was made")
	}
	if got, at := changed(t, s, 0); got != nil || at != 0 {
		t.Errorf("failed updates left %q at %d", got, at)
	}
	write(t, s, identity.Row{ID: "a", Version: 1, Body: []byte("x")}) // and the store still works
}

func parallel(t *testing.T, b Backend) {
	attach := b(t)
	stores := []identity.Store{attach(t), attach(t)}
	const writers, each = 8, 10
	var wait sync.WaitGroup
	for i := range writers {
		wait.Go(func() {
			for range each {
				err := stores[i%2].Update(context.Background(), identity.Lookup{Tenants: []gateway.TenantID{"a"}}, func(c identity.Current) (identity.Write, error) {
					return identity.Write{Rows: []identity.Row{{ID: "a", Version: c.Rows["a"].Version + 1, Body: []byte("x")}}}, nil
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
			}
		})
	}
	wait.Wait()
	want := []string{fmt.Sprintf("a.%d=x", writers*each)}
	if got, at := changed(t, stores[0], 0); !slices.Equal(got, want) || at != writers*each {
		t.Errorf("after %d updates there is %q at %d: updates were lost", writers*each, got, at)
	}
}

// following reads along while two processes write different tenants.
func following(t *testing.T, b Backend) {
	attach := b(t)
	const each = 25
	var wait sync.WaitGroup
	for i := range 2 {
		s := attach(t)
		wait.Go(func() {
			for n := range each {
				row := identity.Row{ID: gateway.TenantID(fmt.Sprintf("t%d-%d", i, n)), Version: 1, Body: []byte("x")}
				if err := put(s, row); err != nil {
					t.Errorf("update: %v", err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wait.Wait(); close(done) }()
	reader, seen, last := attach(t), map[string]bool{}, int64(0)
	for over := false; !over; {
		select {
		case <-done:
			over = true // and one look more
		default:
		}
		got, at := changed(t, reader, last)
		if at < last {
			t.Fatalf("the revision went from %d to %d", last, at)
		}
		for _, id := range got {
			seen[id] = true
		}
		last = at
	}
	if len(seen) != 2*each {
		t.Errorf("who follows saw %d of %d tenants", len(seen), 2*each)
	}
}

func answers(t *testing.T, b Backend) {
	s := b(t)(t)
	ctx := context.Background()
	keep := func(id string, at, forget int64) {
		t.Helper()
		err := s.Update(ctx, identity.Lookup{Request: id}, func(c identity.Current) (identity.Write, error) {
			if c.Answer != nil {
				t.Errorf("request %s has an answer already", id)
			}
			return identity.Write{Request: id, Answer: []byte(id), At: at, Forget: forget}, nil
		})
		if err != nil {
			t.Fatalf("keep answer: %v", err)
		}
	}
	has := func(id string, want bool) {
		t.Helper()
		err := s.Update(ctx, identity.Lookup{Request: id}, func(c identity.Current) (identity.Write, error) {
			if (c.Answer != nil) != want || want && !bytes.Equal(c.Answer, []byte(id)) {
				t.Errorf("request %s has the answer %q", id, c.Answer)
			}
			return identity.Write{}, nil
		})
		if err != nil {
			t.Fatalf("look: %v", err)
		}
	}
	keep("one", 100, 0)
	keep("two", 200, 50)
	has("one", true)
	has("three", false)
	keep("three", 300, 150)
	has("one", false)
	has("two", true)
	if n := revision(t, s); n != 0 {
		t.Errorf("an answer counted as %d changes", n)
	}
}

func days(t *testing.T, b Backend) {
	attach := b(t)
	s, ctx := attach(t), context.Background()
	for _, used := range []map[string]int64{{"key-one1": 20_000, "key-two2": 20_000}, {"key-one1": 20_005, "key-two2": 19_000}, {}} {
		if err := s.Used(ctx, used); err != nil {
			t.Fatalf("used: %v", err)
		}
	}
	got, err := attach(t).LastUsed(ctx, []string{"key-one1", "key-two2", "key-none"})
	if err != nil || len(got) != 2 || got["key-one1"] != 20_005 || got["key-two2"] != 20_000 {
		t.Errorf("last used = %v, %v", got, err)
	}
	if got, err := s.LastUsed(ctx, nil); err != nil || len(got) != 0 {
		t.Errorf("last used of no key = %v, %v", got, err)
	}
	if n := revision(t, s); n != 0 {
		t.Errorf("use counted as %d changes", n)
	}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			many := map[string]int64{}
			for n := range 50 {
				many[fmt.Sprintf("key-%04d", (n*7+i)%50)] = int64(20_000 + i)
			}
			if err := s.Used(ctx, many); err != nil {
				t.Errorf("used at once: %v", err)
			}
		})
	}
	wait.Wait()
	if got, err := s.LastUsed(ctx, []string{"key-0007"}); err != nil || got["key-0007"] != 20_007 {
		t.Errorf("last used after eight at once = %v, %v; want 20007", got, err)
	}
}

func oddTexts(t *testing.T, b Backend) {
	s := b(t)(t)
	body := []byte(`{"name":"Groß-Ö'; DROP TABLE tenant; --` + strings.Repeat("ü", 10_000) + `"}`)
	id := gateway.TenantID(`x'"\; --`)
	write(t, s, identity.Row{ID: id, Version: 1, Body: body})
	rows, _, err := s.Changed(context.Background(), 0)
	if err != nil || len(rows) != 1 || rows[0].ID != id || !bytes.Equal(rows[0].Body, body) {
		t.Errorf("odd texts came back as %d rows, %v", len(rows), err)
	}
	err = s.Update(context.Background(), identity.Lookup{Tenants: []gateway.TenantID{id}, Request: `'"`}, func(c identity.Current) (identity.Write, error) {
		if len(c.Rows) != 1 {
			t.Errorf("looking up an odd id finds %d rows", len(c.Rows))
		}
		return identity.Write{}, nil
	})
	if err != nil {
		t.Errorf("update: %v", err)
	}
}
