// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/ki-schleuse/schleuse/gateway"
)

// maxModels bounds the list of an endpoint.
const maxModels = 4096

// Models lists the model names an endpoint offers.
func (c *Client) Models(ctx context.Context, endpoint string) ([]string, error) {
	x, err := c.do(ctx, endpoint, http.MethodGet, "/models", "application/json", payload{})
	if err != nil {
		return nil, err
	}
	defer x.close()
	body, err := x.readAll(c.config.MaxAnswer)
	if err != nil {
		return nil, x.fail("list models", err)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, &gateway.Error{Op: "list models", Code: gateway.CodeUnavailable, Message: msgUnreadable, Err: errors.New("not a list of models")}
	}
	var names []string
	for _, m := range list.Data[:min(len(list.Data), maxModels)] {
		if m.ID != "" {
			names = append(names, m.ID)
		}
	}
	return names, nil
}

// Ping says whether an endpoint answers. A server without a list of models is alive.
func (c *Client) Ping(ctx context.Context, endpoint string) error {
	_, err := c.Models(ctx, endpoint)
	var e *gateway.Error
	if errors.As(err, &e) && e.Code == gateway.CodeUpstream && e.Upstream.Status == http.StatusNotFound {
		return nil
	}
	return err
}
