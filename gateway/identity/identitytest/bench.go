// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identitytest

import (
	"context"
	"fmt"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Municipalities of one provider.
const Municipalities = 1100

// Province returns wishes for all of them, each with three systems of two keys.
func Province() []identity.Wish {
	wishes := make([]identity.Wish, 0, Municipalities)
	for i := range Municipalities {
		w := Municipality(fmt.Sprintf("gemeinde-%04d", i))
		first := w.Systems[0]
		second := first.Keys[0]
		second.Label = "zweit"
		first.Keys = append(first.Keys, second)
		w.Systems = w.Systems[:0]
		for _, id := range []string{"woga", "elternantrag", "akte"} {
			s := first
			s.ID = gateway.SystemID(id)
			w.Systems = append(w.Systems, s)
		}
		wishes = append(wishes, w)
	}
	return wishes
}

// Benchmark measures onboarding a whole province, a dry run over it, one more
// change, and what a replica needs to learn of it.
func Benchmark(b *testing.B, backend Backend) {
	ctx := context.Background()
	wishes := Province()
	b.Run("apply of 1100 new tenants with 6600 keys", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			r := Open(ctx, b, identity.Config{Store: backend(b)(b)})
			b.StartTimer()
			if out, err := r.Apply(ctx, Operator, wishes, false); err != nil || len(out.Keys) != 6*Municipalities {
				b.Fatalf("apply: %d keys, %v", len(out.Keys), err)
			}
		}
	})
	attach := backend(b)
	r := Open(ctx, b, identity.Config{Store: attach(b)})
	if _, err := r.Apply(ctx, Operator, wishes, false); err != nil {
		b.Fatal(err)
	}
	b.Run("apply of the same once more", func(b *testing.B) {
		for b.Loop() {
			if out, err := r.Apply(ctx, Operator, wishes, true); err != nil || len(out.Changes) != 0 {
				b.Fatalf("%d changes, %v", len(out.Changes), err)
			}
		}
	})
	b.Run("one change of one tenant", func(b *testing.B) {
		active := false
		for b.Loop() {
			if _, err := r.SetActive(ctx, Operator, wishes[7].ID, active); err != nil {
				b.Fatal(err)
			}
			active = !active
		}
	})
	b.Run("look for changes, none", func(b *testing.B) {
		for b.Loop() {
			if err := r.Sync(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("start of a replica", func(b *testing.B) {
		store := attach(b)
		for b.Loop() {
			Open(ctx, b, identity.Config{Store: store})
		}
	})
}
