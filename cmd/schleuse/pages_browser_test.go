// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

var screenshots = flag.String("screenshots", "", "folder for pictures of every page")

// browser is one tab of a headless Chromium that collects what the console says.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu      sync.Mutex
	console []string
}

func openBrowser(t *testing.T, base string) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("Chromium is not installed; the pages are not looked at")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { cancel(); cancelAllocator() })
	b := &browser{t: t, ctx: ctx, base: base}
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil { // the browser lives as long as this context
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// hear collects every message of the console, and every report of the policy for
// content. That a page itself was answered with an error is no message of it.
func (b *browser) hear(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		text = fmt.Sprintf("console.%s with %d values", e.Type, len(e.Args))
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
	case *cdplog.EventEntryAdded:
		if e.Entry.Source != cdplog.EntrySourceNetwork || strings.Contains(e.Entry.URL, "/static/") {
			text = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if text == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.console = append(b.console, text)
}

func (b *browser) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.console
	b.console = nil
	return out
}

func do[T any](b *browser, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// open shows a page in a width, a theme and a language.
func (b *browser) open(path string, width, height int64) {
	b.t.Helper()
	do(b, chromedp.EmulateViewport(width, height))
	do(b, chromedp.Navigate(b.base+path))
}

func (b *browser) appearance(theme, language string) {
	b.t.Helper()
	for name, value := range map[string]string{"schleuse_darstellung": theme, "schleuse_sprache": language} {
		if _, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: b.base}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// sight is a page to be looked at.
type sight struct {
	name, path string
	width      int64 // of the picture
}

// sights makes something to see on every page and signs the browser in.
func (s *stage) sights(t *testing.T) (before, after []sight) {
	t.Helper()
	s.fill(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision, identity.RoleCase)
	check := v.check().path
	open, _ := v.draft()
	edited, _ := v.draft()
	for i, action := range []string{"uebernehmen", "uebernehmen", "verwerfen"} {
		v.post("/panel/draft/"+edited, url.Values{"aktion": {action}, "absatz": {strconv.Itoa(i)}}, http.StatusOK)
	}
	released, _ := v.draft()
	for _, action := range []string{"alle", "freigeben"} {
		v.post("/panel/draft/"+released, url.Values{"aktion": {action}}, http.StatusOK)
	}
	decision := func(purpose string) string {
		return decisionIDs.FindString(v.get("/admin/decisions?zweck="+purpose, http.StatusOK).body)
	}
	proof, err := s.parts.record.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.parts.pages.Verified(proof.OK(), time.Now())
	before = []sight{{"login", "/login", 1440}, {"unauthenticated", "/admin/decisions", 1440}}
	denied := decision("social_scoring")
	v.get(denied, http.StatusOK)
	v.post("/admin/decisions/views", url.Values{"name": {"Ablehnungen der Woche"}, "ergebnis": {"abgelehnt"}, "zeitraum": {"7d"}, "geteilt": {"1"}}, http.StatusOK)
	after = []sight{
		{"decision-why", denied, 1280}, // before it is opened
		{"overview", "/admin", 1280},
		{"sessions", "/sitzungen", 1280},
		{"approvals", "/admin/approvals", 1280},
		{"panel-approvals", "/panel/approvals?einbettung=1", 420},
		{"decisions-chips", "/admin/decisions?ergebnis=auflagen&zweck=summarise&ort=own_datacentre&q=SGB", 1280},
		{"decisions", "/admin/decisions", 1280},
		{"decisions-filtered", "/admin/decisions?ergebnis=abgelehnt&zeitraum=7d", 1440},
		{"decisions-empty", "/admin/decisions?q=GIBTESNICHT", 1440},
		{"decision-denied", denied + "?", 1280},
		{"decision", decision("summarise"), 1280},
		{"decision-check", decision("completeness_check"), 1440},
		{"check-form", "/panel/check", 1440},
		{"check", check, 1280},
		{"panel-check-form", "/panel/check?einbettung=1", 420},
		{"panel-check", check + "?einbettung=1", 420},
		{"draft-start", "/panel/draft", 1440},
		{"draft-open", "/panel/draft/" + open, 1440},
		{"draft", "/panel/draft/" + edited, 1280},
		{"panel-draft", "/panel/draft/" + edited + "?einbettung=1", 560},
		{"panel-draft-editing", "/panel/draft/" + edited + "?einbettung=1&bearbeiten=6", 560},
		{"draft-released", "/panel/draft/" + released, 1440},
		{"not-found", "/gibt-es-nicht", 1440},
		{"error", "/admin/decisions?zeitraum=immer", 1440},
	}
	return before, after
}

// eachSight shows every page, signed out and signed in.
func (s *stage) eachSight(t *testing.T, b *browser, look func(sight)) {
	t.Helper()
	before, after := s.sights(t)
	for _, x := range before {
		look(x)
	}
	b.open(s.login(demoTenant, identity.RoleRevision, identity.RoleCase), 1440, 900)
	for _, x := range after {
		if strings.HasPrefix(x.path, "/admin/decisions/e-") && x.name != "decision-why" {
			b.openEntry(x.path)
		}
		look(x)
	}
}

// openEntry says why an entry is opened, if the page asks for it.
func (b *browser) openEntry(path string) {
	b.t.Helper()
	b.open(path, 1280, 900)
	b.submit(`const form = document.querySelector("form[action$='/open']"); if (!form) return; form.begruendung.value = "Stichprobe der Revision im November"; form.aktenzeichen.value = "R-2026/11"; form.submit()`, ".verdict")
}

// submit runs a script that sends a form, and waits for what the next page shows.
func (b *browser) submit(script, wanted string) {
	b.t.Helper()
	// While the page goes away there is nobody to answer.
	_, _ = chromedp.Run(b.ctx, chromedp.Evaluate[*string]("(() => {"+script+"})(), null"))
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf("document.readyState === 'complete' && !!document.querySelector(%q)", wanted)))
		if err == nil && there {
			return
		}
	}
	b.t.Fatalf("the page never showed %s", wanted)
}

// axeRun returns one line per violation.
const axeRun = `axe.run(document, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"], resultTypes: ["violations"]})
  .then(r => r.violations.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.target.join(" ") + " " + (n.any[0] || n.all[0] || n.none[0] || {message: ""}).message).join(" | ")))`

// Every page in both themes and both languages: nothing for axe to find, nothing
// wider than the window, nothing on the console.
func TestPagesAreAccessible(t *testing.T) {
	s := openStage(t)
	b := openBrowser(t, s.url)
	axe, err := os.ReadFile(filepath.Join("..", "..", "gateway", "ui", "testdata", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	runs, violations := 0, 0
	s.eachSight(t, b, func(x sight) {
		for _, look := range [][2]string{{"light", "de"}, {"dark", "de"}, {"light", "en"}, {"dark", "en"}} {
			b.appearance(look[0], look[1])
			b.open(x.path, x.width, 900)
			for _, message := range b.heard() {
				t.Errorf("%s %v: on the console: %s", x.name, look, message)
			}
			do(b, chromedp.Evaluate[*string](string(axe)+";null"))
			runs++
			for _, found := range do(b, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise)) {
				violations++
				t.Errorf("%s %v: %s", x.name, look, found)
			}
			b.heard()
			do(b, chromedp.EmulateViewport(320, 256))
			if width := do(b, chromedp.Evaluate[int]("document.scrollingElement.scrollWidth")); width > 320 {
				t.Errorf("%s %v: %d px wide in a window of 320 px: %s", x.name, look, width, do(b, chromedp.Evaluate[string](widest)))
			}
		}
	})
	t.Logf("axe: %d runs, %d violations", runs, violations)
}

// widest names what does not fit, except inside boxes that scroll by themselves.
const widest = `[...document.querySelectorAll("main *, header *, nav *, body > *")].filter(e => e.getBoundingClientRect().right > 321 && !e.closest(".scroller"))
  .slice(0, 5).map(e => e.tagName + "." + e.className + " " + Math.round(e.getBoundingClientRect().right)).join(", ")`

// By keyboard: the skip link comes first and leads to the content, and whatever
// has the focus can be seen.
func TestPagesByKeyboard(t *testing.T) {
	s := openStage(t)
	b := openBrowser(t, s.url)
	b.appearance("light", "de")
	b.open(s.login(demoTenant, identity.RoleRevision, identity.RoleCase), 1440, 900)
	for _, path := range []string{"/admin", "/admin/decisions", "/admin/approvals", "/panel/approvals?einbettung=1", "/panel/check", "/panel/check?einbettung=1"} {
		b.open(path, 1440, 900)
		do(b, chromedp.KeyEvent(kb.Tab))
		if first := do(b, chromedp.Evaluate[string]("document.activeElement.getAttribute('href') || document.activeElement.tagName")); first != "#inhalt" {
			t.Errorf("%s: the first stop is %s, not the skip link", path, first)
		}
		stops := map[string]bool{}
		for range 40 {
			for _, problem := range do(b, chromedp.Evaluate[[]string](focusProblems)) {
				t.Errorf("%s: %s", path, problem)
			}
			stops[do(b, chromedp.Evaluate[string]("document.activeElement.outerHTML"))] = true
			do(b, chromedp.KeyEvent(kb.Tab))
		}
		if len(stops) < 5 {
			t.Errorf("%s: only %d stops", path, len(stops))
		}
		b.open(path, 1440, 900)
		do(b, chromedp.KeyEvent(kb.Tab))
		do(b, chromedp.KeyEvent(kb.Enter))
		if now := do(b, chromedp.Evaluate[string]("document.activeElement.id")); now != "inhalt" {
			t.Errorf("%s: the skip link leads to %q", path, now)
		}
	}
}

// focusProblems: what has the focus is in the window, not under the sticky
// header, and has an outline of its own or of the box around it.
const focusProblems = `(() => {
  const e = document.activeElement, out = [];
  if (!e || e === document.body) return out;
  const box = e.getBoundingClientRect(), name = e.tagName + " " + (e.id || e.textContent.trim().slice(0, 30));
  if (box.width === 0 || box.bottom < 0 || box.top > innerHeight) out.push(name + " is outside the window");
  const top = document.querySelector("header"), sticky = top && getComputedStyle(top).position === "sticky";
  if (sticky && !top.contains(e) && !e.matches(".skip") && box.bottom < top.getBoundingClientRect().bottom) out.push(name + " is under the header");
  const style = [e, e.parentElement].map(x => getComputedStyle(x));
  if (!style.some(x => x.outlineStyle !== "none" && parseFloat(x.outlineWidth) >= 2)) out.push(name + " shows no focus");
  return out;
})()`

// With -screenshots DIR this makes a picture of every page, in a palette.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("pictures are made with -screenshots DIR")
	}
	s := openStage(t)
	b := openBrowser(t, s.url)
	if err := os.MkdirAll(*screenshots, 0o750); err != nil {
		t.Fatal(err)
	}
	s.eachSight(t, b, func(x sight) {
		b.appearance("light", "de")
		b.picture(x.path, x.name, x.width)
		b.appearance("dark", "en")
		b.picture(x.path, x.name+"-dark-en", x.width)
		b.appearance("light", "de")
		b.picture(x.path, x.name+"-320", 320)
	})
}

func (b *browser) picture(path, name string, width int64) {
	b.t.Helper()
	b.open(path, width, 400)
	do(b, chromedp.Evaluate[*string]("document.fonts.ready.then(() => null)", chromedp.EvalAwaitPromise))
	height := min(do(b, chromedp.Evaluate[int64]("document.documentElement.scrollHeight")), 2400)
	if strings.HasPrefix(name, "panel") || width == 1280 {
		height = min(height, 1100)
	}
	do(b, chromedp.EmulateViewport(width, max(height, 500)))
	raw := do(b, chromedp.CaptureScreenshot())
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, inPalette(picture)); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), out.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// inPalette keeps the 255 most frequent colours and maps the rest to
// the nearest of them: pages have few colours, and the file becomes a third.
func inPalette(in image.Image) *image.Paletted {
	counts := map[color.RGBA]int{}
	bounds := in.Bounds()
	at := func(x, y int) color.RGBA {
		r, g, b, _ := in.At(x, y).RGBA()
		return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return counts[b] - counts[a] })
	palette := color.Palette{}
	for _, c := range colours[:min(len(colours), 255)] {
		palette = append(palette, c)
	}
	index := map[color.RGBA]uint8{}
	out := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			i, ok := index[c]
			if !ok {
				i = uint8(palette.Index(c))
				index[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}
