// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
)

// sending is a body on its way.
type sending struct{ *bytes.Reader }

func (sending) Close() error { return nil }

// request is a request with a body that can be sent again, if a connection turns
// out to be dead before anything was read from it.
func request(ctx context.Context, method, address string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil || len(body) == 0 {
		return r, err
	}
	again := func() (io.ReadCloser, error) { return sending{bytes.NewReader(body)}, nil }
	r.GetBody, r.ContentLength = again, int64(len(body))
	r.Body, err = again()
	return r, err
}

// bodyConn writes a body from where it lies. net/http would copy it through a
// buffer made for each request, of up to 32 KiB.
type bodyConn struct{ *net.TCPConn }

// ReadFrom is asked by net/http to send what is left of a body.
func (c bodyConn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return c.TCPConn.ReadFrom(r)
	}
	body, ok := limited.R.(sending)
	if !ok || int64(body.Len()) > limited.N {
		return c.TCPConn.ReadFrom(r)
	}
	n, err := body.WriteTo(c.TCPConn)
	limited.N -= n
	return n, err
}
