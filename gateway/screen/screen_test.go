// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen_test

import (
	"context"
	"sync"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/screen"
)

var newOnce = sync.OnceValues(func() (*screen.Screener, error) { return screen.New(screen.Config{}) })

var plainOnce = sync.OnceValues(func() (*screen.Screener, error) { return screen.New(screen.Config{RememberFor: -1}) })

// plainScreener returns a screener that remembers nothing: every text is read.
func plainScreener(t testing.TB) *screen.Screener {
	t.Helper()
	s, err := plainOnce()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newScreener returns the screener all tests share, as all requests do.
func newScreener(t testing.TB) *screen.Screener {
	t.Helper()
	s, err := newOnce()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func screenText(t testing.TB, text string, known ...gateway.Entity) gateway.Screening {
	t.Helper()
	got, err := newScreener(t).Screen(context.Background(), []string{text}, known)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// masked is the text with every finding replaced.
func masked(t testing.TB, text string, known ...gateway.Entity) string {
	t.Helper()
	out, _ := screenText(t, text, known...).Pseudonymise()
	return out[0]
}

func person(first, last string) gateway.Entity {
	return gateway.Entity{Type: "person", First: first, Last: last}
}

func TestThinSlice(t *testing.T) {
	t.Parallel()
	text := "Frau Müller zahlt von DE89 3704 0044 0532 0130 00. Müllers Konto: DE89370400440532013000."
	s := screenText(t, text, person("Erika", "Müller"))
	out, restorer := s.Pseudonymise()
	want := "Frau [PERSON_1] zahlt von [IBAN_1]. [PERSON_1]s Konto: [IBAN_1]."
	if out[0] != want {
		t.Fatalf("masked text:\n got %q\nwant %q", out[0], want)
	}
	restored, n := restorer.Restore(out[0], false)
	wantBack := "Frau Müller zahlt von DE89 3704 0044 0532 0130 00. Müllers Konto: DE89 3704 0044 0532 0130 00."
	if restored != wantBack || n != 4 {
		t.Fatalf("restored %d:\n got %q\nwant %q", n, restored, wantBack)
	}
}
