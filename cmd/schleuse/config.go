// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/mcp"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/router"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/policies"
)

// Config is the whole configuration file. Unknown keys are errors; Validate
// names all mistakes at once.
type Config struct {
	// Listen is host:port; the loopback address unless TLS is set or a proxy stands before.
	Listen string `yaml:"listen"`
	// AdminListen is host:port of /metrics, /healthz and /readyz, for operators
	// only; empty: /metrics is nowhere, the others stand on Listen alone.
	AdminListen string `yaml:"admin_listen"`
	// TLS certificate and key (PEM files).
	TLS TLSConfig `yaml:"tls"`
	// BehindProxy says that a reverse proxy ends TLS.
	BehindProxy bool `yaml:"behind_proxy"`
	// Drain is how long new requests are still taken after the end was asked for,
	// so that load balancers notice (default 0), Shutdown how long running answers
	// may take after that (default 2m).
	Drain    time.Duration `yaml:"drain"`
	Shutdown time.Duration `yaml:"shutdown"`
	// Data is the folder of the SQLite stores and of imported law.
	Data string `yaml:"data"`
	// Database is a PostgreSQL address; empty: SQLite in Data. ${NAME} is taken from the environment.
	Database string `yaml:"database"`
	// SecretFile holds the master secret, at least 32 bytes. Keys for pseudonyms,
	// key hashes and the seal of the record are derived from it.
	SecretFile string `yaml:"secret_file"`
	// Origin names this log in its checkpoints, for example "schleuse.stadt.example".
	Origin string `yaml:"origin"`

	// Record says how long contents are kept and who witnesses.
	Record RecordConfig `yaml:"record"`

	Telemetry TelemetryConfig `yaml:"telemetry"`

	// Identity says how callers prove who they are beside keys: tokens, certificates.
	Identity identity.Access `yaml:"identity"`
	// SignIn is the OpenID provider at which persons sign in to the pages; it needs
	// public_url.
	SignIn identity.SignIn `yaml:"sign_in"`
	// PublicURL is where browsers reach this gateway, for links in launch tickets.
	PublicURL string `yaml:"public_url"`

	Tenants   []identity.Tenant         `yaml:"tenants"`
	Endpoints map[string]EndpointConfig `yaml:"endpoints"`
	Models    []ModelConfig             `yaml:"models"`
	// Routing says how one of several permitted models is chosen.
	Routing RoutingConfig `yaml:"routing"`
	// Limits bound what callers use, in requests, tokens and euros; Quota says how
	// they are kept.
	Limits quota.Limits `yaml:"limits"`
	Quota  QuotaConfig  `yaml:"quota"`
	// Vault keeps content where an obligation demands it, AccessLog the proof of who
	// looked into documents.
	Vault     VaultConfig     `yaml:"vault"`
	AccessLog AccessLogConfig `yaml:"access_log"`
	// Embeddings names the model that makes vectors for the search; empty: lexical search alone.
	Embeddings EmbeddingsConfig `yaml:"embeddings"`
	Sources    []SourceConfig   `yaml:"sources"`
	// ToolServers are other MCP servers with released tools.
	ToolServers []ToolServerConfig `yaml:"tool_servers"`
	// Authorities per tenant: letterhead, contact, return channel.
	Authorities map[gateway.TenantID]Authority `yaml:"authorities"`
	// Releases of high-risk purposes per tenant, with registration, FRIA, DPIA and oversight.
	Releases map[gateway.TenantID][]policies.Release `yaml:"releases"`
	// Policies says where the rules come from and who may sign them.
	Policies PoliciesConfig `yaml:"policies"`
	// Duties per tenant: training, staff informed, roles of services, registers, content to be kept.
	Duties map[gateway.TenantID]policies.TenantDuties `yaml:"duties"`
	// FrameAncestors are exact origins of Fachverfahren that may show the panel in a frame.
	FrameAncestors []string `yaml:"frame_ancestors"`
	// PriceList names the prices of the models, for pages and tables.
	PriceList PriceListConfig `yaml:"price_list"`
	// Operator is shown on the pages, for example the name of the data centre.
	Operator string `yaml:"operator"`

	secret     []byte // read from SecretFile, or made by the demonstration
	demo       bool
	cases      []ui.Case
	caseworker drafting.Person
}

// Authority is what every letter of a tenant shows.
type Authority struct{ drafting.Profile }

// UnmarshalYAML reads a profile by the names it has in JSON, strictly.
func (a *Authority) UnmarshalYAML(decode func(any) error) error {
	var fields map[string]any
	if err := decode(&fields); err != nil {
		return err
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("read authority: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(&a.Profile)
}

// panelSystem is the system under which the pages' requests are recorded: the
// first system of caseworkers.
func (c *Config) panelSystem() gateway.SystemID {
	for _, t := range c.Tenants {
		for _, s := range t.Systems {
			if s.Channel == gateway.ChannelCaseworker {
				return s.ID
			}
		}
	}
	return "oberflaeche"
}

// TLSConfig names the files.
type TLSConfig struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// TelemetryConfig says where traces go.
type TelemetryConfig struct {
	// OTLP is the address of a collector (OTLP over HTTP), for example
	// http://otel.intern.example:4318; empty: no traces.
	OTLP string `yaml:"otlp"`
	// Headers go with each export; ${NAME} is taken from the environment.
	Headers map[string]string `yaml:"headers"`
	// Sample is the part of requests that is traced, 0 to 1; default 1.
	Sample float64 `yaml:"sample"`
}

// EndpointConfig is one model server.
type EndpointConfig struct {
	// URL ends before /chat/completions, usually https://host/v1.
	URL string `yaml:"url"`
	// Key may be ${NAME}, taken from the environment.
	Key          string `yaml:"key"`
	AllowPrivate bool   `yaml:"allow_private"`
	// Kind of server, default openai; schleuse config template lists them.
	Kind string `yaml:"kind"`
	// Headers are sent in addition, Proxy is the address of a proxy to go through;
	// both may be ${NAME}.
	Headers map[string]string `yaml:"headers"`
	Proxy   string            `yaml:"proxy"`
	// CA is a PEM file of further certification authorities, Cert and CertKey the
	// files of a client certificate.
	CA      string `yaml:"ca"`
	Cert    string `yaml:"cert"`
	CertKey string `yaml:"cert_key"`
	// H2C speaks HTTP/2 without TLS.
	H2C bool `yaml:"h2c"`
	// The four clocks: connecting, first byte, silence between two pieces, all.
	Connect   time.Duration `yaml:"connect"`
	FirstByte time.Duration `yaml:"first_byte"`
	Idle      time.Duration `yaml:"idle"`
	Total     time.Duration `yaml:"total"`
}

// ModelConfig is one entry of the catalogue.
type ModelConfig struct {
	ID            gateway.ModelID     `yaml:"id"`
	Endpoint      string              `yaml:"endpoint"`
	Upstream      string              `yaml:"upstream"` // name at the endpoint, default: id
	Aliases       []gateway.ModelID   `yaml:"aliases"`
	Weight        int                 `yaml:"weight"`
	Operations    []gateway.Operation `yaml:"operations"`
	Residency     gateway.Residency   `yaml:"residency"`
	Operator      string              `yaml:"operator"`
	Country       string              `yaml:"country"`
	ProcessorKind string              `yaml:"processor_kind"`
	Contract      string              `yaml:"contract"`
	Para80Notice  string              `yaml:"para80_notice"`
	Para80Ground  string              `yaml:"para80_ground"`
	Para30AO      bool                `yaml:"para30_ao"`
	Art9          bool                `yaml:"art9"`
	TrainsOnInput bool                `yaml:"trains_on_input"`
	DataClasses   []gateway.DataClass `yaml:"data_classes"`
	Context       int                 `yaml:"context"`
	// Capabilities beyond plain text: tools, json_schema, vision, audio, logprobs,
	// reasoning. Left out: nobody said, and nothing is refused for it.
	Capabilities []gateway.Capability `yaml:"capabilities"`
	Price        PriceConfig          `yaml:"price"`
	// EnergyWh is an estimate of watt-hours per 1,000 output tokens.
	EnergyWh float64      `yaml:"energy_wh"`
	Limits   PlacesConfig `yaml:"limits"`
	// HedgeAfter is how long a request waits here for content before another permitted
	// route is asked as well; left out: none is.
	HedgeAfter time.Duration `yaml:"hedge_after"`
}

// EmbeddingsConfig chooses the model for vectors.
type EmbeddingsConfig struct {
	Model gateway.ModelID `yaml:"model"`
	Dim   int             `yaml:"dim"`
}

// SourceConfig is one document source of a tenant.
type SourceConfig struct {
	Name   string           `yaml:"name"`
	Tenant gateway.TenantID `yaml:"tenant"`
	Kind   string           `yaml:"kind"` // see sources.go
	Path   string           `yaml:"path"`
	// Readers may read everything in the source that has no rule of its own.
	Readers   []gateway.Principal `yaml:"readers"`
	DataClass []gateway.DataClass `yaml:"data_class"`
	// Every is the time between two synchronisations, default 5 minutes.
	Every time.Duration `yaml:"every"`
}

func (c *Config) drainTime() time.Duration { return min(max(c.Drain, 0), 5*time.Minute) }

func (c *Config) shutdownTime() time.Duration {
	if c.Shutdown <= 0 {
		return 2 * time.Minute
	}
	return c.Shutdown
}

const maxConfigBytes = 4 << 20

// loadConfig reads a file strictly. A mistake is shown with its line.
func loadConfig(path string) (Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	if info.Size() > maxConfigBytes {
		return Config{}, fmt.Errorf("read configuration %s: larger than 4 MiB", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	c, err := parseConfig(raw)
	if err != nil {
		return Config{}, fmt.Errorf("%s:\n%w", path, err)
	}
	if c.Data != "" && !filepath.IsAbs(c.Data) {
		c.Data = filepath.Join(filepath.Dir(path), c.Data)
	}
	if c.Policies.Path != "" && !filepath.IsAbs(c.Policies.Path) {
		c.Policies.Path = filepath.Join(filepath.Dir(path), c.Policies.Path)
	}
	return c, nil
}

func parseConfig(raw []byte) (Config, error) {
	c := Config{Listen: "127.0.0.1:8080", Data: "data", Origin: "ki-schleuse"}
	decoder := yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict())
	if err := decoder.Decode(&c); err != nil {
		return Config{}, errors.New(yaml.FormatError(err, false, true))
	}
	return c, nil
}

// Validate names every mistake at once.
func (c *Config) Validate() error {
	problems := []error{c.validateListen(), c.validateSecret(), c.Record.validate()}
	for name, e := range c.Endpoints {
		if u, err := url.Parse(e.URL); err != nil || u.Host == "" {
			problems = append(problems, fmt.Errorf("endpoints.%s.url: %q is not an address such as https://host/v1", name, e.URL))
		}
	}
	for i, m := range c.Models {
		if _, ok := c.Endpoints[m.Endpoint]; !ok {
			problems = append(problems, fmt.Errorf("models[%d] %s: endpoint %q is not configured", i, m.ID, m.Endpoint))
		}
		kind := c.Endpoints[m.Endpoint].Kind
		for _, o := range m.Operations {
			if !upstream.Offers(kind, o) {
				problems = append(problems, fmt.Errorf("models[%d] %s: servers of the kind %q do not offer %q", i, m.ID, kind, o))
			}
		}
	}
	if endpoints, err := c.upstreams(); err != nil {
		problems = append(problems, err)
	} else if err := (upstream.Config{Endpoints: endpoints}).Validate(); err != nil {
		problems = append(problems, err)
	}
	problems = append(problems, c.validateSources()...)
	problems = append(problems, c.validateDays()...)
	problems = append(problems, c.validateVault())
	if _, err := fromEnvironment(c.Database); err != nil {
		problems = append(problems, fmt.Errorf("database: %w", err))
	}
	for name, value := range c.Telemetry.Headers {
		if _, err := fromEnvironment(value); err != nil {
			problems = append(problems, fmt.Errorf("telemetry.headers.%s: %w", name, err))
		}
	}
	if _, _, err := net.SplitHostPort(c.AdminListen); c.AdminListen != "" && err != nil {
		problems = append(problems, fmt.Errorf("admin_listen: %q is not host:port", c.AdminListen))
	}
	if _, err := router.Open(c.routing()); err != nil {
		problems = append(problems, err)
	}
	if _, err := c.toolClient(mcp.ClientConfig{}); err != nil {
		problems = append(problems, err)
	}
	if err := c.Identity.Validate(); err != nil {
		problems = append(problems, err)
	}
	if err := c.SignIn.Validate(); err != nil {
		problems = append(problems, err)
	}
	if c.SignIn.Enabled() && c.PublicURL == "" {
		problems = append(problems, errors.New("public_url: is missing; persons come back to it from sign_in.issuer"))
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		problems = append(problems, fmt.Errorf("public_url: %q is not an address such as https://schleuse.example", c.PublicURL))
	}
	problems = append(problems, c.Policies.validate())
	if err := c.PriceList.validate(); err != nil {
		problems = append(problems, err)
	}
	if err := c.Limits.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("limits: %w", err))
	}
	if c.secret != nil {
		if _, err := identity.New(tenantConfig(*c, nil, slog.New(slog.DiscardHandler))); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// validateListen: without TLS only on the loopback address or behind a proxy.
func (c *Config) validateListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %q is not host:port", c.Listen)
	}
	if c.TLS.Cert != "" && c.TLS.Key != "" || c.BehindProxy {
		return nil
	}
	if addr, err := netip.ParseAddr(host); host == "localhost" || err == nil && addr.IsLoopback() {
		return nil
	}
	return fmt.Errorf("listen: %s is reachable from outside; set tls.cert and tls.key, or behind_proxy: true", c.Listen)
}

func (c *Config) validateSecret() error {
	if c.secret != nil {
		return nil
	}
	if c.SecretFile == "" {
		return errors.New("secret_file: is missing; make one with: head -c 48 /dev/urandom > secret && chmod 600 secret")
	}
	info, err := os.Stat(c.SecretFile)
	if err != nil {
		return fmt.Errorf("secret_file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("secret_file: %s can be read by others; chmod 600", c.SecretFile)
	}
	secret, err := os.ReadFile(c.SecretFile)
	if err != nil {
		return fmt.Errorf("secret_file: %w", err)
	}
	if len(secret) < 32 {
		return fmt.Errorf("secret_file: %d bytes, at least 32 are needed", len(secret))
	}
	c.secret = secret
	return nil
}

func (c *Config) validateSources() []error {
	var problems []error
	seen := map[string]bool{}
	for i, s := range c.Sources {
		at := fmt.Sprintf("sources[%d] %s", i, s.Name)
		if s.Name == "" || seen[string(s.Tenant)+"/"+s.Name] {
			problems = append(problems, fmt.Errorf("%s: the name is empty or used twice", at))
		}
		seen[string(s.Tenant)+"/"+s.Name] = true
		if _, ok := sourceKinds[s.Kind]; !ok {
			problems = append(problems, fmt.Errorf("%s: kind %q is unknown; there are: %s", at, s.Kind, strings.Join(sourceKindNames(), ", ")))
		}
		if !c.hasTenant(s.Tenant) {
			problems = append(problems, fmt.Errorf("%s: tenant %q is not configured", at, s.Tenant))
		}
	}
	return problems
}

func (c *Config) hasTenant(id gateway.TenantID) bool {
	for _, t := range c.Tenants {
		if t.ID == id {
			return true
		}
	}
	return false
}

// entries is the catalogue for the router.
func (c *Config) entries() []router.Entry {
	var out []router.Entry
	for _, m := range c.Models {
		out = append(out, router.Entry{
			Card: gateway.ModelCard{
				ID: m.ID, Residency: m.Residency, Operator: m.Operator, Country: m.Country, ProcessorKind: m.ProcessorKind,
				Contract: m.Contract, Para80Notice: m.Para80Notice, Para80Ground: m.Para80Ground, Para30AO: m.Para30AO, Art9: m.Art9,
				TrainsOnInput: m.TrainsOnInput, DataClasses: m.DataClasses, Operations: m.Operations, Context: m.Context,
				Capabilities: m.Capabilities, Price: m.Price.price(), Energy: m.EnergyWh,
			},
			Endpoint: m.Endpoint, Upstream: m.Upstream, Weight: m.Weight, Aliases: m.Aliases, Limits: m.Limits.limits(), HedgeAfter: m.HedgeAfter,
		})
	}
	return append(out, c.toolEntries()...)
}

// upstreams are the endpoints for the wire client.
func (c *Config) upstreams() (map[string]upstream.Endpoint, error) {
	out := map[string]upstream.Endpoint{}
	for name, e := range c.Endpoints {
		endpoint, err := e.upstream()
		if err != nil {
			return nil, fmt.Errorf("endpoints.%s.%w", name, err)
		}
		out[name] = endpoint
	}
	return out, nil
}

func (e EndpointConfig) upstream() (upstream.Endpoint, error) {
	out := upstream.Endpoint{
		Kind: e.Kind, BaseURL: strings.TrimSuffix(e.URL, "/"), AllowPrivate: e.AllowPrivate, H2C: e.H2C,
		Timeouts: upstream.Timeouts{Connect: e.Connect, FirstByte: e.FirstByte, Idle: e.Idle, Total: e.Total},
		Headers:  map[string]upstream.Secret{},
	}
	for _, s := range []struct {
		name, value string
		to          *upstream.Secret
	}{{"key", e.Key, &out.Key}, {"proxy", e.Proxy, &out.Proxy}} {
		value, err := fromEnvironment(s.value)
		if err != nil {
			return out, fmt.Errorf("%s: %w", s.name, err)
		}
		*s.to = upstream.Secret(value)
	}
	for name, value := range e.Headers {
		value, err := fromEnvironment(value)
		if err != nil {
			return out, fmt.Errorf("headers.%s: %w", name, err)
		}
		out.Headers[name] = upstream.Secret(value)
	}
	var err error
	out.TLS, err = e.tls()
	return out, err
}

// tls is nil when the system's authorities suffice and no certificate is shown.
func (e EndpointConfig) tls() (*tls.Config, error) {
	if e.CA == "" && e.Cert == "" {
		return nil, nil //nolint:nilnil // nothing of its own
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.CA != "" {
		pem, err := os.ReadFile(e.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: %s holds no certificate", e.CA)
		}
	}
	if e.Cert != "" {
		pair, err := tls.LoadX509KeyPair(e.Cert, e.CertKey)
		if err != nil {
			return nil, fmt.Errorf("cert: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// fromEnvironment replaces a value of the form ${NAME}. Secrets do not stand in
// the file.
func fromEnvironment(value string) (string, error) {
	name, ok := strings.CutPrefix(value, "${")
	if !ok {
		return value, nil
	}
	name = strings.TrimSuffix(name, "}")
	v, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("environment variable %s is not set", name)
	}
	return v, nil
}
