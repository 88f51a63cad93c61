// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway/router"
)

const hedgedModels = `
routing:
  hedge: {share: SHARE}
  groups: [{name: schleuse/klein, models: [haus], hedge_after: 1500ms}]
models:
  - {id: haus, endpoint: a, operations: [chat], residency: own_datacentre, hedge_after: AFTER}
  - {id: haus, endpoint: b, operations: [chat], residency: own_datacentre}
`

func TestHedgingIsConfigured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ share, after, want string }{
		"as it stands": {"0.02", "3s", ""},
		"too often":    {"2", "3s", "hedge.share"},
		"too soon":     {"0.02", "1ms", "hedge_after (1ms)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var config Config
			text := strings.NewReplacer("SHARE", c.share, "AFTER", c.after).Replace(hedgedModels)
			if err := yaml.Unmarshal([]byte(text), &config); err != nil {
				t.Fatal(err)
			}
			routing := config.routing()
			if _, err := router.Open(routing); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if c.want != "" {
				return
			}
			if routing.Hedge.Share != 0.02 || routing.Models[0].HedgeAfter != 3*time.Second || routing.Models[1].HedgeAfter != 0 || routing.Groups[0].HedgeAfter != 1500*time.Millisecond {
				t.Errorf("hedging %+v, %+v", routing.Hedge, routing.Catalogue)
			}
		})
	}
}
