// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	cases := []struct {
		address                 string
		closed, private, plainP bool // allowed under: default, private allowed, plain http and private allowed
	}{
		{"93.184.215.14", true, true, false},
		{"2001:4860:4860::8888", true, true, false},
		{"127.0.0.1", false, true, true},
		{"::1", false, true, true},
		{"::ffff:127.0.0.1", false, true, true},
		{"10.1.2.3", false, true, true},
		{"192.168.0.5", false, true, true},
		{"172.16.0.1", false, true, true},
		{"100.64.0.9", false, true, true},
		{"fd12::1", false, true, true},
		{"64:ff9b::a01:203", false, true, true}, // 10.1.2.3 through NAT64
		{"64:ff9b::a9fe:a9fe", false, false, false},
		{"169.254.169.254", false, false, false},
		{"::ffff:169.254.169.254", false, false, false},
		{"fe80::1", false, false, false},
		{"100.100.100.200", false, false, false},
		{"fd00:ec2::254", false, false, false},
		{"0.0.0.0", false, false, false},
		{"0.1.2.3", false, false, false},
		{"::", false, false, false},
		{"224.0.0.1", false, false, false},
		{"255.255.255.255", false, false, false},
	}
	for _, tc := range cases {
		a := netip.MustParseAddr(tc.address)
		for g, want := range map[guard]bool{
			{}: tc.closed, {private: true}: tc.private, {private: true, plain: true}: tc.plainP,
		} {
			if got := g.check(a) == nil; got != want {
				t.Errorf("%+v.check(%s): allowed = %v, want %v", g, tc.address, got, want)
			}
		}
	}
}

// A name that leads to a private address is refused although nothing in the
// configuration looks private: the decision is made on the dialled address.
func TestNameLeadsInside(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	g := guard{}
	if err := g.control("tcp", net.JoinHostPort("127.0.0.1", port), nil); !errors.Is(err, errAddress) {
		t.Errorf("control = %v, want refused", err)
	}
	for _, host := range []string{"2130706433", "0x7f000001", "127.1"} { // loopback in disguise
		e := Endpoint{BaseURL: "https://" + host + ":" + port}
		base, err := e.base()
		if err != nil {
			t.Fatal(err)
		}
		e.Timeouts = e.Timeouts.WithDefaults()
		response, err := newHTTPClient(e, base).Get(base.String())
		if err == nil {
			_ = response.Body.Close()
			t.Errorf("%s reached %s", host, server.URL)
		}
	}
}

func TestProxyOfEnvironmentIsIgnored(t *testing.T) {
	t.Parallel()
	e := Endpoint{BaseURL: "https://modelle.example/v1"}
	base, err := e.base()
	if err != nil {
		t.Fatal(err)
	}
	transport, ok := newHTTPClient(e, base).Transport.(*http.Transport)
	if !ok || transport.Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}

// Connections that a server closes early are given up before it does.
func TestIdleConnectionsOfKinds(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]time.Duration{"": 90 * time.Second, "openai": 90 * time.Second, "vllm": 4 * time.Second} {
		e := Endpoint{Kind: kind, BaseURL: "https://modelle.example/v1"}
		base, err := e.base()
		if err != nil {
			t.Fatal(err)
		}
		transport, ok := newHTTPClient(e, base).Transport.(*http.Transport)
		if !ok || transport.IdleConnTimeout != want || transport.MaxIdleConnsPerHost != 256 || transport.MaxConnsPerHost != 0 {
			t.Errorf("%q: %+v, want idle connections for %v", kind, transport, want)
		}
	}
}

func TestValidateNamesEveryMistake(t *testing.T) {
	t.Parallel()
	c := Config{Endpoints: map[string]Endpoint{
		"a": {BaseURL: "ftp://host/v1"},
		"b": {BaseURL: "https://nutzer:kennwort@host/v1"},
		"c": {BaseURL: "http://modelle.example/v1"},
		"d": {BaseURL: "https://host/v1?key=1"},
		"e": {BaseURL: "https://host/v1", Headers: map[string]Secret{"authorization": "x"}},
		"f": {BaseURL: "https://host/v1", Key: "a\nb"},
		"g": {BaseURL: "https://host/v1", Headers: map[string]Secret{"x y": "x"}},
		"h": {BaseURL: "::"},
		"i": {BaseURL: "https:///v1"},
		"j": {BaseURL: "http://10.0.0.1:8000/v1"},
		"k": {BaseURL: "http://vllm:8000/v1", AllowPrivate: true},
		"l": {BaseURL: "http://localhost:8000/v1"},
	}}
	err := c.Validate()
	if err == nil {
		t.Fatal("no mistake found")
	}
	for name := range c.Endpoints {
		found, want := strings.Contains(err.Error(), "endpoints."+name+"."), name < "j"
		if found != want {
			t.Errorf("endpoint %s: mistake reported = %v, want %v (%v)", name, found, want, err)
		}
	}
	if strings.Contains(err.Error(), "kennwort") {
		t.Errorf("the message shows the password: %v", err)
	}
	if _, err := New(c); err == nil {
		t.Error("New accepted the configuration")
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	const value = "sk-canary-1"
	e := Endpoint{BaseURL: "https://host", Key: value, Headers: map[string]Secret{"api-key": value}}
	encoded, err := json.Marshal(e.Headers)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", slog.Any("endpoint", e.Key), slog.Any("all", e.Headers))
	shown := fmt.Sprintf("%v %+v %#v %s %q %x %d", e, e, e, e.Key, e.Key, e.Key, e.Key) + string(encoded) + log.String()
	if strings.Contains(shown, value) || strings.Contains(shown, fmt.Sprintf("%x", value)) {
		t.Errorf("the secret is shown: %s", shown)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add("data: a\n\ndata: [DONE]\n\n", uint8(1))
	f.Add("\xef\xbb\xbfdata: a\r\ndata:b\r\r: x\n\nevent: error\n\n", uint8(3))
	f.Add("{\"error\":1}", uint8(7))
	f.Fuzz(func(t *testing.T, input string, step uint8) {
		whole, errWhole := events(strings.NewReader(input))
		pieces, errPieces := events(&slow{s: input, n: int(step%16) + 1})
		if fmt.Sprint(whole, errWhole) != fmt.Sprint(pieces, errPieces) {
			t.Errorf("read at once: %q %v, in pieces: %q %v", whole, errWhole, pieces, errPieces)
		}
	})
}

func events(src interface{ Read([]byte) (int, error) }) ([]string, error) {
	r := newEventReader(src, 1<<16, new(sync.Pool))
	var out []string
	for {
		ev, err := r.next()
		if err != nil {
			return out, err
		}
		out = append(out, ev.name+"="+string(ev.data))
	}
}

// slow returns n bytes per read.
type slow struct {
	s string
	n int
}

func (r *slow) Read(p []byte) (int, error) {
	if r.s == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.n)], r.s)
	r.s = r.s[n:]
	return n, nil
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"choices":[{"index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":1.0}}`))
	f.Add([]byte(`{"error":{"message":"x","code":1}}`))
	f.Add([]byte(`{"data":[{"embedding":[1]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, o := range []gateway.Operation{
			gateway.OperationChat, gateway.OperationCompletion, gateway.OperationEmbeddings, gateway.OperationRerank, gateway.OperationTranscription,
		} {
			if _, err := checkAnswer(o, body); err == nil && !json.Valid(body) {
				t.Errorf("%q counts as a whole answer", body)
			}
		}
		parseError(body)
	})
}
