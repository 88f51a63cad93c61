// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every German text of a template has an English one.
func TestTemplatesAreTranslated(t *testing.T) {
	t.Parallel()
	l, err := newLocale()
	if err != nil {
		t.Fatal(err)
	}
	inTemplates, inCode := regexp.MustCompile(`\bt "([^"]+)"`), regexp.MustCompile(`\bsay\("([^"]+)"`)
	for _, name := range []string{"decision_show.go", "panel.go"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := inCode.FindAllStringSubmatch(string(raw), -1)
		if len(found) == 0 {
			t.Errorf("%s has no phrases", name)
		}
		for _, m := range found {
			if l[m[1]] == "" || strings.Count(m[1], "%") != strings.Count(l[m[1]], "%") {
				t.Errorf("%s: %q is translated as %q", name, m[1], l[m[1]])
			}
		}
	}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := templateFiles.ReadFile("templates/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inTemplates.FindAllStringSubmatch(string(raw), -1) {
			if l[m[1]] == "" {
				t.Errorf("%s: no English text for %q", f.Name(), m[1])
			}
			if strings.Count(m[1], "%") != strings.Count(l[m[1]], "%") {
				t.Errorf("%s: %q and %q take different values", f.Name(), m[1], l[m[1]])
			}
		}
	}
}

// The total of embedded assets stays small, and nothing is loaded from elsewhere.
func TestAssetsAreSmallAndLocal(t *testing.T) {
	t.Parallel()
	a, err := newAssets()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for name, f := range a.files {
		total += len(f.data)
		if strings.HasSuffix(name, "schleuse.css") && regexp.MustCompile(`url\("?(https?:)?//`).Match(f.data) {
			t.Errorf("%s loads something from another server", name)
		}
	}
	if total > 600_000 {
		t.Errorf("the assets have %d bytes together, more than 600 KB", total)
	}
	if css := string(a.files["schleuse.css"].data); strings.Contains(css, `url("fira`) {
		t.Error("a font is referenced without its hash")
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/admin/decisions": "/admin/decisions", "//evil.example": "/", "https://evil.example": "/", "/a\\b": "/", "": "/", "/x\r\nSet-Cookie: a": "/",
		"/\t/evil.example": "/", "/\x00/evil.example": "/", "/\n/evil.example": "/", "/admin?q=ä b": "/admin?q=ä b",
	} {
		if got := localPath(in); got != want {
			t.Errorf("localPath(%q) = %q, want %q", in, got, want)
		}
	}
}

// Only the panel may stand in a frame, and only in the frames that are named.
func TestFrameAncestors(t *testing.T) {
	t.Parallel()
	for ancestors, want := range map[string]map[string]string{
		"":                     {"/panel/check": "'none'", "/admin/decisions": "'none'", "/": "'none'"},
		"https://woga.example": {"/panel/check": "https://woga.example", "/admin/decisions": "'none'", "/panelx": "'none'", "/login": "'none'"},
	} {
		u := &UI{Config: Config{FrameAncestors: strings.Fields(ancestors)}}
		for path, frame := range want {
			h := http.Header{}
			u.secure(h, path)
			if policy := h.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "frame-ancestors "+frame) {
				t.Errorf("%s with %q: %s", path, ancestors, policy)
			}
		}
	}
}

func TestExactOrigin(t *testing.T) {
	t.Parallel()
	for origin, ok := range map[string]bool{
		"https://woga.example": true, "http://127.0.0.1:9000": true, "https://*.example": false, "*": false, "https://woga.example/": false,
		"woga.example": false, "https://a.example; script-src *": false, "javascript://x": false, "": false, "https://u@a.example": false,
	} {
		if err := exactOrigin(origin); (err == nil) != ok {
			t.Errorf("%q: %v", origin, err)
		}
	}
}
