// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/vault"
	"github.com/ki-schleuse/schleuse/gateway/vault/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/vault/vaulttest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, backend())
}

// TestChild is the process that TestStore kills.
func TestChild(t *testing.T) { vaulttest.Child(t, backend()) }

func BenchmarkKeep(b *testing.B) { vaulttest.Benchmark(b, backend()) }

func backend() vaulttest.Backend {
	return vaulttest.Backend{New: testing.TB.TempDir, Attach: attach, Raw: raw}
}

func attach(t testing.TB, folder string) (vault.Contents, vault.Keyring) {
	t.Helper()
	contents, err := sqlite.Open(context.Background(), filepath.Join(folder, "vault.db"))
	if err != nil {
		t.Fatalf("open contents: %v", err)
	}
	t.Cleanup(func() { _ = contents.Close() })
	keys, err := sqlite.OpenKeys(context.Background(), filepath.Join(folder, "keys.db"))
	if err != nil {
		t.Fatalf("open keys: %v", err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	return contents, keys
}

// raw are all files with their journals.
func raw(t testing.TB, folder string) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, text...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
