// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// errAddress is why a connection was refused before it was made.
var errAddress = errors.New("address not allowed by configuration")

// guard decides by the resolved address, so that neither a rebound name nor a
// number in disguise leads to a place the configuration does not mean.
type guard struct {
	private bool // private and loopback addresses are allowed
	plain   bool // no TLS: public addresses are refused
}

// refused holds addresses no model server has: metadata services of clouds and
// networks with special meaning. Link-local is checked by its property.
var refused = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.100.100.200/32"), // metadata service outside 169.254.0.0/16
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("fd00:ec2::254/128"), // metadata service in a unique local network
}

var (
	carrierNAT = netip.MustParsePrefix("100.64.0.0/10")
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
)

func (g guard) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errAddress, address)
	}
	return g.check(ap.Addr())
}

func (g guard) check(a netip.Addr) error {
	a = embedded(a)
	switch {
	case !a.IsValid(), a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast(), inAny(a, refused):
		return fmt.Errorf("%w: %s", errAddress, a)
	case isPrivate(a) && !g.private:
		return fmt.Errorf("%w: %s is private", errAddress, a)
	case !isPrivate(a) && g.plain:
		return fmt.Errorf("%w: %s is public and the connection would be plain http", errAddress, a)
	}
	return nil
}

// embedded unwraps IPv4 addresses carried in IPv6 ones and drops the zone.
func embedded(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !nat64.Contains(a) {
		return a
	}
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

func inAny(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func isPrivate(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || carrierNAT.Contains(a)
}

// namesPrivate says that a host in a URL is itself a private address, so that
// whoever wrote it meant it.
func namesPrivate(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && isPrivate(embedded(a))
}

// newHTTPClient builds the client of one endpoint: no proxy from the
// environment, no redirects, no cookies, addresses checked after resolution.
func newHTTPClient(e Endpoint, base *url.URL) *http.Client {
	g := guard{private: e.AllowPrivate || namesPrivate(base.Hostname()), plain: base.Scheme == "http"}
	transport := &http.Transport{
		Proxy:                  nil,
		TLSClientConfig:        tlsConfig(e.TLS),
		TLSHandshakeTimeout:    e.Timeouts.Connect,
		Protocols:              protocols(e.H2C),
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        idleTime(e.Kind),
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        4 << 10, // a body larger than that is written past the buffer
		ReadBufferSize:         readBuffer,
	}
	if proxy, err := e.proxy(base); err == nil && proxy != nil {
		transport.Proxy = http.ProxyURL(proxy)
		g = guard{private: true} // a proxy of the house
	}
	dialer := &net.Dialer{Timeout: e.Timeouts.Connect, KeepAlive: 30 * time.Second, Control: g.control}
	transport.DialContext = dialer.DialContext
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if ownTransport && transport.Proxy == nil && base.Scheme == "http" && !e.H2C {
		client.Transport = &plainTransport{dial: dialer.DialContext, address: hostPort(base), idleTime: idleTime(e.Kind), maxIdle: maxIdlePlain}
	}
	return client
}

// readBuffer is for what a connection has received; each held stream has one.
const readBuffer = 4 << 10

// hostPort is where a plain connection to a server goes.
func hostPort(base *url.URL) string {
	if base.Port() != "" {
		return base.Host
	}
	return net.JoinHostPort(base.Hostname(), "80")
}

// idleTime is how long an unused connection is kept.
func idleTime(kind string) time.Duration {
	if known, _ := kindOf(kind); known.idle > 0 {
		return known.idle
	}
	return 90 * time.Second
}

// sessions is how many TLS sessions an endpoint remembers, one per address.
const sessions = 64

// tlsConfig resumes sessions, so that a new connection costs no full handshake.
func tlsConfig(c *tls.Config) *tls.Config {
	c = c.Clone()
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.MinVersion < tls.VersionTLS12 {
		c.MinVersion = tls.VersionTLS12
	}
	if c.ClientSessionCache == nil {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	}
	return c
}

func protocols(h2c bool) *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(!h2c)
	p.SetHTTP2(!h2c)
	p.SetUnencryptedHTTP2(h2c)
	return &p
}

// line knows whether a request has got a connection.
type line struct{ connected atomic.Bool }

func (l *line) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { l.connected.Store(true) }}
}

// explain makes an error say in one way that no connection was made, whether the
// dialling failed, the proxy or the TLS handshake: as *net.OpError with the Op
// "dial". The router sees by it that the server did nothing yet. An address that
// the configuration forbids is another matter: trying again does not help.
func (l *line) explain(err error) error {
	var dial *net.OpError
	switch {
	case errors.Is(err, errAddress):
		return fmt.Errorf("%w: %s", errAddress, hostOf(err))
	case l.connected.Load():
		return err
	case errors.As(err, &dial) && dial.Op == "dial":
		return err
	}
	return &net.OpError{Op: "dial", Net: "tcp", Err: err}
}

// hostOf is the address that an error of dialling names.
func hostOf(err error) string {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Addr != nil {
		return dial.Addr.String()
	}
	return "unknown"
}
