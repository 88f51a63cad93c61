// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The pages of what is documented and set up, in both themes and both languages:
// nothing for axe to find, nothing wider than the window, nothing on the console.
func TestRegisterPagesAreAccessible(t *testing.T) {
	s := openRegisterStage(t)
	b := openBrowser(t, s.url)
	s.spend(t)
	axe, err := os.ReadFile(filepath.Join("..", "..", "gateway", "ui", "testdata", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	b.open(s.login(demoTenant, everyRole...), 1440, 900)
	for _, x := range registerPaths() {
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

// With -screenshots DIR this makes pictures of the pages, and of those that are
// printed a PDF.
func TestRegisterScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("pictures are made with -screenshots DIR")
	}
	s := openRegisterStage(t)
	b := openBrowser(t, s.url)
	s.spend(t)
	if err := os.MkdirAll(*screenshots, 0o750); err != nil {
		t.Fatal(err)
	}
	b.open(s.login(demoTenant, everyRole...), 1440, 900)
	for _, x := range registerPaths() {
		b.appearance("light", "de")
		b.picture(x.path, x.name, x.width)
		b.appearance("dark", "en")
		b.picture(x.path, x.name+"-dark-en", x.width)
		b.appearance("light", "de")
		b.picture(x.path, x.name+"-320", 320)
	}
	for name, path := range map[string]string{"classify-high": registerPaths()[1].path, "register": registerPaths()[3].path} {
		b.open(path, 1280, 900)
		b.print(name)
	}
}

// print writes the page as it comes out of the printer.
func (b *browser) print(name string) {
	b.t.Helper()
	result, err := chromedp.Call(b.ctx, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: new(true)})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".pdf"), result.Data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
