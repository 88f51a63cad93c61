// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package mcp_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/mcp"
)

// What a call declares protects it: nothing of it is lost on the way to the rules,
// and what nobody understands is an error.
func TestWhatACallDeclaresReachesTheRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		said any
		ok   bool
		want []gateway.DataClass
	}{
		"data class":      {map[string]any{"data_class": []string{"confidential"}}, true, []gateway.DataClass{"confidential"}},
		"same case":       {map[string]any{"case": "4711"}, true, nil},
		"another case":    {map[string]any{"case": "4712"}, false, nil},
		"typing error":    {map[string]any{"data_class": []string{"sozialdatn"}}, false, nil},
		"unknown field":   {map[string]any{"data_classes": []string{"sozialdaten"}}, false, nil},
		"no object":       {"geheim", false, nil},
		"nothing at all":  {nil, true, nil},
		"too many people": {map[string]any{"case_entities": make([]map[string]string, 501)}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := released(t, startRegister(t), "")
			g := &through{client: client}
			s := connect(t, mcp.Config{Released: client, Gateway: g}, "Bearer slz_tannberg") // with Schleuse-Case: 4711
			q := &sdk.CallToolParams{Name: "fach__melderegister", Arguments: map[string]any{"name": "Erika"}}
			if c.said != nil {
				q.Meta = sdk.Meta{"schleuse": c.said}
			}
			r, err := s.CallTool(t.Context(), q)
			if err != nil || r.IsError == c.ok || c.ok != (len(g.asked) == 1) {
				t.Fatalf("%q, %v, asked %d times", text(r), err, len(g.asked))
			}
			if c.ok && !slices.Equal(g.asked[0].DataClass, c.want) {
				t.Errorf("declared %v, want %v", g.asked[0].DataClass, c.want)
			}
		})
	}
}

// panics is a gateway with a mistake in it.
type panics struct{}

func (panics) Complete(context.Context, gateway.Request) (*gateway.Response, error) {
	panic("Erika Mustermann")
}

// A call runs in a goroutine of its own: a panic there would end the process.
func TestPanicIsARefusal(t *testing.T) {
	t.Parallel()
	client := released(t, startRegister(t), "")
	s := connect(t, mcp.Config{Released: client, Gateway: panics{}}, "Bearer slz_tannberg")
	for range 2 {
		r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "fach__melderegister"})
		if err != nil || !r.IsError || text(r) != "Der Aufruf konnte nicht bearbeitet werden." {
			t.Fatalf("%q, %v", text(r), err)
		}
	}
}

// Who sends a request byte by byte does not hold a connection for ever.
func TestSlowBodyEnds(t *testing.T) {
	t.Parallel()
	server, err := mcp.NewServer(mcp.Config{API: api, Auth: auth{}, BodyTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer slz_tannberg\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 1000\r\n\r\n{")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return // the connection has ended
	}
	defer answer.Body.Close()
	if answer.StatusCode < 400 {
		t.Errorf("status %s", answer.Status)
	}
}
