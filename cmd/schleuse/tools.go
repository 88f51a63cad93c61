// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/mcp"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// ToolServerConfig is another MCP server with the tools that are released there.
// Like a model it has a place, an operator and a contract, and the same rules
// apply to what goes to it.
type ToolServerConfig struct {
	Name string `yaml:"name"`
	// URL of its streamable HTTP endpoint.
	URL string `yaml:"url"`
	// Headers are sent with each call; ${NAME} is taken from the environment.
	Headers map[string]string `yaml:"headers"`
	// Tenants that may use the tools.
	Tenants []gateway.TenantID  `yaml:"tenants"`
	Tools   []ToolReleaseConfig `yaml:"tools"`
	Timeout time.Duration       `yaml:"timeout"`

	Residency     gateway.Residency   `yaml:"residency"`
	Operator      string              `yaml:"operator"`
	Country       string              `yaml:"country"`
	ProcessorKind string              `yaml:"processor_kind"`
	Contract      string              `yaml:"contract"`
	Para80Notice  string              `yaml:"para80_notice"`
	Para80Ground  string              `yaml:"para80_ground"`
	Para30AO      bool                `yaml:"para30_ao"`
	Art9          bool                `yaml:"art9"`
	TrainsOnInput bool                `yaml:"trains_on_input"`
	DataClasses   []gateway.DataClass `yaml:"data_classes"`
}

// ToolReleaseConfig releases one tool.
type ToolReleaseConfig struct {
	Name string `yaml:"name"`
	// Digest pins what the tool is: schleuse tools list prints it.
	Digest      string          `yaml:"digest"`
	Description string          `yaml:"description"`
	Purpose     gateway.Purpose `yaml:"purpose"`
}

// toolEntries are the released tools in the catalogue.
func (c *Config) toolEntries() []router.Entry {
	var out []router.Entry
	for _, s := range c.ToolServers {
		for _, t := range s.Tools {
			out = append(out, router.Entry{Endpoint: mcp.EndpointOf(s.Name), Upstream: t.Name, Card: gateway.ModelCard{
				ID: mcp.ModelOf(s.Name, t.Name), Residency: s.Residency, Operator: s.Operator, Country: s.Country, ProcessorKind: s.ProcessorKind,
				Contract: s.Contract, Para80Notice: s.Para80Notice, Para80Ground: s.Para80Ground, Para30AO: s.Para30AO, Art9: s.Art9, TrainsOnInput: s.TrainsOnInput,
				DataClasses: s.DataClasses, Operations: []gateway.Operation{gateway.OperationTool},
			}})
		}
	}
	return out
}

// toolClient speaks to the servers of released tools.
func (c *Config) toolClient(logger mcp.ClientConfig) (*mcp.Client, error) {
	config := logger
	var problems []error
	for _, s := range c.ToolServers {
		r := mcp.Remote{Name: s.Name, URL: s.URL, Header: http.Header{}, Tenants: s.Tenants, Timeout: s.Timeout}
		for name, value := range s.Headers {
			value, err := fromEnvironment(value)
			if err != nil {
				problems = append(problems, sayAt("tool_servers."+s.Name+".headers."+name, err))
			}
			r.Header.Set(name, value)
		}
		for _, t := range s.Tools {
			r.Tools = append(r.Tools, mcp.ToolRelease(t))
		}
		config.Remotes = append(config.Remotes, r)
	}
	client, err := mcp.NewClient(config)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	return client, nil
}

// outward is where calls go: to model servers, or to servers of tools.
type outward struct {
	gateway.Model

	tools *mcp.Client
}

func (o outward) Complete(ctx context.Context, c gateway.Call) (gateway.Answer, error) {
	if c.Operation == gateway.OperationTool {
		return o.tools.Complete(ctx, c)
	}
	return o.Model.Complete(ctx, c)
}
