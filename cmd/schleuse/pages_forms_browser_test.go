// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Pages that only a form leads to, in a browser: the question why with a mistake,
// a replay, a verification, the menus that open. Nothing for axe, nothing on the
// console, nothing wider than the window.
func TestPagesBehindForms(t *testing.T) {
	s := openStage(t)
	s.fill(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision)
	entry := decisionIDs.FindString(v.get("/admin/decisions?zweck=summarise", http.StatusOK).body)
	b := openBrowser(t, s.url)
	axe, err := os.ReadFile(filepath.Join("..", "..", "gateway", "ui", "testdata", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	b.open(s.login(demoTenant, identity.RoleRevision), 1280, 900)
	steps := []struct{ name, path, script, wanted string }{
		{"why, with a mistake", entry, `document.querySelector("form[action$='/open']").submit()`, "#fehler"},
		{"opened", entry, `const f = document.querySelector("form[action$='/open']"); f.begruendung.value = "Stichprobe der Revision"; f.aktenzeichen.value = "R-1"; f.submit()`, ".verdict"},
		{"replay", entry, `document.querySelector("form[action*='/replay']").submit()`, ".compare"},
		{"verified", entry, `document.querySelector("form[action$='/verify']").submit()`, ".proof.ok[role=status]"},
		{"wording", entry, `const f = document.querySelector("form[action$='/content']"); f.begruendung.value = "Beschwerde vom 3. November"; f.aktenzeichen.value = "R-1"; f.submit()`, "pre"},
		{"menus open", "/admin/decisions", `document.querySelectorAll("details").forEach(d => d.open = true)`, "details[open]"},
	}
	for _, look := range [][2]string{{"light", "de"}, {"dark", "en"}} {
		b.appearance(look[0], look[1])
		for _, step := range steps {
			if look[1] == "en" && (step.wanted == "#fehler" || step.name == "opened") {
				continue // it is open by now
			}
			b.open(step.path, 1280, 900)
			b.submit(step.script, step.wanted)
			for _, message := range b.heard() {
				t.Errorf("%s %v: on the console: %s", step.name, look, message)
			}
			do(b, chromedp.Evaluate[*string](string(axe)+";null"))
			for _, found := range do(b, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise)) {
				t.Errorf("%s %v: %s", step.name, look, found)
			}
			b.heard()
			do(b, chromedp.EmulateViewport(320, 256))
			if width := do(b, chromedp.Evaluate[int]("document.scrollingElement.scrollWidth")); width > 320 {
				t.Errorf("%s %v: %d px wide in a window of 320 px: %s", step.name, look, width, do(b, chromedp.Evaluate[string](widest)))
			}
			do(b, chromedp.EmulateViewport(1280, 900))
			if *screenshots != "" {
				raw := do(b, chromedp.CaptureScreenshot())
				if err := os.WriteFile(filepath.Join(*screenshots, "form-"+strings.ReplaceAll(step.name, " ", "-")+"-"+look[1]+".png"), raw, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
