// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres_test

import (
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/gateway/state"
	statepostgres "github.com/ki-schleuse/schleuse/gateway/state/postgres"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.DSN(t)
	statetest.Run(t, func(t *testing.T) state.Store {
		t.Helper()
		pool, err := postgres.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		s, err := statepostgres.Open(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}
