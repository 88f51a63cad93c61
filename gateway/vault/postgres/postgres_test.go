// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/gateway/vault"
	vaultpostgres "github.com/ki-schleuse/schleuse/gateway/vault/postgres"
	"github.com/ki-schleuse/schleuse/gateway/vault/vaulttest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	postgrestest.DSN(t) // skips the whole suite at once where there is no server
	vaulttest.Run(t, backend())
}

// TestChild is the process that TestStore kills.
func TestChild(t *testing.T) { vaulttest.Child(t, backend()) }

func BenchmarkKeep(b *testing.B) {
	postgrestest.DSN(b)
	vaulttest.Benchmark(b, backend())
}

func backend() vaulttest.Backend {
	return vaulttest.Backend{New: newDatabases, Attach: attach, Raw: raw}
}

// newDatabases are two schemas, as two databases would be.
func newDatabases(t testing.TB) string {
	t.Helper()
	return postgrestest.DSN(t) + " " + postgrestest.DSN(t)
}

func attach(t testing.TB, address string) (vault.Contents, vault.Keyring) {
	t.Helper()
	dsn, keysDSN, _ := strings.Cut(address, " ")
	pool, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(pool.Close)
	contents, err := vaultpostgres.Open(context.Background(), pool)
	if err != nil {
		t.Fatalf("open contents: %v", err)
	}
	t.Cleanup(func() { _ = contents.Close() })
	keys, err := vaultpostgres.OpenKeys(context.Background(), keysDSN, false)
	if err != nil {
		t.Fatalf("open keys: %v", err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	return contents, keys
}

// raw are the files of the tables, as the server has them on disk.
func raw(t testing.TB, address string) (all []byte) {
	t.Helper()
	for i, dsn := range strings.Fields(address) {
		conn, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			t.Fatalf("connect: %v", err)
		}
		if _, err := conn.Exec(context.Background(), "CHECKPOINT"); err != nil {
			t.Skipf("the files cannot be read: %v", err)
		}
		table := []string{"vault_item", "vault_key"}[i]
		var file []byte
		if err := conn.QueryRow(context.Background(), "SELECT pg_read_binary_file(pg_relation_filepath($1))", table).Scan(&file); err != nil {
			t.Skipf("the files cannot be read: %v", err)
		}
		all = append(all, file...)
		if err := conn.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestKeysBesideTheContents: without a database of their own the keys get a schema.
func TestKeysBesideTheContents(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.DSN(t)
	for range 2 { // the second finds what the first has made
		keys, err := vaultpostgres.OpenKeys(t.Context(), dsn, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Close(); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var here bool
	var schema string
	err = conn.QueryRow(t.Context(), "SELECT to_regclass('vault_key') IS NOT NULL, current_schema() || '_keys'").Scan(&here, &schema)
	if err != nil || here {
		t.Errorf("the keys are in the schema of the contents: %v, %v", here, err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT 1 FROM "+pgx.Identifier{schema, "vault_key"}.Sanitize()); err != nil {
		t.Errorf("the keys are not in their schema: %v", err)
	}
	if _, err := conn.Exec(t.Context(), "DROP SCHEMA "+pgx.Identifier{schema}.Sanitize()+" CASCADE"); err != nil {
		t.Error(err)
	}
}
