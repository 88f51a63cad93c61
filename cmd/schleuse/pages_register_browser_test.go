// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// submits are pages that only a form leads to: where it stands, and what is done
// there.
var submits = []struct{ name, path, script string }{
	{"tenant-key", "/admin/tenants/" + string(storedTenant), `(() => { const f = document.querySelector("form[action$='/keys'] input[name='bezeichnung']").form; f.querySelector("input[name=zweck]").checked = true; f.querySelector("button[value=neu]").click() })();null`},
	{"person-access", "/admin/persons", `document.querySelector("#a-az").value = "50.21/2026-004711"; document.querySelector("#a-az").form.querySelector("button").click();null`},
	{"person-erase", "/admin/persons", `document.querySelector("#l-az").value = "50.21/2026-004711"; document.querySelector("#l-az").form.querySelector("button").click();null`},
	{"person-hold", "/admin/persons", `document.querySelector("#s-az").value = "50.21/2026-004711"; document.querySelector("#s-grund").value = "Klage vor dem Verwaltungsgericht"; document.querySelector("#s-az").form.querySelector("button").click();null`},
	{"person-held", "/admin/persons", `document.querySelector("#l-az").value = "50.21/2026-004711"; document.querySelector("#l-az").form.querySelector("button").click();null`},
}

// send presses a button and waits for the page that follows.
func (b *browser) send(path, script string) {
	b.t.Helper()
	b.open(path, 1280, 900)
	do(b, chromedp.Evaluate[*string]("window.before = true;null"))
	do(b, chromedp.Evaluate[*string](script))
	for range 100 {
		if do(b, chromedp.Evaluate[bool](`!window.before && document.readyState === "complete"`)) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("%s: no page follows", path)
}

// inspect looks at the page that is shown.
func (b *browser) inspect(axe, name string, look [2]string) {
	b.t.Helper()
	do(b, chromedp.Evaluate[*string](`document.querySelectorAll("details").forEach(d => d.open = true);null`))
	for _, message := range b.heard() {
		b.t.Errorf("%s %v: on the console: %s", name, look, message)
	}
	do(b, chromedp.Evaluate[*string](axe+";null"))
	for _, found := range do(b, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise)) {
		b.t.Errorf("%s %v: %s", name, look, found)
	}
	b.heard()
	do(b, chromedp.EmulateViewport(320, 256))
	if width := do(b, chromedp.Evaluate[int]("document.scrollingElement.scrollWidth")); width > 320 {
		b.t.Errorf("%s %v: %d px wide in a window of 320 px: %s", name, look, width, do(b, chromedp.Evaluate[string](widest)))
	}
}

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
	for _, look := range [][2]string{{"light", "de"}, {"dark", "de"}, {"light", "en"}, {"dark", "en"}} {
		b.appearance(look[0], look[1])
		for _, x := range registerPaths() {
			b.open(x.path, x.width, 900)
			b.inspect(string(axe), x.name, look)
		}
		if look[0] == "light" == (look[1] == "de") {
			for _, x := range submits {
				b.send(x.path, x.script)
				b.inspect(string(axe), x.name, look)
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
	for _, x := range submits {
		b.send(x.path, x.script)
		b.capture(x.name, 1280)
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

// capture makes a picture of the page that is shown.
func (b *browser) capture(name string, width int64) {
	b.t.Helper()
	height := min(do(b, chromedp.Evaluate[int64]("document.documentElement.scrollHeight")), 1600)
	do(b, chromedp.EmulateViewport(width, max(height, 500)))
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), do(b, chromedp.CaptureScreenshot()), 0o600); err != nil {
		b.t.Fatal(err)
	}
}
