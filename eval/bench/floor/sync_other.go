// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

//go:build !linux

package floor

import "os"

// syncData forces what was written to disk.
func syncData(file *os.File) error { return file.Sync() }
