// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// demoFile is the configuration of a demonstration as commands beside it need it.
type demoFile struct {
	Listen     string            `yaml:"listen"`
	Data       string            `yaml:"data"`
	Origin     string            `yaml:"origin"`
	SecretFile string            `yaml:"secret_file"`
	Vault      VaultConfig       `yaml:"vault"`
	Policies   demoSigned        `yaml:"policies"`
	Tenants    []demoTenantEntry `yaml:"tenants"`

	Duties map[gateway.TenantID]policies.TenantDuties `yaml:"duties"`
}

type demoSigned struct {
	Require int              `yaml:"require"`
	Signers []release.Signer `yaml:"signers"`
}

type demoTenantEntry struct {
	ID     gateway.TenantID `yaml:"id"`
	Name   string           `yaml:"name"`
	Active bool             `yaml:"active"`
}

// saveDemoConfig writes schleuse.yaml beside the data, so that every command works
// with --config.
func saveDemoConfig(c Config) error {
	folder, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	out := demoFile{
		Listen: c.Listen, Data: folder, Origin: c.Origin, SecretFile: filepath.Join(folder, "secret"), Vault: c.Vault,
		Policies: demoSigned{Require: c.Policies.Require, Signers: c.Policies.Signers}, Duties: c.Duties,
	}
	for _, t := range c.Tenants {
		out.Tenants = append(out.Tenants, demoTenantEntry{ID: t.ID, Name: t.Name, Active: t.Active})
	}
	raw, err := yaml.Marshal(out)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "schleuse.yaml"), raw, 0o600)
}
