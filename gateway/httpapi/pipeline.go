// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Pipeline is the passage of a request; Through makes one from a gateway.
type Pipeline interface {
	Complete(ctx context.Context, r gateway.Request) (*gateway.Response, error)
	Stream(ctx context.Context, r gateway.Request) (Stream, error)
	Permit(ctx context.Context, r gateway.Request) (Permit, error)
}

// Stream is an answer in pieces, see gateway.Stream.
type Stream interface {
	ID() string
	Next() ([]byte, error)
	Close() error
}

// Permit is an admitted request without a model, see gateway.Permit.
type Permit interface {
	ID() string
	Close(ctx context.Context, o gateway.Outcome, result string) error
}

// Through is the Pipeline of a gateway.
func Through(g *gateway.Gateway) Pipeline { return through{g} }

type through struct{ *gateway.Gateway }

func (t through) Stream(ctx context.Context, r gateway.Request) (Stream, error) {
	s, err := t.Gateway.Stream(ctx, r)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (t through) Permit(ctx context.Context, r gateway.Request) (Permit, error) {
	p, err := t.Gateway.Permit(ctx, r)
	if err != nil {
		return nil, err
	}
	return p, nil
}
