// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
)

func TestNewNeedsItsParts(t *testing.T) {
	t.Parallel()
	if _, err := httpapi.New(httpapi.Config{}); err == nil {
		t.Error("a server without gateway, keys and models was built")
	}
}

// Every route is described and every description has a route; every reference resolves.
func TestOpenAPIMatchesRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, "GET", "/api/openapi.json", "", "Authorization", "")
	var document struct {
		OpenAPI string
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(got.body), &document); err != nil || document.OpenAPI != "3.1.0" {
		t.Fatalf("got %d, version %q, %v", got.status, document.OpenAPI, err)
	}
	var described []string
	for path, operations := range document.Paths {
		for method := range operations {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	parameter := regexp.MustCompile(`[:*]([a-z]+)`)
	var routed []string
	for _, r := range b.setup.Routes() {
		routed = append(routed, parameter.ReplaceAllString(r, "{$1}"))
	}
	slices.Sort(described)
	slices.Sort(routed)
	if !slices.Equal(described, routed) {
		t.Errorf("described\n%q\nrouted\n%q", described, routed)
	}
	whole := got.json(t)
	for _, reference := range regexp.MustCompile(`"#/([A-Za-z/]+)"`).FindAllStringSubmatch(got.body, -1) {
		if at(whole, strings.Split(reference[1], "/")...) == nil {
			t.Errorf("reference %s leads nowhere", reference[1])
		}
	}
}

func TestEveryRouteButTheOpenOnesNeedsAKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	open := map[string]bool{"GET /api/openapi.json": true, "GET /healthz": true, "GET /readyz": true}
	for _, r := range b.setup.Routes() {
		method, path, _ := strings.Cut(r, " ")
		path = strings.NewReplacer(":file", "x", ":id", "x", "*id", "x").Replace(path)
		got := b.call(t, method, path, "", "Authorization", "Bearer falsch")
		if (got.status == 401) == open[r] {
			t.Errorf("%s: status %d, open = %v", r, got.status, open[r])
		}
		if got.status == 401 && got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: 401 without WWW-Authenticate", r)
		}
	}
}

func TestPartsThatAreNotSetUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, r := range []string{"POST /api/v1/checks", "POST /api/v1/drafts", "POST /api/v1/search", "GET /api/v1/decisions", "GET /api/v1/decisions/x", "GET /api/v1/services", "GET /api/v1/services/x"} {
		method, path, _ := strings.Cut(r, " ")
		if got := b.call(t, method, path, "{}"); got.status != 404 || at(got.json(t), "code") != "not_found" {
			t.Errorf("%s: got %d %s", r, got.status, got.body)
		}
	}
}

func TestUnknownAddressAndMethod(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if got := b.call(t, "GET", "/v1/unbekannt", ""); got.status != 404 || at(got.json(t), "error", "message") == nil {
		t.Errorf("got %d %s, want OpenAI's shape", got.status, got.body)
	}
	if got := b.call(t, "DELETE", "/api/v1/unbekannt", ""); got.status != 404 || at(got.json(t), "title") == nil {
		t.Errorf("got %d %s, want a problem", got.status, got.body)
	}
	for _, r := range b.setup.Routes() {
		method, path, _ := strings.Cut(r, " ")
		path = strings.NewReplacer(":file", "x", ":id", "x", "*id", "x").Replace(path)
		got := b.call(t, "PATCH", path, "")
		if got.status != 405 || !strings.Contains(got.header.Get("Allow"), method) || !strings.Contains(got.body, "PATCH") || !strings.Contains(got.body, "method_not_allowed") {
			t.Errorf("PATCH %s: got %d, Allow %q, %s", path, got.status, got.header.Get("Allow"), got.body)
		}
	}
}

// Of two keys in one request none is taken silently.
func TestTwoKeysInOneRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := httptest.NewRequest(http.MethodGet, "/v1/models", nil)
	r.Header["X-Api-Key"] = []string{"slz_a", "slz_b"}
	w := httptest.NewRecorder()
	b.setup.ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "mehrfach") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.HSTS = true })
	got := b.call(t, "GET", "/healthz", "")
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Content-Security-Policy":   "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		"Strict-Transport-Security": "max-age=31536000",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.header.Get(name), want)
		}
	}
	for _, bad := range []string{"", "a b", strings.Repeat("x", 65), "Müller"} {
		id := b.call(t, "GET", "/healthz", "", "X-Request-Id", bad).header.Get("X-Request-Id")
		if id == bad || len(id) != 24 {
			t.Errorf("X-Request-Id %q became %q, want one of our own", bad, id)
		}
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	var err error
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) {
		c.Ready = []httpapi.ReadyCheck{
			{Name: "protokoll", Check: func(context.Context) error { return nil }},
			{Name: "modelle", Check: func(context.Context) error { return err }},
		}
	})
	operator := func() (int, string) {
		w := httptest.NewRecorder()
		b.setup.Readiness().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Code, w.Body.String()
	}
	if got := b.call(t, "GET", "/readyz", ""); got.status != 200 || got.body != `{"status":"bereit"}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if status, body := operator(); status != 200 || !strings.Contains(body, `{"name":"protokoll","ok":true,`) {
		t.Errorf("operators: %d %s", status, body)
	}
	err = errors.New("dial tcp 10.0.0.7")
	if got := b.call(t, "GET", "/readyz", ""); got.status != 503 || got.body != `{"status":"nicht bereit"}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if status, body := operator(); status != 503 || strings.Contains(body, "10.0.0.7") || !strings.Contains(body, `{"name":"modelle","ok":false,`) {
		t.Errorf("operators: %d %s", status, body)
	}
	err = nil
	b.setup.Drain()
	if got := b.call(t, "GET", "/readyz", ""); got.status != 503 {
		t.Errorf("draining: got %d %s", got.status, got.body)
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, withDrafter(), func(c *httpapi.Config, _ *gateway.Config) { c.MaxBody = 1000 })
	large := `{"kind":"` + strings.Repeat("x", 2000) + `"}`
	if got := b.call(t, "POST", chatPath, large); got.status != 413 || at(got.json(t), "error", "code") != "too_large" {
		t.Errorf("chat: got %d %s", got.status, got.body)
	}
	if got := b.call(t, "POST", "/api/v1/drafts", large); got.status != 413 || at(got.json(t), "code") != "too_large" {
		t.Errorf("drafts: got %d %s", got.status, got.body)
	}
}

// A client that sends its body too slowly does not hold the connection for ever.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.BodyTimeout = 100 * time.Millisecond })
	connection, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	_, _ = io.WriteString(connection, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer gut\r\nContent-Length: 100\r\n\r\n{")
	_ = connection.SetReadDeadline(time.Now().Add(3 * time.Second))
	answer := make([]byte, 12)
	if _, err := io.ReadFull(connection, answer); err != nil || string(answer) != "HTTP/1.1 400" {
		t.Errorf("got %q, %v, want 400 soon", answer, err)
	}
}

func TestTimeoutOfPlainRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) {
		c.Timeout = 50 * time.Millisecond
		c.Retriever = slowRetriever{}
	})
	if got := b.call(t, "POST", "/api/v1/search", `{"query":"x"}`); got.status != 504 {
		t.Errorf("got %d %s, want 504", got.status, got.body)
	}
}

func TestTimeoutOfModelCalls(t *testing.T) {
	t.Parallel()
	for _, path := range []string{chatPath, "/v1/embeddings"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *httpapi.Config, g *gateway.Config) {
				c.Timeout = 50 * time.Millisecond
				g.Model = slowModel{}
			})
			if got := b.call(t, "POST", path, `{"model":"m","input":"x","messages":[{"role":"user","content":"x"}]}`); got.status != 504 {
				t.Errorf("got %d %s, want 504", got.status, got.body)
			}
		})
	}
}

// slowModel answers only when nobody waits any more.
type slowModel struct{ gateway.Model }

func (slowModel) Complete(ctx context.Context, _ gateway.Call) (gateway.Answer, error) {
	<-ctx.Done()
	return gateway.Answer{}, ctx.Err()
}

type slowRetriever struct{}

func (slowRetriever) Retrieve(ctx context.Context, _ gateway.Query) ([]gateway.Passage, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) {
		c.Checker = checker{func(gateway.Caller, completeness.Input) (completeness.Report, error) { panic("Müller, Erika") }}
	})
	got := b.call(t, "POST", "/api/v1/checks", `{"application":{}}`)
	if got.status != 500 || strings.Contains(got.body, "Müller") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if log := b.log.String(); !strings.Contains(log, `"msg":"panic"`) || strings.Contains(log, "Müller, Erika") {
		t.Errorf("log = %s", log)
	}
}

// The log names the route, never the path, the query, the content or a secret.
func TestLogHoldsNoContent(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.Services = services{} })
	b.call(t, "GET", "/api/v1/services/Aktenzeichen-QX?suche=Geheim", "")
	b.call(t, "POST", chatPath, `{"messages":[{"role":"user","content":"Erika Muster"}],"schleuse":{"case":"AZ-QXYZ"}}`)
	b.call(t, "POST", chatPath, `{"messages":[{"role":"user","content":"Erika Muster"`)
	deadline := time.Now().Add(time.Second)
	for strings.Count(b.log.String(), `"msg":"request"`) < 3 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	log := b.log.String()
	for _, want := range []string{`"route":"/api/v1/services/:id"`, `"tenant":"musterstadt"`, `"decision":"e-`, `"code":"invalid_request"`} {
		if !strings.Contains(log, want) {
			t.Errorf("log lacks %s: %s", want, log)
		}
	}
	for _, secret := range []string{"Aktenzeichen-QX", "AZ-QXYZ", "Geheim", "Erika", "Bearer", "gut\"", "canary"} {
		if strings.Contains(log, secret) {
			t.Errorf("log shows %q: %s", secret, log)
		}
	}
}

func TestHTTPServerHasTimeouts(t *testing.T) {
	t.Parallel()
	h := setup(t).setup.HTTPServer("127.0.0.1:0", http.NotFoundHandler())
	if h.ReadHeaderTimeout == 0 || h.IdleTimeout == 0 || h.MaxHeaderBytes == 0 || h.WriteTimeout < 10*time.Minute {
		t.Errorf("timeouts = %+v", h)
	}
}
