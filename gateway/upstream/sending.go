// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// sending is a body on its way. plainTransport writes it from where it lies.
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
