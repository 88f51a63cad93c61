// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"context"
	"fmt"
)

// Preview says what Erase would erase at this moment, and what stays. It erases
// nothing, opens nothing and is noted nowhere; a legal hold refuses it as it
// would refuse the erasure (CodeConflict).
func (v *Vault) Preview(ctx context.Context, by Actor, s Subject) (Erasure, error) {
	if err := by.may("preview erasure", s.Tenant); err != nil {
		return Erasure{}, err
	}
	sub, err := v.find(s)
	if err != nil {
		return Erasure{}, err
	}
	if err := v.refuseHeld(ctx, sub); err != nil {
		return Erasure{}, err
	}
	items, err := v.config.Contents.Items(ctx, sub.query())
	if err != nil {
		return Erasure{}, fmt.Errorf("read contents: %w", err)
	}
	keys := map[string]bool{}
	for _, i := range items {
		if sub.file != "" || i.Case == "" { // of a user the keys of cases stay
			keys[i.Key] = true
		}
	}
	out := Erasure{Made: v.config.Now().UTC(), Contents: len(items), Keys: len(keys)}
	if sub.file != "" && v.config.Retrievals != nil {
		if out.Retrievals, err = v.countRetrievals(ctx, sub); err != nil {
			return Erasure{}, fmt.Errorf("read retrieval log: %w", err)
		}
	}
	out.Stays, err = v.stays(ctx, sub)
	return out, err
}
