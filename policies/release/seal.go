// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// seal is a keyed digest of a revision.
func (d *Desk) seal(r Revision) string {
	r.Seal = ""
	raw, err := json.Marshal(r)
	if err != nil {
		return "" // never equal to a seal
	}
	mac := hmac.New(sha256.New, d.config.Key)
	mac.Write(raw)
	return hex.EncodeToString(mac.Sum(nil))
}

func (d *Desk) sealed(r Revision) bool {
	want := d.seal(r)
	return want != "" && hmac.Equal([]byte(want), []byte(r.Seal))
}

// envelope is a document whose body nobody changes who has only the database. The
// body are bytes, so that no store writes it in another way.
type envelope struct {
	Body []byte `json:"body"`
	Seal string `json:"seal"`
}

// sealOf binds a body to the place where it lies: what was sealed as one document
// is not another one.
func (d *Desk) sealOf(kind, id string, body []byte) string {
	mac := hmac.New(sha256.New, d.config.Key)
	fmt.Fprintf(mac, "%s\n%s\n", kind, id)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func (d *Desk) unseal(kind, id string, e envelope, body any) error {
	if !hmac.Equal([]byte(d.sealOf(kind, id, e.Body)), []byte(e.Seal)) {
		return &gateway.Error{
			Op: "read " + kind + " " + id, Code: gateway.CodeInternal,
			Message: "Dieser Eintrag trägt kein gültiges Siegel: Er wurde außerhalb der KI-Schleuse verändert oder stammt aus einer Version ohne Siegel. Er gilt nicht.",
		}
	}
	if err := json.Unmarshal(e.Body, body); err != nil {
		return fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return nil
}

// readSealed gets a sealed document and its body.
func readSealed[T any](ctx context.Context, d *Desk, kind, id string) (body T, version int64, err error) {
	e, version, err := read[envelope](ctx, d.config.Store, kind, id)
	if err != nil {
		return body, 0, err
	}
	if err := d.unseal(kind, id, e, &body); err != nil {
		var none T
		return none, 0, err
	}
	return body, version, nil
}

// writeSealed seals a document and puts it in the place of the version that was read.
func (d *Desk) writeSealed(ctx context.Context, kind, id string, version int64, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write %s %s: %w", kind, id, err)
	}
	return write(ctx, d.config.Store, kind, id, version, envelope{Body: raw, Seal: d.sealOf(kind, id, raw)})
}

// allSealed reads every document of a kind whose seal is right, and the ids of the
// others.
func allSealed[T any](ctx context.Context, d *Desk, kind string) (bodies []T, broken []string, err error) {
	err = each(ctx, d.config.Store, kind, func(doc state.Document) error {
		var e envelope
		var body T
		if err := json.Unmarshal(doc.Body, &e); err != nil {
			return fmt.Errorf("read %s %s: %w", kind, doc.ID, err)
		}
		if err := d.unseal(kind, doc.ID, e, &body); err != nil {
			d.config.Logger.LogAttrs(ctx, slog.LevelError, "document without a valid seal", slog.String("kind", kind), slog.String("id", doc.ID))
			broken = append(broken, doc.ID)
			return nil //nolint:nilerr // the caller gets its id and the others are read
		}
		bodies = append(bodies, body)
		return nil
	})
	return bodies, broken, err
}
