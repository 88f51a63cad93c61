// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package floor is the least that a Go gateway can do, in five steps, to compare
// ours with. These proxies protect nobody: they check no key, find no personal
// data and prove nothing. Start at [New].
package floor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// Mode is how much a floor does.
type Mode string

// Modes.
const (
	// Raw is httputil.ReverseProxy. Now and then it loses the end of a stream: the
	// server closes the request's body when the answer begins, while the transport
	// may still be at its last read of it.
	Raw Mode = "raw"
	// RawFullDuplex is Raw with EnableFullDuplex, which cures that.
	RawFullDuplex Mode = "rawfd"
	// Gin reads the body once, decodes model and stream, and flushes what it reads.
	Gin Mode = "gin"
	// OPA is Gin with one prepared decision of twelve rules, a digest of the body and
	// a chained line of a record, not flushed to disk.
	OPA Mode = "opa"
	// Durable is OPA with an entry as long as ours, forced to disk: while the model is
	// asked, and before anything of its answer is handed out.
	Durable Mode = "durable"
)

// Modes in the order of what they do.
func Modes() []Mode { return []Mode{Raw, RawFullDuplex, Gin, OPA, Durable} }

// New makes a floor before an upstream (address without /v1). What OPA and Durable
// record is written to record, which is a file for the latter.
func New(ctx context.Context, m Mode, upstream string, record io.Writer) (http.Handler, error) {
	u, err := url.Parse(upstream)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("upstream: %q is no address such as http://127.0.0.1:9100", upstream)
	}
	transport := &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 512, IdleConnTimeout: 90 * time.Second, DisableCompression: true}
	switch m {
	case Raw, RawFullDuplex:
		return reverse(u, transport, m == RawFullDuplex), nil
	case Gin:
		return (&proxy{upstream: u, transport: transport}).handler(), nil
	case OPA, Durable:
		p := &proxy{upstream: u, transport: transport}
		if p.query, err = prepare(ctx); err != nil {
			return nil, err
		}
		if m == Durable {
			p.journal, err = newJournal(record)
			return p.handler(), err
		}
		p.lines = make(chan line, 4096)
		go chain(p.lines, record)
		return p.handler(), nil
	}
	return nil, fmt.Errorf("mode %q is unknown", m)
}

func reverse(u *url.URL, transport *http.Transport, fullDuplex bool) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport: transport, FlushInterval: -1,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fullDuplex {
			_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 has it anyway
		}
		proxy.ServeHTTP(w, r)
	})
}

// proxy is Gin, OPA and Durable.
type proxy struct {
	upstream  *url.URL
	transport *http.Transport
	query     *rego.PreparedEvalQuery // nil: Gin
	lines     chan line               // of OPA
	journal   *journal                // of Durable
}

// line of the record.
type line struct {
	Time   int64  `json:"t"`
	Model  string `json:"model"`
	Digest string `json:"body_sha256"`
	Allow  bool   `json:"allow"`
	In     int    `json:"in"`
	Out    int    `json:"out"`
	Status int    `json:"status"`
	Before string `json:"prev"`
}

const maxBody = 32 << 20

func (p *proxy) handler() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.POST("/v1/*path", p.serve)
	return e
}

func (p *proxy) serve(c *gin.Context) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	if err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	var in struct {
		Model    string `json:"model"`
		Stream   bool   `json:"stream"`
		Messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(c, http.StatusBadRequest, "body is no JSON")
		return
	}
	l := line{Time: time.Now().UnixNano(), Model: in.Model, In: len(body), Allow: true}
	if p.query != nil {
		if !p.allowed(c.Request.Context(), in.Model) {
			refuse(c, http.StatusForbidden, "denied by policy")
			return
		}
		digest := sha256.Sum256(body)
		l.Digest = hex.EncodeToString(digest[:])
	}
	written := func() error { return nil }
	if p.journal != nil {
		done := p.journal.begin(l)
		written = func() error { return <-done }
	}
	l.Status, l.Out = p.forward(c, body, in.Stream, written)
	if p.lines != nil {
		p.lines <- l
	}
}

func refuse(c *gin.Context, status int, message string) {
	c.AbortWithStatusJSON(status, gin.H{"error": gin.H{"message": message}})
}

// forward asks the model and hands its answer out when the request is written down.
func (p *proxy) forward(c *gin.Context, body []byte, stream bool, written func() error) (status, size int) {
	r, err := http.NewRequestWithContext(c.Request.Context(), http.MethodPost, p.upstream.JoinPath("/v1", c.Param("path")).String(), bytes.NewReader(body))
	if err != nil {
		refuse(c, http.StatusBadGateway, "no address")
		return http.StatusBadGateway, 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer upstream")
	answer, err := p.transport.RoundTrip(r)
	if err != nil {
		refuse(c, http.StatusBadGateway, "upstream not reachable")
		return http.StatusBadGateway, 0
	}
	defer func() { _ = answer.Body.Close() }()
	if err := written(); err != nil {
		refuse(c, http.StatusServiceUnavailable, "no record")
		return http.StatusServiceUnavailable, 0
	}
	for _, name := range []string{"Content-Type", "Content-Length"} {
		if v := answer.Header.Get(name); v != "" {
			c.Header(name, v)
		}
	}
	c.Status(answer.StatusCode)
	c.Writer.WriteHeaderNow()
	return answer.StatusCode, copyAnswer(c, answer.Body, stream)
}

func copyAnswer(c *gin.Context, from io.Reader, stream bool) (written int) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			written += n
			if _, err := c.Writer.Write(buffer[:n]); err != nil {
				return written
			}
			if stream {
				c.Writer.Flush()
			}
		}
		if err != nil {
			return written
		}
	}
}

const policy = `package floor

default allow := false

region := data.models[input.model].region
highest := data.tenants[input.tenant].highest[region]
rank := {"public": 0, "internal": 1, "personal": 2, "special": 3}

prohibited if input.purpose in {"social_scoring", "emotion_recognition"}
high_risk if input.purpose in {"benefit_decision", "asylum"}

deny contains "model unknown" if not data.models[input.model]
deny contains "model not released" if not input.model in data.tenants[input.tenant].models
deny contains "data class too high" if rank[input.data_class] > rank[highest]
deny contains "prohibited practice" if prohibited
deny contains "oversight is missing" if {
	high_risk
	not input.oversight
}

allow if count(deny) == 0

obligations contains "digest" if input.data_class != "public"
obligations contains "label" if input.channel == "citizen"

default risk := "minimal"
risk := "high" if high_risk

decision := {"allow": allow, "deny": deny, "obligations": obligations, "risk": risk}
`

// models are those the policy of the floor knows; it refuses others.
func models() []string { return []string{"mock-model", "mock-embedding"} }

func prepare(ctx context.Context) (*rego.PreparedEvalQuery, error) {
	known := map[string]any{}
	var released []any
	for _, m := range models() {
		known[m] = map[string]any{"region": "house"}
		released = append(released, m)
	}
	store := inmem.NewFromObject(map[string]any{
		"models":  known,
		"tenants": map[string]any{"stadt": map[string]any{"models": released, "highest": map[string]any{"house": "special"}}},
	})
	q, err := rego.New(rego.Query("data.floor.decision"), rego.Module("floor.rego", policy), rego.Store(store)).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare the policy of the floor: %w", err)
	}
	return &q, nil
}

func (p *proxy) allowed(ctx context.Context, model string) bool {
	field := func(name, value string) [2]*ast.Term {
		return [2]*ast.Term{ast.StringTerm(name), ast.StringTerm(value)}
	}
	input := ast.NewObject(field("model", model), field("tenant", "stadt"), field("data_class", "personal"),
		field("purpose", "letter_draft"), field("channel", "caseworker"))
	results, err := p.query.Eval(ctx, rego.EvalParsedInput(input))
	if err != nil || len(results) != 1 {
		return false
	}
	decision, _ := results[0].Expressions[0].Value.(map[string]any)
	allow, _ := decision["allow"].(bool)
	return allow
}

// chain writes the lines, each with the digest of the one before.
func chain(lines <-chan line, to io.Writer) {
	w := bufio.NewWriter(to)
	before := ""
	for l := range lines {
		l.Before = before
		raw, err := json.Marshal(l)
		if err != nil {
			continue // strings and numbers only
		}
		digest := sha256.Sum256(raw)
		before = hex.EncodeToString(digest[:])
		_, _ = w.Write(append(raw, '\n')) // a bufio.Writer keeps its error
		if len(lines) == 0 {
			_ = w.Flush()
		}
	}
}
