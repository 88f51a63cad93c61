// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// localTenant is the tenant of commands that work without a server.
const localTenant gateway.TenantID = "lokal"

// localConfig is the configuration of a command that checks or drafts in its
// own process: one tenant, no models, the record in the given folder.
func localConfig(data string) Config {
	return Config{
		Listen: "127.0.0.1:0", Data: data, Origin: "ki-schleuse-lokal", secret: randomSecret(),
		Tenants: []identity.Tenant{{ID: localTenant, Name: "Lokal", Active: true, Systems: []identity.System{{ID: "kommandozeile", Name: "Kommandozeile", Channel: gateway.ChannelCaseworker}}}},
	}
}

func randomSecret() []byte {
	b := make([]byte, 48)
	rand.Read(b)
	return b
}

// local builds the parts of a command that works without a server. The record
// of such a run is a temporary file and goes with it.
func local(ctx context.Context, change func(*Config)) (*parts, func(), error) {
	folder, err := os.MkdirTemp("", "schleuse-")
	if err != nil {
		return nil, nil, err
	}
	c := localConfig(folder)
	if change != nil {
		change(&c)
	}
	p, err := build(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, errorsJoinRemove(err, folder)
	}
	return p, func() {
		_ = p.close()
		_ = os.RemoveAll(folder)
	}, nil
}

func errorsJoinRemove(err error, folder string) error {
	_ = os.RemoveAll(folder)
	return err
}

// localCaller is who asks on the command line.
func localCaller(purposes ...gateway.Purpose) gateway.Caller {
	return gateway.Caller{
		Tenant: localTenant, System: "kommandozeile", KeyID: "lokal", Channel: gateway.ChannelCaseworker,
		Roles: []string{identity.RoleCase}, Purposes: purposes,
	}
}
