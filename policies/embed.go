// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"embed"
	"io/fs"
)

//go:embed manifest.yaml capabilities.json catalog rego testdata/decisions/*.yaml
var library embed.FS

// Library is the bundle that ships with the product: rules, tables, rule tests
// and golden cases. Config.FS replaces it.
func Library() fs.FS { return library }
