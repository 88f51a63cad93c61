// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"io"
	"net/http"
	"testing"
)

// net/http sends a request again when its connection was dead before anything was
// written: from the body's beginning, however much was read of it.
func TestBodyCanBeSentAgain(t *testing.T) {
	t.Parallel()
	r, err := request(t.Context(), http.MethodPost, "http://127.0.0.1/v1", []byte("Grüße"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if raw, err := io.ReadAll(io.LimitReader(r.Body, 3)); err != nil || string(raw) != "Gr\xc3" {
			t.Fatalf("%q, %v", raw, err)
		}
		if r.Body, err = r.GetBody(); err != nil {
			t.Fatal(err)
		}
	}
	if raw, err := io.ReadAll(r.Body); err != nil || string(raw) != "Grüße" || r.ContentLength != 7 {
		t.Errorf("%q, %v, length %d", raw, err, r.ContentLength)
	}
	none, err := request(t.Context(), http.MethodGet, "http://127.0.0.1/v1", nil)
	if err != nil || none.Body != http.NoBody || none.ContentLength != 0 {
		t.Errorf("a request without a body has %v, %v", none.Body, err)
	}
}
