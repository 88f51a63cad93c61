// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// Kinds of documents in the shared state.
const (
	kindActive      = "policy-active"   // one document, activeID: the Revision in force
	kindRevision    = "policy-revision" // by sequence
	kindProposal    = "policy-proposal"
	kindBundle      = "policy-bundle" // by digest, never changed
	kindShadow      = "policy-shadow" // one document, activeID
	kindShadowCount = "policy-shadow-count"

	activeID = "active"
)

// packed is a bundle as it is stored.
type packed struct {
	Zip []byte `json:"zip"`
}

// read gets a document and its body.
func read[T any](ctx context.Context, store state.Store, kind, id string) (body T, version int64, err error) {
	doc, err := store.Get(ctx, kind, id)
	if err != nil {
		return body, 0, err
	}
	if err := json.Unmarshal(doc.Body, &body); err != nil {
		return body, 0, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return body, doc.Version, nil
}

// readIf is read with the zero value where there is nothing.
func readIf[T any](ctx context.Context, store state.Store, kind, id string) (body T, version int64, err error) {
	body, version, err = read[T](ctx, store, kind, id)
	if gateway.CodeOf(err) == gateway.CodeNotFound {
		return body, 0, nil
	}
	return body, version, err
}

// write puts a document in the place of the version that was read.
func write(ctx context.Context, store state.Store, kind, id string, version int64, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write %s %s: %w", kind, id, err)
	}
	if _, err := store.Put(ctx, state.Document{Kind: kind, ID: id, Version: version, Body: raw}); err != nil {
		return fmt.Errorf("write %s %s: %w", kind, id, err)
	}
	return nil
}

// all reads every document of a kind.
func all[T any](ctx context.Context, store state.Store, kind string) ([]T, error) {
	var out []T
	err := each(ctx, store, kind, func(doc state.Document) error {
		var body T
		if err := json.Unmarshal(doc.Body, &body); err != nil {
			return fmt.Errorf("read %s %s: %w", kind, doc.ID, err)
		}
		out = append(out, body)
		return nil
	})
	return out, err
}

func each(ctx context.Context, store state.Store, kind string, do func(state.Document) error) error {
	after := ""
	for {
		page, err := store.List(ctx, state.Filter{Kind: kind, After: after})
		if err != nil {
			return fmt.Errorf("list %s: %w", kind, err)
		}
		for _, doc := range page {
			if err := do(doc); err != nil {
				return err
			}
			after = doc.ID
		}
		if len(page) < state.MaxLimit {
			return nil
		}
	}
}

// keepFiles stores a bundle under its digest, once.
func (d *Desk) keepFiles(ctx context.Context, files Files) error {
	raw, err := files.Pack()
	if err != nil {
		return err
	}
	err = write(ctx, d.config.Store, kindBundle, files.Digest(), 0, packed{raw})
	if gateway.CodeOf(err) == gateway.CodeConflict {
		return nil // the same bundle is there
	}
	return err
}

// files reads a bundle back. What was changed in the store is not what was asked for.
func (d *Desk) files(ctx context.Context, digest string) (Files, error) {
	p, _, err := read[packed](ctx, d.config.Store, kindBundle, digest)
	if err != nil {
		return nil, err
	}
	files, err := Unpack(p.Zip)
	if err != nil {
		return nil, err
	}
	if files.Digest() != digest {
		return nil, &gateway.Error{Op: "read policy bundle", Code: gateway.CodeInternal, Message: "Das gespeicherte Richtlinienpaket ist verändert worden."}
	}
	return files, nil
}
