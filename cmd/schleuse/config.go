// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/router"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/policies"
)

// Config is the whole configuration file. Unknown keys are errors; Validate
// names all mistakes at once.
type Config struct { //nolint:recvcheck // what gives a changed configuration works on its copy
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
		return sayOf(err, "Die Angaben zur Behörde sind nicht lesbar.")
	}
	return strict(raw, "", &a.Profile)
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

func (c *Config) shutdownTime() time.Duration { return c.withDefaults().Shutdown }

const maxConfigBytes = 4 << 20

// loadConfig reads a file strictly. Every mistake is shown with its line; what is
// right stands in the result all the same.
func loadConfig(path string) (Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Config{}, sayOf(err, "Die Konfiguration ist nicht lesbar; eine andere Datei nennt --config, eine neue schreibt schleuse config init.")
	}
	if info.Size() > maxConfigBytes {
		return Config{}, say("Die Konfiguration %s ist größer als 4 MiB.", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, sayOf(err, "Die Konfiguration ist nicht lesbar.")
	}
	c, problem := parseConfig(raw)
	if problem != nil {
		problem = inFile(path, problem)
	}
	if c.Data != "" && !filepath.IsAbs(c.Data) {
		c.Data = filepath.Join(filepath.Dir(path), c.Data)
	}
	if c.Policies.Path != "" && !filepath.IsAbs(c.Policies.Path) {
		c.Policies.Path = filepath.Join(filepath.Dir(path), c.Policies.Path)
	}
	return c, problem
}

func parseConfig(raw []byte) (Config, error) {
	var c Config
	err := strictYAML(raw, &c)
	return c.withDefaults(), err
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

// upstreams are the endpoints for the wire client, and what is wrong with them.
func (c *Config) upstreams() (map[string]upstream.Endpoint, error) {
	out := map[string]upstream.Endpoint{}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.Endpoints)) {
		endpoint, err := c.Endpoints[name].upstream()
		if err != nil {
			problems = append(problems, prefixed("endpoints."+name+".", err))
		}
		out[name] = endpoint
	}
	return out, errors.Join(problems...)
}

func (e EndpointConfig) clocks() upstream.Timeouts {
	return upstream.Timeouts{Connect: e.Connect, FirstByte: e.FirstByte, Idle: e.Idle, Total: e.Total}
}

func (e EndpointConfig) upstream() (upstream.Endpoint, error) {
	out := upstream.Endpoint{
		Kind: e.Kind, BaseURL: strings.TrimSuffix(e.URL, "/"), AllowPrivate: e.AllowPrivate, H2C: e.H2C,
		Timeouts: e.clocks(),
		Headers:  map[string]upstream.Secret{},
	}
	var problems []error
	for _, s := range []struct {
		name, value string
		to          *upstream.Secret
	}{{"key", e.Key, &out.Key}, {"proxy", e.Proxy, &out.Proxy}} {
		value, err := fromEnvironment(s.value)
		if err != nil {
			problems = append(problems, sayAt(s.name, err))
		}
		*s.to = upstream.Secret(value)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		value, err := fromEnvironment(e.Headers[name])
		if err != nil {
			problems = append(problems, sayAt("headers."+name, err))
		}
		out.Headers[name] = upstream.Secret(value)
	}
	var err error
	out.TLS, err = e.tls()
	return out, errors.Join(append(problems, err)...)
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
			return nil, sayAt("ca", err)
		}
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, say("ca: %s enthält kein Zertifikat im PEM-Format.", e.CA)
		}
	}
	if e.Cert != "" {
		pair, err := tls.LoadX509KeyPair(e.Cert, e.CertKey)
		if err != nil {
			return nil, sayAt("cert", sayOf(err, "Zertifikat %s und Schlüssel %s sind nicht lesbar oder passen nicht zusammen.", e.Cert, e.CertKey))
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
		return "", say("Die Umgebungsvariable %s ist nicht gesetzt; setzen Sie sie für diesen Befehl oder den Dienst.", name)
	}
	return v, nil
}
