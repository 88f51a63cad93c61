// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ki-schleuse/schleuse/"

// family is the part of the product a package belongs to: adapters of different
// families never import each other.
func family(pkg string) string {
	parts := strings.Split(strings.TrimPrefix(pkg, module), "/")
	if parts[0] == "gateway" && len(parts) > 1 {
		return "gateway/" + parts[1]
	}
	return parts[0]
}

// above may be imported by the families named: what stands above the gateway,
// and what several adapters share.
var above = map[string][]string{
	"gateway/completeness": {"retrieval", "policies"},
	"gateway/drafting":     {"gateway/completeness", "gateway/document", "gateway/norms"},
	"gateway/httpapi":      {"gateway/completeness", "gateway/drafting", "gateway/document", "gateway/dialect", "gateway/identity", "gateway/quota", "gateway/shelf"},
	"gateway/ui":           {"gateway/completeness", "gateway/drafting", "gateway/document", "gateway/audit", "gateway/identity", "gateway/approval", "gateway/shelf", "gateway/state", "policies"},
	"gateway/approval":     {"gateway/audit"},
	"gateway/audit":        {"gateway/postgres"},
	"gateway/identity":     {"gateway/postgres", "gateway/sqlite", "gateway/state"},
	"gateway/quota":        {"gateway/postgres", "gateway/sqlite"},
	"gateway/accesslog":    {"gateway/postgres", "gateway/sqlite"},
	"gateway/shelf":        {"gateway/postgres"},
	"gateway/state":        {"gateway/postgres", "gateway/sqlite"},
	"gateway/vault":        {"gateway/accesslog", "gateway/audit", "gateway/document", "gateway/state", "gateway/postgres", "gateway/sqlite"},
	"policies":             {"gateway/state"},
	"retrieval":            {"connectors", "gateway/postgres"},
}

func TestImportDirection(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", module+"...").Output()
	if err != nil {
		t.Skipf("go list does not run here: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := family(fields[0])
		if from == "cmd" || from == "eval" {
			continue // ties everything together
		}
		for _, pkg := range fields[1:] {
			if !strings.HasPrefix(pkg, module) || pkg == module+"gateway" {
				if pkg != module+"gateway" && from == "gateway" && strings.Contains(pkg, ".") {
					t.Errorf("%s imports %s: the domain imports the standard library only", fields[0], pkg)
				}
				continue
			}
			if to := family(pkg); to != from && !allowed(from, to) {
				t.Errorf("%s imports %s: adapters do not import each other", fields[0], pkg)
			}
		}
	}
}

func allowed(from, to string) bool {
	return slices.Contains(above[from], to)
}
