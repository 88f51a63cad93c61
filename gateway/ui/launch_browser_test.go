// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// visits are the requests that the panel saw.
type visits struct {
	mu   sync.Mutex
	seen []string
}

func (v *visits) note(r *http.Request, status int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, err := r.Cookie("__Host-schleuse-panel")
	v.seen = append(v.seen, fmt.Sprintf("%s %s dest=%s site=%s cookie=%t %d", r.Method, r.URL.Path, r.Header.Get("Sec-Fetch-Dest"), r.Header.Get("Sec-Fetch-Site"), err == nil, status))
}

// take returns what was seen as soon as something that begins so was seen.
func (v *visits) take(t *testing.T, wanted string) []string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		v.mu.Lock()
		if slices.Contains(v.seen, wanted) {
			out := v.seen
			v.seen = nil
			v.mu.Unlock()
			return out
		}
		v.mu.Unlock()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	t.Fatalf("not seen: %s\nbut:\n%s", wanted, strings.Join(v.seen, "\n"))
	return nil
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// The panel in a frame of another site, in a real browser: the ticket becomes a
// cookie of this frame, and in the frame of a third site this cookie is not sent.
func TestPanelInAFrameOfAnotherSite(t *testing.T) {
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("Chromium is not installed")
	}
	frame := ""
	host := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!DOCTYPE html><title>Fachverfahren</title><iframe src="%s" width="600" height="400"></iframe>`, frame)
	}))
	t.Cleanup(host.Close)
	port := ":" + strings.Split(host.URL, ":")[2]
	woga, other := "https://woga.example"+port, "https://zweites.example"+port
	k := openDesk(t, woga, other)
	seen := &visits{}
	panel := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &status{ResponseWriter: w, code: http.StatusOK}
		k.handler.ServeHTTP(s, r)
		if !strings.HasPrefix(r.URL.Path, "/static/") {
			seen.note(r, s.code)
		}
	}))
	t.Cleanup(panel.Close)
	address := "https://schleuse.example:" + strings.Split(panel.URL, ":")[2]

	ctx := openChromium(t, program)
	show := func(origin, path string) {
		t.Helper()
		frame = address + path
		if _, err := chromedp.Run(ctx, chromedp.Navigate(origin+"/")); err != nil {
			t.Fatal(err)
		}
	}
	ticket, _, err := k.launches.Issue(t.Context(), k.caller, identity.LaunchWish{Page: identity.PageCheck, Case: "WG-1", Name: "Kim", Origin: woga})
	if err != nil {
		t.Fatal(err)
	}
	show(woga, "/panel/launch?t="+ticket)
	got := seen.take(t, "GET /panel/check dest=iframe site=cross-site cookie=true 200")
	if got[0] != "GET /panel/launch dest=iframe site=cross-site cookie=false 303" {
		t.Errorf("the panel saw\n%s", strings.Join(got, "\n"))
	}
	show(woga, "/panel/draft")
	seen.take(t, "GET /panel/draft dest=iframe site=cross-site cookie=true 200")
	show(other, "/panel/draft")
	seen.take(t, "GET /panel/draft dest=iframe site=cross-site cookie=false 401")
}

func openChromium(t *testing.T, program string) context.Context {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1"), chromedp.Flag("no-proxy-server", true))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { cancel(); cancelAllocator() })
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}
