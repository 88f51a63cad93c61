// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// asOfficer signs the browser in as a person who may open all these pages.
func (b *browser) asOfficer(s *stage) {
	b.t.Helper()
	b.open(s.loginOf(identity.Person{Tenant: demoTenant, Name: "Kim Yılmaz", Operator: true, Roles: policyRoles}), 1440, 900)
}

// The pages of policies and of the record's proof, in both themes and both
// languages: nothing for axe to find, nothing wider than the window, nothing on the
// console.
func TestPolicyPagesAreAccessible(t *testing.T) {
	s, list := policySights(t)
	b := openBrowser(t, s.url)
	axe, err := os.ReadFile(filepath.Join("..", "..", "gateway", "ui", "testdata", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	b.asOfficer(s)
	for _, x := range list {
		for _, look := range [][2]string{{"light", "de"}, {"dark", "de"}, {"light", "en"}, {"dark", "en"}} {
			b.appearance(look[0], look[1])
			b.open(x.path, x.width, 900)
			do(b, chromedp.Evaluate[*string](`document.querySelectorAll("details").forEach(d => d.open = true);null`))
			for _, message := range b.heard() {
				t.Errorf("%s %v: on the console: %s", x.name, look, message)
			}
			do(b, chromedp.Evaluate[*string](string(axe)+";null"))
			for _, found := range do(b, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise)) {
				t.Errorf("%s %v: %s", x.name, look, found)
			}
			b.heard()
			do(b, chromedp.EmulateViewport(320, 256))
			if width := do(b, chromedp.Evaluate[int]("document.scrollingElement.scrollWidth")); width > 320 {
				t.Errorf("%s %v: %d px wide in a window of 320 px: %s", x.name, look, width, do(b, chromedp.Evaluate[string](widest)))
			}
		}
	}
}

// With -screenshots DIR this makes pictures of the pages.
func TestPolicyScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("pictures are made with -screenshots DIR")
	}
	s, list := policySights(t)
	b := openBrowser(t, s.url)
	if err := os.MkdirAll(*screenshots, 0o750); err != nil {
		t.Fatal(err)
	}
	b.asOfficer(s)
	for _, x := range list {
		b.appearance("light", "de")
		b.picture(x.path, x.name, x.width)
		b.appearance("dark", "en")
		b.picture(x.path, x.name+"-dark-en", x.width)
		b.appearance("light", "de")
		b.picture(x.path, x.name+"-320", 320)
	}
}
