// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

//go:build unix

package upstream

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// ownTransport has models behind plain HTTP asked through plainTransport; false:
// through net/http, like all others.
const ownTransport = true

// probe reads from a connection without waiting. The zero value always says that
// it would have to.
type probe struct {
	raw syscall.RawConn
	try func(fd uintptr) bool
	p   []byte
	n   int
	err error
}

func (r *probe) of(conn net.Conn) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	r.raw = raw
	r.try = func(fd uintptr) bool {
		r.n, r.err = syscall.Read(int(fd), r.p)
		return true // whatever came of it: do not wait
	}
}

// read is one read; waits: nothing is there yet.
func (r *probe) read(p []byte) (n int, err error, waits bool) { //nolint:revive // the error is one of three results and not the last word
	if r.raw == nil {
		return 0, nil, true
	}
	r.p = p
	err = r.raw.Read(r.try)
	n, r.p = r.n, nil
	switch {
	case err != nil: // closed
		return 0, err, false
	case errors.Is(r.err, syscall.EAGAIN), errors.Is(r.err, syscall.EINTR):
		return 0, nil, true
	case r.err != nil:
		return 0, r.err, false
	case n == 0:
		return 0, io.EOF, false
	}
	return n, nil, false
}
