// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vaulttest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

// Benchmark measures what it costs to keep a content, beside inserting the same
// bytes as they are into the same table.
func Benchmark(b *testing.B, backend Backend) {
	for _, size := range []int{1 << 10, 16 << 10, 256 << 10} {
		text := bytes.Repeat([]byte("Wohngeld "), size/9+1)[:size]
		b.Run(fmt.Sprintf("%dKB/keep", size>>10), func(b *testing.B) {
			contents, keys := backend.Attach(b, backend.New(b))
			v, err := vault.New(b.Context(), vault.Config{
				Contents: contents, Keys: keys, Master: bytes.Repeat([]byte("m"), 32), Pseudonymise: pseudonymise, Record: &record{}, State: statetest.Memory(),
			})
			if err != nil {
				b.Fatal(err)
			}
			c := gateway.Content{Tenant: tenant, Case: "p1_fall", Time: time.Now(), Kept: gateway.Kept{Days: 30, Bytes: size}, Body: text}
			measure(b, size, func(ctx context.Context, i int) error {
				c.ID = fmt.Sprintf("e-%d", i)
				return v.Keep(ctx, c)
			})
		})
		b.Run(fmt.Sprintf("%dKB/plain", size>>10), func(b *testing.B) {
			contents, _ := backend.Attach(b, backend.New(b))
			item := vault.Item{Tenant: tenant, Kind: vault.KindRequest, Key: "k", Case: "p1_fall", Made: time.Now(), Expires: time.Now(), Sealed: text}
			measure(b, size, func(ctx context.Context, i int) error {
				item.Entry = fmt.Sprintf("e-%d", i)
				return contents.Add(ctx, item)
			})
		})
	}
}

func measure(b *testing.B, size int, do func(context.Context, int) error) {
	b.Helper()
	b.SetBytes(int64(size))
	for i := 0; b.Loop(); i++ {
		if err := do(b.Context(), i); err != nil {
			b.Fatal(err)
		}
	}
}
