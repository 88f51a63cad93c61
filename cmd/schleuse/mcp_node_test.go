// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"path/filepath"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/httpapi/nodetest"
)

// The official TypeScript client of the Model Context Protocol works with /mcp.
func TestMCPFromNode(t *testing.T) {
	t.Parallel()
	folder := nodetest.Folder(t)
	w := setup(t, "")
	application, err := filepath.Abs(demoApplication)
	if err != nil {
		t.Fatal(err)
	}
	nodetest.Run(t, folder, "mcp", 6, "SCHLEUSE_URL="+w.server.URL, "SCHLEUSE_KEY="+w.key, "SCHLEUSE_APPLICATION="+application)
}
