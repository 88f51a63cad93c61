// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
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

// Every template fits into a configuration, once its placeholders are filled in.
func TestTemplatesFit(t *testing.T) {
	for _, name := range []string{"IONOS_API_TOKEN", "VLLM_API_KEY"} {
		t.Setenv(name, "x")
	}
	environment := regexp.MustCompile(`\$\{([A-Z0-9_]+)\}`)
	for _, template := range upstream.Templates() {
		for _, m := range environment.FindAllStringSubmatch(template.YAML, -1) {
			t.Setenv(m[1], "x")
		}
		text := regexp.MustCompile(`<[^>\n]+>`).ReplaceAllString(template.YAML, "x")
		c, err := parseConfig([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", template.Name, err)
			continue
		}
		c.secret = randomSecret()
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", template.Name, err)
		}
		for _, m := range c.Models {
			if m.Residency != gateway.ResidencyOwn && (m.Contract != "" || !m.TrainsOnInput || len(m.DataClasses) != 1) {
				t.Errorf("%s: %s is released for more than nobody has agreed to", template.Name, m.ID)
			}
		}
	}
}

func TestPrintHidesSecrets(t *testing.T) {
	t.Parallel()
	c := Config{
		Database: "postgres://u:geheim-db@h/x", Telemetry: TelemetryConfig{Headers: map[string]string{"A": "geheim-otel"}},
		Endpoints:   map[string]EndpointConfig{"e": {Key: "geheim-key", Proxy: "https://u:geheim-proxy@p", Headers: map[string]string{"K": "geheim-header"}}, "f": {Key: "${NAME}"}},
		ToolServers: []ToolServerConfig{{Headers: map[string]string{"B": "geheim-tool"}}},
	}
	c.hideSecrets()
	raw, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "geheim") || !strings.Contains(string(raw), "${NAME}") {
		t.Errorf("%s", raw)
	}
}
