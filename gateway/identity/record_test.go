// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
)

// TestChangesAreWrittenDownFirst: what cannot be written down does not happen, and
// what is written down holds no secret.
func TestChangesAreWrittenDownFirst(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var fails error
	var written []identity.Change
	var o *office
	o = newOffice(t, func(c *identity.Config) {
		c.Record = func(_ context.Context, change identity.Change) error {
			mu.Lock()
			defer mu.Unlock()
			if _, there := o.Tenant("lohe"); there && change.Action == identity.TenantCreated {
				t.Error("the tenant is there before its note")
			}
			written = append(written, change)
			return fails
		}
	})
	ctx := t.Context()
	fails = &gateway.Error{Op: "note", Code: gateway.CodeNoRecord, Message: "Kein Protokoll."}
	if _, err := o.Create(ctx, operator, identitytest.Municipality("lohe"), ""); gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Errorf("create without a record = %v, want no record", err)
	}
	if err := o.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if _, there := o.Tenant("lohe"); there || o.told() != "" {
		t.Error("a tenant was made that nobody wrote down")
	}

	fails, written = nil, nil
	keys := o.onboard(t, nil).Keys
	if len(written) != len(o.changes) || len(written) < 3 {
		t.Errorf("written down are %d of %d changes", len(written), len(o.changes))
	}
	for _, c := range written {
		for _, k := range keys {
			_, secret, _ := strings.Cut(k.Secret, k.Key.ID)
			if text := string(c.Old) + string(c.New); secret == "" || strings.Contains(text, strings.Trim(secret, "_.-")) || strings.Contains(text, `"hash"`) {
				t.Errorf("the change %s holds a secret", c.Action)
			}
		}
	}
	if !o.works(keys[0].Secret) {
		t.Error("a key that was written down does not work")
	}

	fails = errors.New("disk full")
	if _, err := o.SetActive(ctx, operator, "lohe", false); err == nil {
		t.Error("a tenant is switched off without a note")
	}
	if _, err := o.RevokeKey(ctx, operator, identity.Place{Tenant: "lohe", System: keys[0].System}, keys[0].Key.ID); err == nil || !o.works(keys[0].Secret) {
		t.Errorf("a key is revoked without a note: %v", err)
	}
	written = nil
	if _, err := o.Apply(ctx, operator, []identity.Wish{identitytest.Municipality("neu")}, true); err != nil || len(written) != 0 {
		t.Errorf("a trial writes %v, %v", written, err)
	}
}
