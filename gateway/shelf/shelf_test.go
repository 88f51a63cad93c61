// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package shelf_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
	"github.com/ki-schleuse/schleuse/gateway/shelf/shelftest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	s := shelf.Memory(10, time.Now)
	shelftest.Run(t, s, s)
}

// spy shows what a store behind a seal sees, and may change it.
type spy struct {
	shelf.Store

	items  []shelf.Item
	answer func(shelf.Item) shelf.Item
}

func (s *spy) Put(ctx context.Context, i shelf.Item) error {
	s.items = append(s.items, i)
	return s.Store.Put(ctx, i)
}

func (s *spy) Get(ctx context.Context, p shelf.Place) (shelf.Item, error) {
	i, err := s.Store.Get(ctx, p)
	if err == nil && s.answer != nil {
		i = s.answer(i)
	}
	return i, err
}

func TestSealHidesAndBinds(t *testing.T) {
	t.Parallel()
	behind := &spy{Store: shelf.Memory(10, time.Now)}
	s, err := shelf.Seal(behind, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	shelftest.Run(t, s, s)
	for _, i := range behind.items {
		if bytes.Contains(i.Value, []byte("lkü")) || bytes.Contains(i.Value, []byte("anders")) || i.ID == "x1" {
			t.Errorf("the store sees %q %q", i.ID, i.Value)
		}
	}
	p, later := shelf.Place{Kind: "draft", Tenant: "a", ID: "1"}, time.Now().Add(time.Hour)
	other := shelf.Place{Kind: "draft", Tenant: "b", ID: "1"}
	for _, place := range []shelf.Place{p, other} {
		if err := shelf.Put(t.Context(), s, place, later, string(place.Tenant)); err != nil {
			t.Fatal(err)
		}
	}
	foreign := behind.items[len(behind.items)-1].Value
	for name, change := range map[string]func(shelf.Item) shelf.Item{
		"of another tenant": func(i shelf.Item) shelf.Item { i.Value = foreign; return i },
		"changed":           func(i shelf.Item) shelf.Item { i.Value[20] ^= 1; return i },
		"cut":               func(i shelf.Item) shelf.Item { i.Value = i.Value[:5]; return i },
	} {
		behind.answer = change
		if v, err := shelf.Get[string](t.Context(), s, p); err == nil {
			t.Errorf("a value %s opens: %q", name, v)
		}
	}
	if _, err := shelf.Seal(behind, []byte("short")); err == nil {
		t.Error("a short key is taken")
	}
}

// A tenant that keeps a lot does not make another one's things disappear.
func TestMemoryIsFairAmongTenants(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := shelf.Memory(4, func() time.Time { return now })
	put := func(tenant gateway.TenantID, id string) {
		t.Helper()
		if err := shelf.Put(t.Context(), s, shelf.Place{Kind: "draft", Tenant: tenant, ID: id}, now.Add(time.Hour), id); err != nil {
			t.Fatal(err)
		}
	}
	there := func(tenant gateway.TenantID, id string, want bool) {
		t.Helper()
		if _, err := s.Get(t.Context(), shelf.Place{Kind: "draft", Tenant: tenant, ID: id}); (err == nil) != want {
			t.Errorf("%s %s: %v", tenant, id, err)
		}
	}
	put("klein", "1")
	for i := range 20 {
		put("gross", fmt.Sprint(i))
	}
	there("klein", "1", true)
	there("gross", "16", false)
	there("gross", "17", true)
	there("gross", "19", true)
	now = now.Add(50 * time.Minute)
	put("klein", "1") // it stays for another hour
	now = now.Add(50 * time.Minute)
	there("klein", "1", true)
	there("gross", "19", false)
	put("neu", "2")
	there("klein", "1", true)
	there("neu", "2", true)
}
