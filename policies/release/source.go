// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"io/fs"
)

// Source is where bundles come from besides proposals.
type Source interface {
	// Name is embedded, folder, file or url.
	Name() string
	// Read returns the bundle as it is now.
	Read(ctx context.Context) (Delivery, error)
}

// Delivery is a bundle as a Source has it.
type Delivery struct {
	Files Files
	// Note is what was signed about it, with signatures; nil: nothing.
	Note []byte
}

// Files are the files of a bundle by name.
type Files map[string][]byte

// FS is a file system of them.
func (f Files) FS() fs.FS { return nil }

// Signer is somebody whose signature counts.
type Signer struct {
	// Name is for people, Key the public key of schleuse policy keygen.
	Name string `yaml:"name"`
	Key  string `yaml:"key"`
	// Person, if set, is the only one who may hand in signatures of this key.
	Person string `yaml:"person"`
}

// Trust says whose signatures count and how many are needed.
type Trust struct {
	Signers []Signer
	// Require is the number of different signers; default and least 2.
	Require int
}
