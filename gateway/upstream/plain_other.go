// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

//go:build !unix

package upstream

import "net"

// ownTransport: a connection that the server has ended cannot be told from one that
// stands here, so models are asked through net/http.
const ownTransport = false

// probe cannot read without waiting here.
type probe struct{}

func (*probe) of(net.Conn) {}

func (*probe) read([]byte) (n int, err error, waits bool) { return 0, nil, true } //nolint:revive // as on unix
