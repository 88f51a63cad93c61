// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"io/fs"
)

// RevisionBundle returns the files of a revision that was in force here, for
// whoever wants to know what it says; CodeNotFound if there was none.
func (d *Desk) RevisionBundle(ctx context.Context, revision string) (fs.FS, error) {
	return d.revisionFiles(ctx, revision)
}
