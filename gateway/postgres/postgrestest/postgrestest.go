// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package postgrestest gives a test a real PostgreSQL with pgvector: one fresh
// schema per test, dropped afterwards, so that tests run in parallel. It starts
// no server: `.ci/postgres start` does, and `make test` calls it. Start at [DSN].
package postgrestest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Env is the environment variable with the address of the test server.
const Env = "SCHLEUSE_TEST_POSTGRES"

// DSN returns the address of a fresh schema; the extension vector is in reach.
// Without a server the test is skipped.
func DSN(t testing.TB) string {
	t.Helper()
	base := os.Getenv(Env)
	if base == "" {
		t.Skipf(`%s is not set: start a server with  eval "$(.ci/postgres start >/dev/null && .ci/postgres env)"`, Env)
	}
	schema := "test_" + randomHex(t)
	execute(t, base, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { execute(t, base, "DROP SCHEMA "+schema+" CASCADE") })
	return withSearchPath(t, base, schema+",public")
}

func randomHex(t testing.TB) string {
	t.Helper()
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		t.Fatalf("name of the schema: %v", err)
	}
	return hex.EncodeToString(b)
}

func execute(t testing.TB, dsn, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatalf("connect to the test server: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func withSearchPath(t testing.TB, dsn, path string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatalf("%s is not an address of the form postgres://…", Env)
	}
	q := u.Query()
	q.Set("search_path", path)
	u.RawQuery = q.Encode()
	return u.String()
}
