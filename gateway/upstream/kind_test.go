// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
)

// exchange is one of testdata/kinds: see the README there.
type exchange struct {
	Name      string            `yaml:"name"`
	Source    string            `yaml:"source"`
	Operation gateway.Operation `yaml:"operation"`
	Stream    bool              `yaml:"stream"`
	// Request is the body as the gateway hands it over, Sent what must arrive at
	// Path; empty: the same.
	Request string `yaml:"request"`
	Sent    string `yaml:"sent"`
	Path    string `yaml:"path"`
	// What the server answers; Status 0 is 200.
	Status int               `yaml:"status"`
	Header map[string]string `yaml:"header"`
	Answer string            `yaml:"answer"`
	// What must be understood of it.
	Text  string   `yaml:"text"`
	Keeps []string `yaml:"keeps"`
	Usage struct {
		Input     int `yaml:"input"`
		Output    int `yaml:"output"`
		Cached    int `yaml:"cached"`
		Reasoning int `yaml:"reasoning"`
	} `yaml:"usage"`
	Code    gateway.Code  `yaml:"code"`
	Message string        `yaml:"message"`
	Retry   time.Duration `yaml:"retry"`
}

func exchanges(t *testing.T, kind string) []exchange {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "kinds", kind+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	if err := yaml.NewDecoder(bytes.NewReader(raw), yaml.DisallowUnknownField()).Decode(&all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no exchange")
	}
	return all
}

// replay is a server that gives one answer and keeps what it was sent.
type replay struct {
	x    exchange
	mu   sync.Mutex
	path string
	body string
}

func (r *replay) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	r.path, r.body = q.URL.Path, string(body)
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.x.Stream && r.x.Status == 0 {
		w.Header().Set("Content-Type", "text/event-stream")
	}
	for name, value := range r.x.Header {
		w.Header().Set(name, value)
	}
	if r.x.Status != 0 {
		w.WriteHeader(r.x.Status)
	}
	_, _ = io.WriteString(w, r.x.Answer)
}

// understood is what a client has read of an answer.
type understood struct {
	raw, text string
	usage     gateway.Usage
}

func ask(t *testing.T, c *upstream.Client, x exchange) (understood, error) {
	t.Helper()
	call := gateway.Call{Operation: x.Operation, Route: gateway.Route{Endpoint: "haus"}, Body: []byte(x.Request)}
	if !x.Stream {
		answer, err := c.Complete(t.Context(), call)
		return understood{raw: string(answer.Body), usage: answer.Usage}, err
	}
	s, err := c.Stream(t.Context(), call)
	if err != nil {
		return understood{}, err
	}
	defer func() { _ = s.Close() }()
	var u understood
	for {
		chunk, err := s.Next()
		if errors.Is(err, io.EOF) {
			return u, nil
		}
		if err != nil {
			return u, err
		}
		u.raw += string(chunk.Data)
		if chunk.Usage != nil {
			u.usage = *chunk.Usage
		}
		var ev struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if json.Unmarshal(chunk.Data, &ev) == nil && len(ev.Choices) == 1 {
			u.text += ev.Choices[0].Delta.Content
		}
	}
}

func TestExchanges(t *testing.T) {
	t.Parallel()
	for _, kind := range upstream.Kinds() {
		for _, x := range exchanges(t, kind) {
			t.Run(kind+"/"+x.Name, func(t *testing.T) {
				t.Parallel()
				server := &replay{x: x}
				running := httptest.NewServer(server)
				defer running.Close()
				base := running.URL
				if strings.HasPrefix(x.Path, "/v1/") {
					base += "/v1"
				}
				u, err := ask(t, client(t, upstream.Endpoint{Kind: kind, BaseURL: base}), x)
				server.mu.Lock()
				defer server.mu.Unlock()
				if sent := x.Sent; server.path != x.Path || server.path != "" && sent == "" && server.body != x.Request || sent != "" && server.body != sent {
					t.Errorf("arrived at %q:\n%s\nwant at %q:\n%s", server.path, server.body, x.Path, sent)
				}
				judge(t, x, u, err)
				if x.Source == "" {
					t.Error("the exchange names no source")
				}
			})
		}
	}
}

func judge(t *testing.T, x exchange, u understood, err error) {
	t.Helper()
	if got := gateway.CodeOf(err); got != x.Code {
		t.Fatalf("error = %v, want code %q", err, x.Code)
	}
	if e, ok := errors.AsType[*gateway.Error](err); ok {
		message := ""
		if e.Upstream != nil {
			message = e.Upstream.Message
		}
		if message != x.Message || e.RetryAfter != x.Retry || e.Message == "" {
			t.Errorf("message %q, pause %v, for people %q, want %q and %v", message, e.RetryAfter, e.Message, x.Message, x.Retry)
		}
		return
	}
	want := gateway.Usage{Input: x.Usage.Input, Output: x.Usage.Output, Cached: x.Usage.Cached, Reasoning: x.Usage.Reasoning, Reported: true}
	if u.usage != want || u.text != x.Text {
		t.Errorf("usage %+v, text %q, want %+v and %q", u.usage, u.text, want, x.Text)
	}
	for _, part := range x.Keeps {
		if !strings.Contains(u.raw, part) {
			t.Errorf("%s is lost: %s", part, u.raw)
		}
	}
	if !x.Stream && u.raw != x.Answer {
		t.Errorf("the answer was changed:\n%s\nwant\n%s", u.raw, x.Answer)
	}
}

func TestOffers(t *testing.T) {
	t.Parallel()
	for _, kind := range upstream.Kinds() {
		if !upstream.Offers(kind, gateway.OperationChat) || !upstream.Offers(kind, gateway.OperationEmbeddings) {
			t.Errorf("%s: offers neither chat nor vectors", kind)
		}
	}
	if upstream.Offers("mistral", gateway.OperationRerank) || !upstream.Offers("", gateway.OperationRerank) || upstream.Offers("azure", gateway.OperationChat) {
		t.Error("rerank at Mistral, at no special kind, or an unknown kind")
	}
	if kinds := upstream.Kinds(); kinds[0] != "openai" || len(slices.Compact(slices.Sorted(slices.Values(kinds)))) != len(kinds) {
		t.Errorf("kinds = %v", kinds)
	}
}

// asked is a server that answers by path and keeps the requests.
type asked struct {
	status map[string]int
	body   string
	mu     sync.Mutex
	all    []string
}

func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.all = append(a.all, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Authorization")))
	a.mu.Unlock()
	status, ok := a.status[r.URL.Path]
	if !ok {
		status = http.StatusNotFound
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, a.body)
}

func TestPingOfKinds(t *testing.T) {
	t.Parallel()
	const list, nothing = `{"data":[{"id":"a"}]}`, ""
	withKey := func(path string) string { return path + " Bearer " + canary }
	for name, tc := range map[string]struct {
		kind, base, body string
		status           map[string]int
		asks             []string
		code             gateway.Code
	}{
		"vllm works":                  {"vllm", "/v1", nothing, map[string]int{"/health": 200}, []string{"/health"}, ""},
		"vllm below a path":           {"vllm", "/gpu1/v1", nothing, map[string]int{"/gpu1/health": 200}, []string{"/gpu1/health"}, ""},
		"vllm, engine dead":           {"vllm", "/v1", nothing, map[string]int{"/health": 503}, []string{"/health"}, gateway.CodeUnavailable},
		"vllm behind a proxy":         {"vllm", "/v1", list, map[string]int{"/v1/models": 200}, []string{"/health", withKey("/v1/models")}, ""},
		"vllm behind a locked proxy":  {"vllm", "/v1", list, map[string]int{"/health": 401, "/v1/models": 200}, []string{"/health", withKey("/v1/models")}, ""},
		"llama.cpp loads":             {"llamacpp", "/v1", nothing, map[string]int{"/health": 503}, []string{"/health"}, gateway.CodeUnavailable},
		"llama.cpp works":             {"llamacpp", "/v1", `{"status":"ok"}`, map[string]int{"/health": 200}, []string{"/health"}, ""},
		"Ollama works":                {"ollama", "/v1", `{"version":"0.34.0"}`, map[string]int{"/api/version": 200}, []string{"/api/version"}, ""},
		"others list their models":    {"mistral", "/v1", list, map[string]int{"/v1/models": 200}, []string{withKey("/v1/models")}, ""},
		"others without a list":       {"openai", "/v1", nothing, nil, []string{withKey("/v1/models")}, ""},
		"others with a wrong key":     {"stackit", "/v1", nothing, map[string]int{"/v1/models": 403}, []string{withKey("/v1/models")}, gateway.CodeUnavailable},
		"others with another page":    {"ionos", "/v1", "<html>", map[string]int{"/v1/models": 200}, []string{withKey("/v1/models")}, gateway.CodeUnavailable},
		"Pharia lists model settings": {"alephalpha", "", `[{"name":"pharia"}]`, map[string]int{"/model-settings": 200}, []string{withKey("/model-settings")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &asked{status: tc.status, body: tc.body}
			running := httptest.NewServer(server)
			defer running.Close()
			c := client(t, upstream.Endpoint{Kind: tc.kind, BaseURL: running.URL + tc.base, Key: canary})
			if err := c.Ping(t.Context(), "haus"); gateway.CodeOf(err) != tc.code {
				t.Errorf("Ping = %v, want code %q", err, tc.code)
			}
			server.mu.Lock()
			defer server.mu.Unlock()
			if !slices.Equal(server.all, tc.asks) {
				t.Errorf("asked %q, want %q", server.all, tc.asks)
			}
		})
	}
}

func TestModelsOfPharia(t *testing.T) {
	t.Parallel()
	running := httptest.NewServer(&asked{status: map[string]int{"/model-settings": 200}, body: `[{"name":"pharia-1"},{"name":""},{"name":"llama"}]`})
	defer running.Close()
	c := client(t, upstream.Endpoint{Kind: "alephalpha", BaseURL: running.URL})
	if names, err := c.Models(t.Context(), "haus"); err != nil || strings.Join(names, ",") != "pharia-1,llama" {
		t.Errorf("models = %q, %v", names, err)
	}
}

func TestPingIsBounded(t *testing.T) {
	t.Parallel()
	running := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		piece := bytes.Repeat([]byte("a"), 1<<20)
		for range 64 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}))
	defer running.Close()
	for kind, code := range map[string]gateway.Code{"vllm": "", "openai": gateway.CodeUnavailable} {
		c := client(t, upstream.Endpoint{Kind: kind, BaseURL: running.URL + "/v1"})
		if err := c.Ping(t.Context(), "haus"); gateway.CodeOf(err) != code {
			t.Errorf("%s: endless answer to a ping: %v, want code %q", kind, err, code)
		}
	}
}
