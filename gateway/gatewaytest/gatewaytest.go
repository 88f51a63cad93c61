// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package gatewaytest holds simple parts of a gateway for tests of other parts.
package gatewaytest

import (
	"context"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Roads is the half of a router that knows no load and no second try. Tests
// embed it.
type Roads struct{}

// Enter always finds a place.
func (Roads) Enter(context.Context, gateway.Request, gateway.Route) (gateway.Place, error) {
	return place{}, nil
}

// Next never tries again.
func (Roads) Next(context.Context, gateway.Request, []gateway.Route, []gateway.Attempt, error) (int, time.Duration, bool) {
	return 0, 0, false
}

type place struct{}

// Leave does nothing.
func (place) Leave(gateway.Attempt) {}

// Patient is the part of a recorder that takes no ending over: everybody waits.
// Tests embed it.
type Patient struct{}

// CloseSoon takes nothing.
func (Patient) CloseSoon(gateway.Closing) bool { return false }
