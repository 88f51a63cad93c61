// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// The configuration that the README shows is a right one.
func TestConfigurationOfTheReadme(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, ok := strings.Cut(string(raw), "```yaml\n")
	shown, _, closed := strings.Cut(shown, "```")
	if !ok || !closed {
		t.Fatal("the README shows no configuration")
	}
	var c struct {
		Identity identity.Access `yaml:"identity"`
	}
	if err := yaml.NewDecoder(bytes.NewReader([]byte(shown)), yaml.Strict()).Decode(&c); err != nil {
		t.Fatal(err)
	}
	if err := c.Identity.Validate(); err != nil {
		t.Error(err)
	}
	if len(c.Identity.OIDC) != 1 || !c.Identity.OIDC[0].Clients[0].Delegate || c.Identity.CertificateHeader == "" {
		t.Errorf("read %+v", c.Identity)
	}
}
