// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package upstream speaks to OpenAI-compatible model servers: the bytes of the
// request go out as they are, the bytes of the answer come back as they are, and
// a parser beside them judges whether the answer is whole. It is not a client
// library for a provider, chooses nothing and never asks twice: that is the
// router's work. What single kinds of servers do differently stands in one file
// each, kind_*.go. Start at [Client.Complete] and [Client.Stream].
package upstream

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Client calls the configured endpoints. It is safe for concurrent use.
type Client struct {
	config    Config
	endpoints map[string]*endpoint
	large     sync.Pool // of buffers for fast streams
}

// endpoint is an Endpoint with its own connections, so that neither a key nor a
// permission for private addresses reaches another host.
type endpoint struct {
	Endpoint
	kind kind
	base *url.URL
	http *http.Client
}

var _ gateway.Model = (*Client)(nil)

// New checks the configuration and builds a Client. It connects to nothing.
func New(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("upstream configuration: %w", err)
	}
	client := &Client{config: c.withDefaults(), endpoints: make(map[string]*endpoint, len(c.Endpoints))}
	for name, e := range c.Endpoints {
		base, err := e.base()
		if err != nil {
			return nil, fmt.Errorf("upstream configuration: %w", err)
		}
		e.Timeouts = e.Timeouts.WithDefaults()
		known, _ := kindOf(e.Kind)
		client.endpoints[name] = &endpoint{Endpoint: e, kind: known, base: base, http: newHTTPClient(e, base)}
	}
	return client, nil
}

// Close drops idle connections. Calls in flight go on.
func (c *Client) Close() {
	for _, e := range c.endpoints {
		e.http.CloseIdleConnections()
	}
}

// Complete sends a body and returns the whole answer, checked to be complete.
func (c *Client) Complete(ctx context.Context, call gateway.Call) (gateway.Answer, error) {
	x, err := c.send(ctx, call, false)
	if err != nil {
		return gateway.Answer{}, err
	}
	defer x.close()
	body, err := x.readAll(c.config.MaxAnswer)
	if err != nil {
		return gateway.Answer{}, x.fail("read answer", err)
	}
	usage, flaw := checkAnswer(call.Operation, body)
	if flaw != nil {
		return gateway.Answer{}, x.own(flaw)
	}
	return gateway.Answer{Body: body, Usage: usage}, nil
}

// Stream sends a body and returns when the server has accepted it with an event stream.
func (c *Client) Stream(ctx context.Context, call gateway.Call) (gateway.AnswerStream, error) {
	x, err := c.send(ctx, call, true)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(x.response.Header.Get("Content-Type"), "text/event-stream") {
		defer x.close()
		return nil, x.noStream()
	}
	return newStream(x, c.config.MaxLine, &c.large), nil
}

// send makes the request and returns when a 200 has arrived.
func (c *Client) send(ctx context.Context, call gateway.Call, stream bool) (*exchange, error) {
	e, err := c.endpoint(call.Route.Endpoint)
	if err != nil {
		return nil, err
	}
	path, err := pathOf(call.Operation)
	if err != nil {
		return nil, err
	}
	if !e.kind.offers(call.Operation) {
		return nil, notOffered(call.Route.Endpoint, e.kind, call.Operation)
	}
	accept := "application/json"
	if stream {
		accept = "text/event-stream"
	}
	call.Body = e.kind.adapt(call.Operation, call.Body)
	p, err := payloadOf(call)
	if err != nil {
		return nil, err
	}
	return c.once(ctx, e, http.MethodPost, e.base.String()+path, accept, p)
}

func (c *Client) endpoint(name string) (*endpoint, error) {
	e, ok := c.endpoints[name]
	if !ok {
		return nil, &gateway.Error{Op: "call model", Code: gateway.CodeInternal, Message: msgInternal, Err: fmt.Errorf("endpoint %q is not configured", name)}
	}
	return e, nil
}

func pathOf(o gateway.Operation) (string, error) {
	switch o {
	case gateway.OperationChat:
		return "/chat/completions", nil
	case gateway.OperationCompletion:
		return "/completions", nil
	case gateway.OperationEmbeddings:
		return "/embeddings", nil
	case gateway.OperationRerank:
		return "/rerank", nil
	case gateway.OperationTranscription:
		return "/audio/transcriptions", nil
	default:
		return "", &gateway.Error{Op: "call model", Code: gateway.CodeInternal, Message: msgInternal, Err: fmt.Errorf("operation %q has no model call", o)}
	}
}

// once makes a request. Whether it is made again is the router's judgement.
func (c *Client) once(ctx context.Context, e *endpoint, method, address, accept string, p payload) (*exchange, error) {
	x := newExchange(ctx, e)
	var line line
	//nolint:contextcheck // x.ctx is ctx with the clocks of the call
	request, err := request(httptrace.WithClientTrace(x.ctx, line.trace()), method, address, p.body)
	if err != nil {
		x.close()
		return nil, x.fail("build request", err)
	}
	c.setHeaders(ctx, request, e, accept, p.contentType)
	x.clock.start(e.Timeouts.FirstByte+2*e.Timeouts.Connect, awaitFirstByte)
	response, err := e.http.Do(request) //nolint:bodyclose // x.close does
	x.clock.stop()
	if err != nil {
		defer x.close()
		return nil, x.fail("call model", line.explain(err))
	}
	x.response = response
	if err := x.open(c.config.MaxAnswer); err != nil {
		defer x.close()
		return nil, x.fail("read answer", err)
	}
	if response.StatusCode != http.StatusOK {
		defer x.close()
		return nil, x.refusal(c.config.Now())
	}
	return x, nil
}

// setHeaders sets everything that goes upstream: nothing of the caller's request
// but the trace.
func (c *Client) setHeaders(ctx context.Context, r *http.Request, e *endpoint, accept, contentType string) {
	r.Header = make(http.Header, len(e.Headers)+7)
	for name, value := range e.Headers {
		r.Header.Set(name, string(value))
	}
	if e.Key != "" {
		r.Header.Set("Authorization", "Bearer "+string(e.Key))
	}
	if r.Method == http.MethodPost {
		r.Header.Set("Content-Type", contentType)
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("User-Agent", c.config.UserAgent)
	if accept == "text/event-stream" {
		r.Header.Set("Accept-Encoding", "identity") // compression holds events back
	} else {
		r.Header.Set("Accept-Encoding", "gzip") // exchange.open unpacks it
	}
	if trace := c.config.Trace(ctx); validTrace(trace) {
		r.Header.Set("Traceparent", trace)
	}
}

// validTrace accepts "00-<32 hex>-<16 hex>-<2 hex>".
func validTrace(s string) bool {
	if len(s) != 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	for i := range len(s) {
		hex := s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'f'
		if !hex && i != 2 && i != 35 && i != 52 {
			return false
		}
	}
	return true
}

// drainTime is how long a finished stream may take to end its connection in
// order before the connection is cut.
const drainTime = 50 * time.Millisecond

// drain reads the little that follows the end of an answer, so that the
// connection can be used again.
func (x *exchange) drain() {
	x.draining = true
	x.clock.start(drainTime, awaitEnd)
	_, _ = io.CopyN(io.Discard, x.body, 4<<10)
	x.clock.stop()
}
