// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

func TestDaysInTheConfiguration(t *testing.T) {
	t.Parallel()
	c := Config{
		Releases: map[gateway.TenantID][]policies.Release{"tannberg": {
			{Service: "gut", ValidFrom: "2026-01-01", ValidTo: "2027-12-31"},
			{Service: "deutsch", ValidFrom: "01.12.2027"},
			{Service: "endet-nie", ValidFrom: "2026-01-01", ValidTo: "31.12.2026"},
			{Service: "ohne-beginn"},
		}},
		Duties: map[gateway.TenantID]policies.TenantDuties{
			"lohe":     {Trained: "gestern"},
			"tannberg": {Trained: "2026-01-01", StaffInformed: "2026-01-01"},
			"neudorf":  {},
		},
	}
	err := errors.Join(c.validateDays()...)
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{`tannberg[1]: Die Freigabe für "deutsch"`, `tannberg[2]: Die Freigabe für "endet-nie"`, `tannberg[3]: Die Freigabe für "ohne-beginn"`, "duties.lohe"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("problem %d is not about %s: %q", i, want, lines)
		}
	}
	if len(lines) != 4 {
		t.Errorf("%d problems: %q", len(lines), lines)
	}
}
