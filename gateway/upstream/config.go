// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config says which model servers there are and how to speak to them.
type Config struct {
	// Endpoints by the key that gateway.Route.Endpoint carries.
	Endpoints map[string]Endpoint
	// UserAgent is sent with every call; default "ki-schleuse".
	UserAgent string
	// MaxAnswer bounds a whole answer and all events of a stream; default 64 MiB.
	MaxAnswer int64
	// MaxLine bounds one line of a stream; default 16 MiB.
	MaxLine int
	// Trace returns the W3C traceparent of a request, or ""; nil sends none.
	Trace func(context.Context) string
	// Now is the clock for Retry-After dates; default time.Now.
	Now func() time.Time
}

// Endpoint is one OpenAI-compatible server.
type Endpoint struct {
	// Kind is what the server is, one of Kinds; default "openai", which assumes
	// nothing beyond that interface.
	Kind string
	// BaseURL ends before "/chat/completions", usually "https://host/v1".
	BaseURL string
	// Key is sent as bearer token to the host of BaseURL and to no other.
	Key Secret
	// Headers are sent in addition, for servers that want their own key header.
	Headers map[string]Secret
	// Timeouts of this endpoint; zero fields take the defaults.
	Timeouts Timeouts
	// AllowPrivate permits private and loopback addresses behind the host name.
	// A BaseURL that names such an address itself needs no permission.
	AllowPrivate bool
	// TLS adds own certification authorities or a client certificate; nil: the system's.
	TLS *tls.Config
	// Proxy is the URL of a proxy to go through, with its password where it wants
	// one. Only with https: the proxy must not read along. It resolves the host
	// name, so addresses behind that are its to check. Nothing is ever taken from
	// the environment.
	Proxy Secret
	// H2C speaks HTTP/2 without TLS to a server of plain http.
	H2C bool
}

// Timeouts are the four clocks of a call.
type Timeouts struct {
	// Connect bounds dialling and the TLS handshake, each; default 5 s.
	Connect time.Duration
	// FirstByte bounds the wait for the first byte of the answer; default 120 s.
	FirstByte time.Duration
	// Idle bounds the silence between two pieces of the answer; default 60 s.
	Idle time.Duration
	// Total bounds the whole call; default 15 min.
	Total time.Duration
}

// Secret is a value that no log, message or dump shows.
type Secret string

const masked = "***"

// String hides the value.
func (s Secret) String() string { return masked }

// Format hides the value for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText hides the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

func (c Config) withDefaults() Config {
	if c.UserAgent == "" {
		c.UserAgent = "ki-schleuse"
	}
	if c.MaxAnswer <= 0 {
		c.MaxAnswer = 64 << 20
	}
	if c.MaxLine <= 0 {
		c.MaxLine = 16 << 20
	}
	if c.Trace == nil {
		c.Trace = func(context.Context) string { return "" }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// WithDefaults has the four clocks as they run.
func (t Timeouts) WithDefaults() Timeouts {
	pick := func(d *time.Duration, standard time.Duration) {
		if *d <= 0 {
			*d = standard
		}
	}
	pick(&t.Connect, 5*time.Second)
	pick(&t.FirstByte, 120*time.Second)
	pick(&t.Idle, 60*time.Second)
	pick(&t.Total, 15*time.Minute)
	return t
}

// Validate returns all mistakes at once.
func (c Config) Validate() error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(c.Endpoints)) {
		if name == "" {
			all = append(all, errors.New("endpoints: Ein Endpunkt hat keinen Namen."))
		}
		for _, err := range c.Endpoints[name].mistakes() {
			all = append(all, fmt.Errorf("endpoints.%s.%w", name, err))
		}
	}
	return errors.Join(all...)
}

// mistakes are all of an endpoint, each with its field.
func (e Endpoint) mistakes() []error {
	var all []error
	if _, ok := kindOf(e.Kind); !ok {
		all = append(all, fmt.Errorf("kind: Die Art %q ist nicht bekannt; es gibt: %s.", e.Kind, strings.Join(Kinds(), ", ")))
	}
	if strings.ContainsAny(string(e.Key), "\r\n\x00") {
		all = append(all, errors.New("key: Der Schlüssel enthält einen Zeilenumbruch."))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if err := validHeader(name, string(e.Headers[name])); err != nil {
			all = append(all, err)
		}
	}
	u, err := e.base()
	if err != nil {
		return append(all, err)
	}
	if u.Scheme == "http" && !e.AllowPrivate && !namesPrivate(u.Hostname()) {
		all = append(all, errors.New("url: Unverschlüsselt (http) sind nur private Adressen erlaubt; nehmen Sie https oder setzen Sie allow_private."))
	}
	if e.H2C && u.Scheme != "http" {
		all = append(all, errors.New("h2c: Das ist HTTP/2 ohne TLS; die Adresse unter url beginnt aber mit https."))
	}
	if _, err := e.proxy(u); err != nil {
		all = append(all, err)
	}
	return all
}

// base is the parsed BaseURL without a trailing slash.
func (e Endpoint) base() (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(e.BaseURL, "/"))
	switch {
	case err != nil:
		return nil, errors.New("url: Die Angabe ist keine Adresse wie https://host/v1.") // the text of err may show a password
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("url: Die Adresse beginnt nicht mit http:// oder https://.")
	case u.Hostname() == "":
		return nil, errors.New("url: Die Adresse nennt keinen Rechner; erwartet wird eine wie https://host/v1.")
	case u.User != nil:
		return nil, errors.New("url: Die Adresse enthält Zugangsdaten; sie gehören unter key.")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("url: Die Adresse endet vor ? und #; beides ist hier nicht möglich.")
	}
	return u, nil
}

// proxy is the parsed Proxy, nil when there is none.
func (e Endpoint) proxy(base *url.URL) (*url.URL, error) {
	if e.Proxy == "" {
		return nil, nil //nolint:nilnil // no proxy is no error
	}
	u, err := url.Parse(string(e.Proxy))
	switch {
	case err != nil:
		return nil, errors.New("proxy: Die Angabe ist keine Adresse wie http://proxy:3128.") // the text of err may show a password
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("proxy: Die Adresse beginnt nicht mit http:// oder https://.")
	case u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("proxy: Erwartet werden nur Rechner und Port, zum Beispiel http://proxy:3128.")
	case base.Scheme != "https":
		return nil, errors.New("proxy: Ein Proxy ist nur mit einer Adresse mit https unter url möglich, damit er nicht mitliest.")
	}
	return u, nil
}

// ownHeaders are set by the client itself and never by configuration.
var ownHeaders = []string{
	"Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type",
	"Cookie", "Host", "Te", "Trailer", "Traceparent", "Transfer-Encoding", "Upgrade", "User-Agent",
}

func validHeader(name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	if slices.Contains(ownHeaders, canonical) {
		return fmt.Errorf("headers: Die Kopfzeile %s setzt die KI-Schleuse selbst.", canonical)
	}
	token := func(r rune) bool {
		return r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if name == "" || strings.IndexFunc(name, func(r rune) bool { return !token(r) }) >= 0 {
		return fmt.Errorf("headers: %q ist kein Name einer Kopfzeile.", name)
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return fmt.Errorf("headers: Der Wert von %s enthält einen Zeilenumbruch.", canonical)
	}
	return nil
}
