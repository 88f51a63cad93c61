// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import "context"

func (g *Gateway) observeStart(ctx context.Context, r Request) context.Context {
	if g.Observer == nil {
		return ctx
	}
	return g.Observer.Start(ctx, r)
}

func (g *Gateway) observeStage(ctx context.Context, name string) (context.Context, func(error)) {
	if g.Observer == nil {
		return ctx, func(error) {}
	}
	return g.Observer.Stage(ctx, name)
}

func (g *Gateway) observeAttempt(ctx context.Context, r Request, route Route) (context.Context, func(Attempt)) {
	if g.Observer == nil {
		return ctx, func(Attempt) {}
	}
	return g.Observer.Attempt(ctx, r, route)
}

func (g *Gateway) observeEnd(ctx context.Context, rec Record, c Closing) {
	if g.Observer != nil {
		g.Observer.End(ctx, rec, c)
	}
}
