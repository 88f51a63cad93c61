// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// maxModels bounds the list of an endpoint, maxList what is read of it.
const (
	maxModels = 4096
	maxList   = 8 << 20
)

// Models lists the model names an endpoint offers.
func (c *Client) Models(ctx context.Context, endpoint string) ([]string, error) {
	e, err := c.endpoint(endpoint)
	if err != nil {
		return nil, err
	}
	return c.models(ctx, e)
}

func (c *Client) models(ctx context.Context, e *endpoint) ([]string, error) {
	x, err := c.once(ctx, e, http.MethodGet, e.base.String()+e.kind.models, "application/json", payload{})
	if err != nil {
		return nil, err
	}
	defer x.close()
	x.left = min(x.left, maxList)
	body, err := x.readAll(x.left)
	if err != nil {
		return nil, x.fail("list models", err)
	}
	names, ok := modelNames(body)
	if !ok {
		return nil, &gateway.Error{Op: "list models", Code: gateway.CodeUnavailable, Message: msgUnreadable, Err: errors.New("not a list of models")}
	}
	return names, nil
}

// modelNames reads {"data":[{"id":…}]} and the bare list [{"name":…}].
func modelNames(body []byte) ([]string, bool) {
	type model struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	var list struct {
		Data []model `json:"data"`
	}
	target := any(&list)
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte{'['}) {
		target = &list.Data
	}
	if json.Unmarshal(body, target) != nil {
		return nil, false
	}
	var names []string
	for _, m := range list.Data[:min(len(list.Data), maxModels)] {
		if m.ID == "" {
			m.ID = m.Name
		}
		if m.ID != "" {
			names = append(names, m.ID)
		}
	}
	return names, true
}

// pingTime bounds a ping: a server that needs longer for this needs too long.
const pingTime = 10 * time.Second

// Ping says whether an endpoint can work, with what costs it least: the health
// path of its kind, without the key, or the list of its models.
func (c *Client) Ping(ctx context.Context, endpoint string) error {
	e, err := c.endpoint(endpoint)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	if e.kind.health != "" {
		if err := c.health(ctx, e); !closedPath(err) {
			return err
		}
	}
	_, err = c.models(ctx, e)
	if statusOf(err) == http.StatusNotFound { // a server without a list is alive
		return nil
	}
	return err
}

// health asks the health path, which stands at the root of the server.
func (c *Client) health(ctx context.Context, e *endpoint) error {
	open := *e
	open.Key, open.Headers = "", nil
	root := strings.TrimSuffix(e.base.String(), "/v1")
	x, err := c.once(ctx, &open, http.MethodGet, root+e.kind.health, "application/json", payload{})
	if err != nil {
		return err
	}
	defer x.close()
	_, _ = io.CopyN(io.Discard, x.body, 4<<10) // so that the connection can be used again
	return nil
}

// closedPath: something before the server shows only the paths below /v1, or
// wants the key for all.
func closedPath(err error) bool {
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnauthorized, http.StatusForbidden:
		return true
	}
	return false
}

// statusOf is the status of a refusal, 0 when there is none.
func statusOf(err error) int {
	if e, ok := errors.AsType[*gateway.Error](err); ok && e.Upstream != nil {
		return e.Upstream.Status
	}
	return 0
}
