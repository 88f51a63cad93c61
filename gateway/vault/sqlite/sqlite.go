// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlite keeps contents and keys of the vault in two SQLite files, for the
// processes of one machine. Several machines use vault/postgres. What is deleted is
// overwritten, and the journals are emptied. Start at [Open] and [OpenKeys].
package sqlite

import (
	"context"
	"embed"
	"io/fs"

	"github.com/ki-schleuse/schleuse/gateway/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/vault"
	"github.com/ki-schleuse/schleuse/gateway/vault/internal/sqlstore"
)

//go:embed contents/migrations/*.sql keys/migrations/*.sql
var scripts embed.FS

// Contents keeps contents in one file.
type Contents struct {
	sqlstore.Contents

	files sqlite.Files
}

// Keys keeps keys in another.
type Keys struct {
	sqlstore.Keys

	files sqlite.Files
}

var (
	_ vault.Contents = (*Contents)(nil)
	_ vault.Keyring  = (*Keys)(nil)
)

// Open opens the file of the contents, creates it if it is missing and brings its
// schema up to date.
func Open(ctx context.Context, path string) (*Contents, error) {
	files, err := open(ctx, path, "vault", "contents")
	if err != nil {
		return nil, err
	}
	return &Contents{sqlstore.Contents{Read: files.Read, Write: files.Write, Wipe: wipe(files)}, files}, nil
}

// OpenKeys opens the file of the keys, which must not be that of the contents.
func OpenKeys(ctx context.Context, path string) (*Keys, error) {
	files, err := open(ctx, path, "vault_keys", "keys")
	if err != nil {
		return nil, err
	}
	return &Keys{sqlstore.Keys{Read: files.Read, Write: files.Write, Wipe: wipe(files)}, files}, nil
}

func open(ctx context.Context, path, component, folder string) (sqlite.Files, error) {
	migrations, err := fs.Sub(scripts, folder)
	if err != nil {
		return sqlite.Files{}, err
	}
	return sqlite.Open(ctx, path, component, migrations)
}

func wipe(files sqlite.Files) func(context.Context) error {
	return func(ctx context.Context) error { return sqlite.Checkpoint(ctx, files.Write) }
}

// Close closes the file.
func (c *Contents) Close() error { return c.files.Close() }

// Close closes the file.
func (k *Keys) Close() error { return k.files.Close() }
