// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
)

// start is what a template may say; what is not here would be an unknown key.
type start struct {
	Endpoints map[string]struct {
		Kind         string `yaml:"kind"`
		URL          string `yaml:"url"`
		Key          string `yaml:"key"`
		AllowPrivate bool   `yaml:"allow_private"`
	} `yaml:"endpoints"`
	Models []struct {
		ID            gateway.ModelID     `yaml:"id"`
		Endpoint      string              `yaml:"endpoint"`
		Upstream      string              `yaml:"upstream"`
		Operations    []gateway.Operation `yaml:"operations"`
		Residency     gateway.Residency   `yaml:"residency"`
		Operator      string              `yaml:"operator"`
		Country       string              `yaml:"country"`
		ProcessorKind string              `yaml:"processor_kind"`
		Contract      string              `yaml:"contract"`
		Para80Notice  string              `yaml:"para80_notice"`
		Para30AO      bool                `yaml:"para30_ao"`
		Art9          bool                `yaml:"art9"`
		TrainsOnInput bool                `yaml:"trains_on_input"`
		DataClasses   []gateway.DataClass `yaml:"data_classes"`
		Context       int                 `yaml:"context"`
	} `yaml:"models"`
}

var (
	placeholder = regexp.MustCompile(`<[^>]*>`)
	fromOutside = regexp.MustCompile(`^\$\{[A-Z_]+\}$`)
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	all := upstream.Templates()
	if len(all) != len(upstream.Kinds()) {
		t.Errorf("%d templates for %d kinds", len(all), len(upstream.Kinds()))
	}
	for i, tpl := range all {
		t.Run(tpl.Name, func(t *testing.T) {
			t.Parallel()
			if tpl.Name != upstream.Kinds()[i] || tpl.Title == "" || !strings.HasPrefix(tpl.YAML, "# ") || strings.Contains(tpl.YAML, "SPDX") {
				t.Errorf("name %q, title %q, beginning %.40q", tpl.Name, tpl.Title, tpl.YAML)
			}
			var s start
			if err := yaml.UnmarshalWithOptions([]byte(tpl.YAML), &s, yaml.DisallowUnknownField()); err != nil {
				t.Fatal(err)
			}
			config := upstream.Config{Endpoints: map[string]upstream.Endpoint{}}
			for name, e := range s.Endpoints {
				if e.Kind != tpl.Name || e.Key != "" && !fromOutside.MatchString(e.Key) {
					t.Errorf("endpoint %s: kind %q, key %q", name, e.Kind, e.Key)
				}
				config.Endpoints[name] = upstream.Endpoint{Kind: e.Kind, BaseURL: placeholder.ReplaceAllString(e.URL, "modelle.example"), AllowPrivate: e.AllowPrivate}
			}
			if err := config.Validate(); err != nil {
				t.Errorf("endpoints: %v", err)
			}
			checkModels(t, tpl, s)
		})
	}
}

func checkModels(t *testing.T, tpl upstream.Template, s start) {
	t.Helper()
	if len(s.Models) == 0 {
		t.Error("no models")
	}
	for _, m := range s.Models {
		if _, ok := s.Endpoints[m.Endpoint]; !ok || m.ID == "" || m.Operator == "" || len(m.Country) != 2 || len(m.Operations) == 0 {
			t.Errorf("%s: incomplete: %+v", m.ID, m)
		}
		for _, o := range m.Operations {
			if !upstream.Offers(tpl.Name, o) {
				t.Errorf("%s: servers of this kind do not offer %s", m.ID, o)
			}
		}
		if m.Contract != "" || m.Para80Notice != "" || m.Art9 {
			t.Errorf("%s: says what only a contract can say", m.ID)
		}
		switch {
		case m.Residency == gateway.ResidencyOwn && m.ProcessorKind == "own":
		case m.Residency == gateway.ResidencyPrivateEU && m.ProcessorKind == "private":
			if !m.TrainsOnInput || m.Para30AO || len(m.DataClasses) != 1 || m.DataClasses[0] != gateway.DataPublic {
				t.Errorf("%s: released for more than public data before a contract", m.ID)
			}
		default:
			t.Errorf("%s: residency %q with processor %q", m.ID, m.Residency, m.ProcessorKind)
		}
	}
}
