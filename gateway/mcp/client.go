// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package mcp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/sync/errgroup"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Remote is another MCP server.
type Remote struct {
	// Name is the key of the server and of its endpoint in routes: "mcp:" + Name.
	Name string
	// URL of its streamable HTTP endpoint; https, or http inside the house.
	URL string
	// Header is sent with each call, for example Authorization.
	Header http.Header
	TLS    *tls.Config
	// Tenants that may use it; empty: nobody.
	Tenants []gateway.TenantID
	// Tools that are released. All others of the server stay unreachable.
	Tools []ToolRelease
	// Timeout of one call, default 30 s.
	Timeout time.Duration
}

// ToolRelease releases one tool of a server.
type ToolRelease struct {
	Name string
	// Digest pins name, description and schema, see [Digest]: when the server
	// changes what the tool is, it is withheld until somebody releases it again.
	Digest string
	// Description replaces the server's: what a foreign server says about its
	// tool reaches the model.
	Description string
	// Purpose of calls that name none.
	Purpose gateway.Purpose
}

// Released is a tool that callers of a tenant may use.
type Released struct {
	// Name under which callers know it: server and tool.
	Name, Title, Description string
	Schema                   json.RawMessage
	// Model is the id of its card in the catalogue.
	Model   gateway.ModelID
	Purpose gateway.Purpose
}

// ClientConfig of a Client.
type ClientConfig struct {
	Remotes []Remote
	Version string
	Logger  *slog.Logger
	// MaxAnswer bounds a result, default 4 MiB.
	MaxAnswer int
	// Every is the time between two looks at the servers' lists, default 1 min.
	Every time.Duration
}

// Client calls released tools. It is safe for concurrent use.
type Client struct {
	config  ClientConfig
	remotes map[string]*remote
	offers  atomic.Pointer[[]offer]
}

type remote struct {
	Remote
	http *http.Client
}

// offer is a released tool as its server describes it now.
type offer struct {
	released Released
	tenants  []gateway.TenantID
}

var serverName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// NewClient checks the configuration and names every mistake. It connects to nothing.
func NewClient(c ClientConfig) (*Client, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxAnswer <= 0 {
		c.MaxAnswer = 4 << 20
	}
	if c.Every <= 0 {
		c.Every = time.Minute
	}
	client := &Client{config: c, remotes: map[string]*remote{}}
	client.offers.Store(&[]offer{})
	var problems []error
	for _, r := range c.Remotes {
		u, err := url.Parse(r.URL)
		switch {
		case !serverName.MatchString(r.Name) || client.remotes[r.Name] != nil:
			problems = append(problems, fmt.Errorf("tool_servers.%s: Der Name besteht aus bis zu 32 Kleinbuchstaben, Ziffern, - und _ und steht nur einmal.", r.Name))
		case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
			problems = append(problems, fmt.Errorf("tool_servers.%s.url: Die Angabe ist keine Adresse wie https://host/mcp.", r.Name))
		default:
			if r.Timeout <= 0 {
				r.Timeout = 30 * time.Second
			}
			client.remotes[r.Name] = &remote{Remote: r, http: httpClient(r)}
		}
	}
	return client, errors.Join(problems...)
}

// httpClient goes to the host of the configuration and to no other: no proxy of
// the environment, no redirect.
func httpClient(r Remote) *http.Client {
	return &http.Client{
		Transport: headers{header: r.Header, next: &http.Transport{
			TLSClientConfig: r.TLS, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: r.Timeout, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type headers struct {
	header http.Header
	next   http.RoundTripper
}

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, values := range h.header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	return h.next.RoundTrip(r)
}

// EndpointOf is the key of a server in gateway.Route.Endpoint.
func EndpointOf(server string) string { return "mcp:" + server }

// ModelOf is the id of a tool in the catalogue.
func ModelOf(server, tool string) gateway.ModelID {
	return gateway.ModelID("werkzeug/" + server + "/" + tool)
}

// Digest pins what a tool is.
func Digest(name, description string, schema any) string {
	raw, err := json.Marshal([]any{name, description, schema})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Tools are what a tenant may use now.
func (c *Client) Tools(tenant gateway.TenantID) []Released {
	var out []Released
	for _, o := range *c.offers.Load() {
		if slices.Contains(o.tenants, tenant) {
			out = append(out, o.released)
		}
	}
	return out
}

// Run keeps the list of tools up to date until the context ends.
func (c *Client) Run(ctx context.Context) {
	for len(c.remotes) > 0 {
		c.Refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(c.config.Every):
		}
	}
}

// Refresh asks every server what its tools are. One that does not answer offers
// nothing until it does.
func (c *Client) Refresh(ctx context.Context) {
	names := make([]string, 0, len(c.remotes))
	for name := range c.remotes {
		names = append(names, name)
	}
	slices.Sort(names)
	found := make([][]offer, len(names))
	var group errgroup.Group
	group.SetLimit(8)
	for i, name := range names {
		group.Go(func() error {
			offers, err := c.ask(ctx, c.remotes[name])
			if err != nil {
				c.config.Logger.LogAttrs(ctx, slog.LevelWarn, "tool server does not answer", slog.String("server", name), slog.String("type", fmt.Sprintf("%T", err)))
			}
			found[i] = offers
			return nil
		})
	}
	_ = group.Wait() // no function fails
	all := slices.Concat(found...)
	c.offers.Store(&all)
}

const maxTools = 256

func (c *Client) ask(ctx context.Context, r *remote) ([]offer, error) {
	var offers []offer
	err := c.session(ctx, r, func(ctx context.Context, s *sdk.ClientSession) error {
		n := 0
		for t, err := range s.Tools(ctx, nil) {
			if err != nil {
				return err
			}
			if n++; n > maxTools {
				return fmt.Errorf("more than %d tools", maxTools)
			}
			if o, ok := c.release(ctx, r, t); ok {
				offers = append(offers, o)
			}
		}
		return nil
	})
	return offers, err
}

// release is the offer of a tool, if it is released as it is now.
func (c *Client) release(ctx context.Context, r *remote, t *sdk.Tool) (offer, bool) {
	i := slices.IndexFunc(r.Tools, func(release ToolRelease) bool { return release.Name == t.Name })
	if i < 0 {
		return offer{}, false
	}
	release := r.Tools[i]
	if release.Digest != "" && release.Digest != Digest(t.Name, t.Description, t.InputSchema) {
		c.config.Logger.LogAttrs(ctx, slog.LevelWarn, "tool has changed since its release and is withheld",
			slog.String("server", r.Name), slog.String("tool", t.Name))
		return offer{}, false
	}
	schema, err := json.Marshal(t.InputSchema)
	if err != nil || len(schema) > 64<<10 {
		return offer{}, false
	}
	description := release.Description
	if description == "" {
		description = cut(t.Description, 1000)
	}
	return offer{tenants: r.Tenants, released: Released{
		Name: r.Name + "__" + t.Name, Title: cut(t.Title, 100), Description: description, Schema: schema,
		Model: ModelOf(r.Name, t.Name), Purpose: release.Purpose,
	}}, true
}

func cut(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n])
	}
	return s
}

// session runs one exchange with a server.
func (c *Client) session(ctx context.Context, r *remote, do func(context.Context, *sdk.ClientSession) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	client := sdk.NewClient(&sdk.Implementation{Name: "ki-schleuse", Version: c.config.Version}, nil)
	session, err := client.Connect(ctx, &sdk.StreamableClientTransport{
		Endpoint: r.URL, HTTPClient: r.http, MaxRetries: -1, DisableStandaloneSSE: true, MaxEventSize: c.config.MaxAnswer,
	}, nil)
	if err != nil {
		return err
	}
	err = do(ctx, session)
	if closeErr := session.Close(); err == nil && closeErr != nil && !errors.Is(closeErr, io.EOF) {
		c.config.Logger.LogAttrs(ctx, slog.LevelDebug, "session not closed", slog.String("server", r.Name))
	}
	return err
}

// body of a call as it passes the gateway.
type body struct {
	Model     string          `json:"model"`
	Arguments json.RawMessage `json:"arguments"`
}

func toolBody(t Released, arguments json.RawMessage) (gateway.Body, error) {
	if len(arguments) == 0 {
		arguments = json.RawMessage("{}")
	}
	raw, err := json.Marshal(body{Model: string(t.Model), Arguments: arguments})
	if err != nil {
		return gateway.Body{}, &gateway.Error{Op: "read arguments", Code: gateway.CodeInvalid, Path: "arguments", Message: "Die Angaben zum Werkzeug sind nicht lesbar."}
	}
	return gateway.ParseBody(raw)
}

// Complete calls a released tool. It has the form of gateway.Model.Complete and
// takes calls of gateway.OperationTool whose endpoint is one of the servers'.
func (c *Client) Complete(ctx context.Context, call gateway.Call) (gateway.Answer, error) {
	const unavailable = "Das Werkzeug ist nicht erreichbar."
	var r *remote
	for name, known := range c.remotes {
		if EndpointOf(name) == call.Route.Endpoint {
			r = known
		}
	}
	var b body
	if r == nil || json.Unmarshal(call.Body, &b) != nil {
		return gateway.Answer{}, &gateway.Error{Op: "call tool", Code: gateway.CodeInternal, Message: "Das Werkzeug ist nicht eingerichtet."}
	}
	if !slices.ContainsFunc(r.Tools, func(t ToolRelease) bool { return t.Name == b.Model }) {
		return gateway.Answer{}, &gateway.Error{Op: "call tool", Code: gateway.CodeDenied, Message: "Das Werkzeug ist nicht freigegeben."}
	}
	var raw []byte
	err := c.session(ctx, r, func(ctx context.Context, s *sdk.ClientSession) error {
		result, err := s.CallTool(ctx, &sdk.CallToolParams{Name: b.Model, Arguments: b.Arguments})
		if err != nil {
			return err
		}
		raw, err = json.Marshal(result)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return gateway.Answer{}, &gateway.Error{Op: "call tool", Code: gateway.CodeOf(ctx.Err()), Message: "Die Anfrage wurde abgebrochen.", Err: ctx.Err()}
	case errors.Is(err, context.DeadlineExceeded):
		return gateway.Answer{}, &gateway.Error{Op: "call tool", Code: gateway.CodeTimeout, Message: "Das Werkzeug hat nicht rechtzeitig geantwortet.", Err: err}
	case err != nil:
		return gateway.Answer{}, &gateway.Error{Op: "call tool", Code: gateway.CodeUnavailable, Message: unavailable, Err: err}
	case len(raw) > c.config.MaxAnswer:
		return gateway.Answer{}, &gateway.Error{Op: "call tool", Code: gateway.CodeUnavailable, Message: "Das Werkzeug hat zu viel geliefert."}
	}
	return gateway.Answer{Body: raw}, nil
}

// remoteResult is the result of a tool after its passage through the gateway.
func remoteResult(answer *gateway.Response) (*sdk.CallToolResult, error) {
	var result sdk.CallToolResult
	if err := json.Unmarshal(answer.Body, &result); err != nil {
		return refused(&gateway.Error{Message: "Die Antwort des Werkzeugs ist unlesbar.", RequestID: answer.ID}), nil //nolint:nilerr // a tool's failure is a result
	}
	if result.Meta == nil {
		result.Meta = sdk.Meta{}
	}
	result.Meta["schleuse/decision"] = answer.ID
	delete(result.Meta, "schleuse") // ours: no server may say what was decided
	var told struct {
		Schleuse json.RawMessage `json:"schleuse"`
	}
	if json.Unmarshal(answer.Body, &told) == nil && len(told.Schleuse) > 0 {
		result.Meta["schleuse"] = told.Schleuse // notice, release
	}
	return &result, nil
}
