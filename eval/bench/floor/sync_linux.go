// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package floor

import (
	"os"
	"syscall"
)

// syncData forces what was written to disk, without the time of the change.
func syncData(file *os.File) error { return syscall.Fdatasync(int(file.Fd())) }
