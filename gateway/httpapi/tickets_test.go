// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

func TestTickets(t *testing.T) {
	t.Parallel()
	pepper := []byte(strings.Repeat("p", 32))
	key, id, hash := identity.NewKey("test", pepper)
	d, err := identity.New(identity.Config{Pepper: pepper, Tenants: []identity.Tenant{{ID: "lohe", Active: true, Systems: []identity.System{{
		ID: "woga", Channel: gateway.ChannelCaseworker,
		Keys: []identity.Key{{ID: id, Hash: hash, Expires: time.Now().Add(time.Hour), Roles: []string{identity.RoleCase}}},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	launches, err := identity.NewLaunches(identity.LaunchConfig{
		Store: identity.NewMemoryTickets(), Directory: func() *identity.Directory { return d }, Key: pepper, Origins: []string{"https://woga.example"}, Secure: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) {
		c.Auth, c.Launches, c.PublicURL = d, launches, "https://schleuse.example/"
	})
	bearer := []string{"Authorization", "Bearer " + key}
	good := `{"page":"check","case":"WG-1","person":{"name":"Kim"},"return_origin":"https://woga.example"}`
	a := b.call(t, http.MethodPost, "/api/v1/tickets", good, bearer...)
	url, _ := at(a.json(t), "url").(string)
	expires, _ := at(a.json(t), "expires").(string)
	end, err := time.Parse(time.RFC3339, expires)
	if a.status != http.StatusCreated || !strings.HasPrefix(url, "https://schleuse.example/panel/launch?t=") || err != nil || time.Until(end) > time.Minute {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	if strings.Contains(b.log.String(), strings.SplitN(url, "t=", 2)[1]) {
		t.Error("the ticket stands in the log")
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"no person":     {`{"page":"check","case":"WG-1"}`, http.StatusBadRequest},
		"unknown field": {`{"page":"check","case":"WG-1","person":{"name":"Kim"},"tenant":"tannberg"}`, http.StatusBadRequest},
		"unknown page":  {`{"page":"admin","case":"WG-1","person":{"name":"Kim"}}`, http.StatusBadRequest},
		"more roles":    {`{"page":"check","case":"WG-1","person":{"name":"Kim","roles":["sachbearbeitung","betrieb"]}}`, http.StatusForbidden},
		"other origin":  {`{"page":"check","case":"WG-1","person":{"name":"Kim"},"return_origin":"https://x.example"}`, http.StatusForbidden},
	} {
		if a := b.call(t, http.MethodPost, "/api/v1/tickets", c.body, bearer...); a.status != c.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, c.status)
		}
	}
	if a := b.call(t, http.MethodPost, "/api/v1/tickets", good, "Authorization", "Bearer slz_x"); a.status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", a.status)
	}
}
