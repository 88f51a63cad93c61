// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
)

// Large bodies wait for room and are refused when there is none; small ones pass,
// and what a body did not need is free again.
func TestLargeBodiesNeedRoom(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.MaxBodies = 4 << 20 })
	large := `{"messages":[{"role":"user","content":"` + strings.Repeat("x", 3<<20) + `"}]}`
	chat := func(body string) answer {
		return b.call(t, http.MethodPost, "/v1/chat/completions", body, "Schleuse-Purpose", "chat")
	}
	hold, release := io.Pipe()
	first := make(chan int, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v1/chat/completions", hold)
		if err != nil {
			first <- 0
			return
		}
		r.ContentLength = int64(len(large))
		r.Header.Set("Authorization", "Bearer gut")
		r.Header.Set("Schleuse-Purpose", "chat")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			first <- 0
			return
		}
		_ = answer.Body.Close()
		first <- answer.StatusCode
	}()
	if _, err := io.WriteString(release, large[:100]); err != nil {
		t.Fatal(err)
	}
	if a := chat(large); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("a second large body: %d %.200s", a.status, a.body)
	}
	if a := chat(`{"messages":[{"role":"user","content":"klein"}]}`); a.status != http.StatusOK {
		t.Errorf("a small body: %d %.200s", a.status, a.body)
	}
	if _, err := io.WriteString(release, large[100:]); err != nil {
		t.Fatal(err)
	}
	_ = release.Close()
	if status := <-first; status != http.StatusOK {
		t.Errorf("the first large body: %d", status)
	}
	if a := chat(large); a.status != http.StatusOK {
		t.Errorf("a large body when there is room again: %d %.200s", a.status, a.body)
	}
}
