// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
	shelfpostgres "github.com/ki-schleuse/schleuse/gateway/shelf/postgres"
	"github.com/ki-schleuse/schleuse/gateway/shelf/shelftest"
)

func open(t *testing.T, dsn string, most int64) (*shelfpostgres.Store, *pgxpool.Pool) {
	t.Helper()
	pool, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s, err := shelfpostgres.Open(t.Context(), pool, most)
	if err != nil {
		t.Fatal(err)
	}
	return s, pool
}

func TestStore(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.DSN(t)
	a, _ := open(t, dsn, 0)
	b, pool := open(t, dsn, 0)
	shelftest.Run(t, a, b)
	if err := shelf.Put(t.Context(), a, shelf.Place{Kind: "draft", Tenant: "x", ID: "1"}, time.Now().Add(time.Hour), 1); err != nil {
		t.Fatal(err)
	}
	var ended int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM shelf_item WHERE until <= now()").Scan(&ended); err != nil || ended != 0 {
		t.Errorf("%d ended items are still kept, %v", ended, err)
	}
}

func TestOneTenantDoesNotFillIt(t *testing.T) {
	t.Parallel()
	s, _ := open(t, postgrestest.DSN(t), 1000)
	put := func(tenant gateway.TenantID, id string, minutes int) {
		t.Helper()
		err := s.Put(t.Context(), shelf.Item{Place: shelf.Place{Kind: "draft", Tenant: tenant, ID: id}, Until: time.Now().Add(time.Duration(minutes) * time.Minute), Value: make([]byte, 300)})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("klein", "1", 1)
	for i := range 6 {
		put("gross", fmt.Sprint(i), 10+i)
	}
	for place, want := range map[shelf.Place]bool{
		{Kind: "draft", Tenant: "klein", ID: "1"}: true, {Kind: "draft", Tenant: "gross", ID: "2"}: false,
		{Kind: "draft", Tenant: "gross", ID: "3"}: true, {Kind: "draft", Tenant: "gross", ID: "5"}: true,
	} {
		if _, err := s.Get(t.Context(), place); (err == nil) != want {
			t.Errorf("%+v: %v", place, err)
		}
	}
}
