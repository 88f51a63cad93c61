// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// The types of the memory have no place for text: this is what keeps names out
// of it, whatever else changes.
func TestRememberedHoldsNoText(t *testing.T) {
	t.Parallel()
	seen := map[reflect.Type]bool{}
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.String, reflect.Interface, reflect.Map, reflect.Func:
			t.Errorf("%s is a %s", path, typ)
		case reflect.Slice:
			if typ.Elem().Kind() == reflect.Uint8 {
				t.Errorf("%s holds bytes", path)
			}
			walk(typ.Elem(), path+"[]")
		case reflect.Pointer:
			walk(typ.Elem(), path)
		case reflect.Struct:
			if typ == reflect.TypeFor[time.Time]() {
				return
			}
			for f := range typ.Fields() {
				walk(f.Type, path+"."+f.Name)
			}
		default: // numbers, flags and the array of a digest
		}
	}
	walk(reflect.TypeFor[item](), "item")
	if len(seen) < 10 {
		t.Fatalf("only %d types were looked at", len(seen))
	}
}

// remembered counts what the memory holds and checks its own accounts.
func remembered(t *testing.T, s *Screener) (items, bytes int) {
	t.Helper()
	for i := range s.memory.shards {
		sh := &s.memory.shards[i]
		sum, n := 0, 0
		for it := sh.newest; it != nil; it = it.older {
			sum += it.bytes
			n++
			if sh.items[it.key] != it {
				t.Fatal("the list holds an item the map does not")
			}
		}
		if sum != sh.bytes || n != len(sh.items) {
			t.Fatalf("shard %d: %d items and %d bytes listed, %d and %d counted", i, n, sum, len(sh.items), sh.bytes)
		}
		if sh.bytes > sh.maxBytes || len(sh.items) > sh.maxItems {
			t.Fatalf("shard %d: %d bytes and %d items are too many", i, sh.bytes, len(sh.items))
		}
		items += n
		bytes += sum
	}
	return items, bytes
}

func text(n int) string {
	return fmt.Sprintf("Frau Achterberg fragt zum %d. Mal. ", n) + strings.Repeat("Der Antrag liegt vor. ", 30)
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{RememberTexts: 64}, {RememberBytes: 96 << 10}} {
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 1000 {
			if _, err := s.Screen(context.Background(), []string{text(n)}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if items, bytes := remembered(t, s); items == 0 || items > 200 || bytes > 96<<10 {
			t.Errorf("%+v: %d items and %d bytes are remembered", c, items, bytes)
		}
	}
}

func TestMemoryExpires(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s, err := New(Config{RememberFor: time.Minute, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	screen := func(n int) *item {
		t.Helper()
		texts := []string{text(n)}
		if _, err := s.Screen(context.Background(), texts, nil); err != nil {
			t.Fatal(err)
		}
		k := s.newKeyer("", texts, nil)
		return s.memory.get(k.text(texts[0]))
	}
	first := screen(1)
	now = now.Add(50 * time.Second)
	if screen(1) != first {
		t.Error("a text was not remembered for its time")
	}
	now = now.Add(50 * time.Second)
	if screen(1) != first {
		t.Error("a use did not renew the time")
	}
	now = now.Add(61 * time.Second)
	if screen(1) == first {
		t.Error("a text was remembered beyond its time")
	}
}

// The key covers tenant, entities and text, and no two lists of entities look
// alike.
func TestKeysAreApart(t *testing.T) {
	t.Parallel()
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	other, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[digest]string{}
	note := func(name string, s *Screener, tenant gateway.TenantID, text string, known ...gateway.Entity) {
		d := s.newKeyer(tenant, []string{text}, known).text(text)
		if was, dup := seen[d]; dup {
			t.Errorf("%s has the key of %s", name, was)
		}
		seen[d] = name
	}
	long := strings.Repeat("x", minRemembered)
	note("plain", s, "", long)
	note("longer", s, "", long+"x")
	note("other process", other, "", long)
	note("tenant", s, "a", long)
	note("tenant ab", s, "ab", long)
	note("entity", s, "a", long, gateway.Entity{Type: "person", First: "Erika", Last: "Müller"})
	note("entity, parts moved", s, "a", long, gateway.Entity{Type: "person", First: "ErikaM", Last: "üller"})
	note("entity, field moved", s, "a", long, gateway.Entity{Type: "person", First: "Erika", BirthName: "Müller"})
	note("two entities", s, "a", long, gateway.Entity{Type: "person", First: "Erika"}, gateway.Entity{Type: "person", Last: "Müller"})
}

func TestTenantsDoNotShare(t *testing.T) {
	t.Parallel()
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []gateway.TenantID{"tannberg", "bergheim", "tannberg"} {
		if _, err := s.For(tenant).Screen(context.Background(), []string{text(1)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if items, _ := remembered(t, s); items != 2 {
		t.Errorf("%d items for two tenants with one text", items)
	}
}
