// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The example is valid as it is, and with everything that it shows in comments.
func TestWholeExampleIsValid(t *testing.T) {
	t.Setenv("SCHLEUSE_MODEL_KEY_HAUS", "x")
	t.Setenv("SCHLEUSE_OTLP_TOKEN", "x")
	t.Setenv("SCHLEUSE_TOOLS_REGISTER", "x")
	t.Setenv("SCHLEUSE_DATABASE", "postgres://localhost/x")
	raw, err := os.ReadFile("schleuse.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	whole := regexp.MustCompile(`(?m)^( *)# ([a-z_]+:|  )`).ReplaceAllString(string(raw), "$1$2")
	if strings.Count(whole, "\n#") >= strings.Count(string(raw), "\n#") {
		t.Fatal("no comment was lifted")
	}
	for name, text := range map[string]string{"as it is": string(raw), "whole": whole} {
		c, err := parseConfig([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.secret = randomSecret()
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "whole" && (len(c.ToolServers) == 0 || c.Limits.All.RequestsPerMinute == 0 || c.AdminListen == "" || len(c.Routing.Groups) == 0) {
			t.Errorf("%s: something was not lifted: %+v", name, c.Limits)
		}
	}
}
